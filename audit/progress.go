package audit

import (
	"context"
	"fmt"
	"reflect"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// readProgress reads how far a producer came. As `votes` does, it keeps to the first record with which a producer has finished.
// Otherwise it takes the last one that can be the producer's. It calls foreign with each record that cannot.
func readProgress(ctx context.Context, cluster kafka.Cluster, fingerprint, producer string, foreign func(format string, args ...any)) (p election.Progress, found bool, err error) {
	topic, partition := election.ProgressOf(producer)
	finished := false
	err = cluster.Read(ctx, topic, partition, func(r *kgo.Record) error {
		if string(r.Key) != producer {
			return nil
		}
		wrong := func(why string) {
			foreign("%s %d offset %d cannot be what %s has written: %s", topic, partition, r.Offset, producer, why)
		}
		switch next, err := election.ParseProgress(r.Value); {
		case err != nil:
			wrong(err.Error())
		case finished && !reflect.DeepEqual(p, next):
			wrong("it had finished with another record")
		default:
			p, found = next, true
			finished = producer != election.CastProducer && p.Finished(producer, fingerprint)
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("read how far %s came: %w", producer, err)
	}
	return p, found, err
}

// ignore takes findings that are reported elsewhere.
func ignore(string, ...any) {}
