package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// TailConfig selects the records that Tail reads. Kafka, Topic and Each are required.
type TailConfig struct {
	Kafka     kafka.Cluster
	Topic     string
	Partition int32                   // only this partition; -1 means all
	FromStart bool                    // the first records, partition by partition; otherwise the last records, by time
	Count     int                     // of records
	Follow    bool                    // go on with new records; with FromStart, Count is ignored
	Each      func(*kgo.Record) error // gets each record; an error ends Tail
}

// Validate returns an *election.Wrong that names the setting that is wrong.
func (c TailConfig) Validate() error {
	switch {
	case c.Count < 0:
		return &election.Wrong{Setting: "count", Value: c.Count, Text: "choose 0 or more"}
	case c.Partition < -1:
		return &election.Wrong{Setting: "partition", Value: c.Partition, Text: "choose 0 or more"}
	}
	return nil
}

// errEnough ends a read.
var errEnough = errors.New("enough records")

// Tail calls Each with committed records of a topic. It returns after the last of them. With Follow it goes on until ctx ends, and
// then returns nil.
func Tail(ctx context.Context, c TailConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	cl, err := c.Kafka.NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	starts, ends, err := bounds(ctx, c, cl)
	if err != nil {
		return err
	}
	next := ends
	if c.FromStart && c.Follow {
		next = starts
	} else if err := showOnce(ctx, c, starts, ends); err != nil {
		return err
	}
	if !c.Follow {
		return nil
	}
	err = c.read(ctx, next, nil, c.Each)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// showOnce calls Each with the first or the last records between starts and ends.
func showOnce(ctx context.Context, c TailConfig, starts, ends map[int32]int64) error {
	if c.Count == 0 {
		return nil
	}
	if c.FromStart {
		left := c.Count
		for _, partition := range sorted(starts) {
			only := func(of map[int32]int64) map[int32]int64 { return map[int32]int64{partition: of[partition]} }
			err := c.read(ctx, only(starts), only(ends), func(r *kgo.Record) error {
				if err := c.Each(r); err != nil {
					return err
				}
				if left--; left == 0 {
					return errEnough
				}
				return nil
			})
			if errors.Is(err, errEnough) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	records, err := lastRecords(ctx, c, starts, ends)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := c.Each(r); err != nil {
			return err
		}
	}
	return nil
}

// lastRecords are the last records of all partitions together, by time. Offsets have gaps, so it reads from further back until it
// has enough records.
func lastRecords(ctx context.Context, c TailConfig, starts, ends map[int32]int64) ([]*kgo.Record, error) {
	for window := int64(c.Count) + 16; ; window *= 8 {
		from, whole := make(map[int32]int64), true
		for partition, end := range ends {
			from[partition] = max(starts[partition], end-window)
			whole = whole && from[partition] == starts[partition]
		}
		found := make(map[int32][]*kgo.Record)
		err := c.read(ctx, from, ends, func(r *kgo.Record) error {
			of := append(found[r.Partition], r)
			if len(of) > 2*c.Count { // the last Count records of a partition are enough
				of = slices.Clone(of[len(of)-c.Count:])
			}
			found[r.Partition] = of
			return nil
		})
		if err != nil {
			return nil, err
		}
		enough := true // each partition is read whole, or has given Count records
		var all []*kgo.Record
		for partition := range ends {
			enough = enough && (len(found[partition]) >= c.Count || from[partition] == starts[partition])
			all = append(all, found[partition]...)
		}
		if whole || enough {
			slices.SortFunc(all, func(a, b *kgo.Record) int {
				return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
			})
			return all[max(0, len(all)-c.Count):], nil
		}
	}
}

// bounds are the first offsets and the stable ends of the partitions to read.
func bounds(ctx context.Context, c TailConfig, cl *kgo.Client) (starts, ends map[int32]int64, err error) {
	details, err := kadm.NewClient(cl).ListTopics(ctx, c.Topic)
	if err != nil {
		return nil, nil, unreachable(ctx, "look for topic "+c.Topic, c.Kafka, err)
	}
	if !details.Has(c.Topic) {
		return nil, nil, unknownTopic(ctx, cl, c.Topic)
	}
	if ends, err = kafka.StableEnds(ctx, cl, c.Topic); err != nil {
		return nil, nil, err
	}
	if starts, err = kafka.Starts(ctx, cl, c.Topic); err != nil {
		return nil, nil, err
	}
	if c.Partition >= 0 {
		end, exists := ends[c.Partition]
		if !exists {
			return nil, nil, &election.InputError{Text: fmt.Sprintf("%s has no partition %d; they go from 0 to %d", c.Topic, c.Partition, len(ends)-1)}
		}
		ends = map[int32]int64{c.Partition: end}
		starts = map[int32]int64{c.Partition: starts[c.Partition]}
	}
	return starts, ends, nil
}

// read reads the partitions in from up to ends. If ends is nil, it reads until ctx ends.
func (c TailConfig) read(ctx context.Context, from, ends map[int32]int64, each func(*kgo.Record) error) error {
	return c.Kafka.ReadBetween(ctx, c.Topic, from, ends, each)
}

func sorted(partitions map[int32]int64) []int32 {
	var names []int32
	for partition := range partitions {
		names = append(names, partition)
	}
	slices.Sort(names)
	return names
}
