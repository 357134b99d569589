package results

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type partition struct {
	topic string
	id    int32
}

// offsets are the offset of the next record, by partition.
type offsets map[partition]int64

func (at offsets) reached(ends offsets) bool {
	for p, end := range ends {
		if at[p] < end {
			return false
		}
	}
	return true
}

// endsOf are the ends of the topics for a reader of committed records. Empty partitions are left out, since a reader need not
// wait for them.
//
// The last record before an end can be read, because Kafka does not compact the newest segment of a log.
func endsOf(ctx context.Context, admin *kadm.Client) (offsets, error) {
	starts, err := admin.ListStartOffsets(ctx, Topics()...)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list the starts of the result topics: %w", err)
	}
	listed, err := admin.ListCommittedOffsets(ctx, Topics()...)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list the ends of the result topics: %w", err)
	}
	ends := offsets{}
	listed.Each(func(o kadm.ListedOffset) {
		if start, ok := starts.Lookup(o.Topic, o.Partition); !ok || o.Offset > start.Offset {
			ends[partition{o.Topic, o.Partition}] = o.Offset
		}
	})
	return ends, nil
}

// generation tells topics from earlier ones of the same names.
type generation map[partition]kadm.TopicID

// listGeneration returns the current topics. It is an error if one is missing.
func listGeneration(ctx context.Context, admin *kadm.Client) (generation, error) {
	details, err := admin.ListTopics(ctx, Topics()...)
	if err != nil {
		return nil, fmt.Errorf("list the result topics: %w", err)
	}
	seen := generation{}
	for _, topic := range Topics() {
		detail, ok := details[topic]
		if !ok || detail.Err != nil || len(detail.Partitions) == 0 {
			return nil, fmt.Errorf("topic %s does not exist yet", topic)
		}
		for id := range detail.Partitions {
			seen[partition{topic, id}] = detail.ID
		}
	}
	return seen, nil
}

func (g generation) fromStart() map[string]map[int32]kgo.Offset {
	all := map[string]map[int32]kgo.Offset{}
	for p := range g {
		if all[p.topic] == nil {
			all[p.topic] = map[int32]kgo.Offset{}
		}
		all[p.topic][p.id] = kgo.NewOffset().AtStart()
	}
	return all
}

// watchTopics returns once a topic is no longer the one in seen, or ctx ends. It ignores a broker that does not answer.
func (r Reader) watchTopics(ctx context.Context, admin *kadm.Client, seen generation) error {
	for wait(ctx, r.watch()) {
		ask, cancel := context.WithTimeout(ctx, 10*time.Second)
		now, err := admin.ListTopics(ask, Topics()...)
		cancel()
		if err != nil {
			continue
		}
		current := generation{}
		for _, detail := range now {
			for id := range detail.Partitions {
				current[partition{detail.Topic, id}] = detail.ID
			}
		}
		if !maps.Equal(seen, current) {
			return errRecreated
		}
	}
	return ctx.Err()
}
