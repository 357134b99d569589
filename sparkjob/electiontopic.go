package sparkjob

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// topicState is what the election topic says to submit, up to some offset.
type topicState struct {
	ends     map[int32]int64
	official election.OfficialRun
	latest   run
	wanted   election.Wanted
	holder   holder
}

// readElectionTopic reads what was noted since it was called last. The topic also holds the definition, which is megabytes for a
// country, so it is not read again and again.
func (r *runTracker) readElectionTopic(ctx context.Context) error {
	ends, err := kafka.StableEnds(ctx, r.cl, election.ElectionTopic)
	if err != nil || maps.Equal(ends, r.inTopic.ends) {
		return err
	}
	from := r.inTopic.ends
	if madeAgain(from, ends) {
		r.inTopic, from = topicState{}, nil
	}
	if from == nil {
		if from, err = kafka.Starts(ctx, r.cl, election.ElectionTopic); err != nil {
			return err
		}
	}
	err = r.config.Kafka.ReadBetween(ctx, election.ElectionTopic, from, ends, func(record *kgo.Record) error {
		switch key := string(record.Key); key {
		case election.OfficialRunKey:
			return decode(record, &r.inTopic.official)
		case election.LatestRunKey:
			return decode(record, &r.inTopic.latest)
		case election.WantedKey:
			return decode(record, &r.inTopic.wanted)
		case election.HolderKey:
			return decode(record, &r.inTopic.holder)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.inTopic.ends = ends
	return nil
}

// madeAgain reports whether a topic ends before where it ended.
func madeAgain(was, is map[int32]int64) bool {
	for partition, end := range was {
		if is[partition] < end {
			return true
		}
	}
	return false
}

// decode replaces a value by that of a record; a tombstone has none.
func decode[T any](record *kgo.Record, into *T) error {
	*into = *new(T)
	if record.Value == nil {
		return nil
	}
	return kafka.DecodeJSON(record, into)
}

// note writes the election topic, which of all submits only the last one to open it can.
func (r *runTracker) note(ctx context.Context, key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	if err := r.mayAct(); err != nil {
		return err
	}
	if err := r.accounts.BeginTransaction(); err != nil {
		return fmt.Errorf("note %s: %w", key, err)
	}
	record := &kgo.Record{Topic: election.ElectionTopic, Key: []byte(key), Value: text}
	err = r.accounts.ProduceSync(ctx, record).FirstErr()
	if err == nil {
		err = kafka.EndTransaction(ctx, r.accounts, kgo.TryCommit)
	}
	if err != nil { // the submit that acts next ends the transaction
		return fmt.Errorf("note %s: %w", key, err)
	}
	return nil
}
