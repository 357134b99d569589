package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Read calls each with every committed record of a partition, from the first up to the stable end at the time of the call. each
// must not keep the record. Read returns an error of each unchanged. The error for a topic that does not exist is
// kerr.UnknownTopicOrPartition.
func (c Cluster) Read(ctx context.Context, topic string, partition int32, each func(*kgo.Record) error) error {
	return c.readPartition(ctx, topic, partition, StableEnds, each)
}

// ReadTo is Read up to an offset, exclusive. It waits for open transactions before that offset.
func (c Cluster) ReadTo(ctx context.Context, topic string, partition int32, end int64, each func(*kgo.Record) error) error {
	given := func(context.Context, *kgo.Client, string) (map[int32]int64, error) {
		return map[int32]int64{partition: end}, nil
	}
	return c.readPartition(ctx, topic, partition, given, each)
}

func (c Cluster) readPartition(ctx context.Context, topic string, partition int32,
	endsOf func(context.Context, *kgo.Client, string) (map[int32]int64, error), each func(*kgo.Record) error,
) error {
	cl, err := c.NewClient(kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer cl.Close()
	ends, err := endsOf(ctx, cl, topic)
	if err != nil {
		return err
	}
	starts, err := Starts(ctx, cl, topic)
	if err != nil {
		return err
	}
	start, exists := starts[partition]
	if !exists {
		return fmt.Errorf("read %s: it has no partition %d", topic, partition)
	}
	return readBetween(ctx, cl, topic, map[int32]int64{partition: start}, map[int32]int64{partition: ends[partition]}, each)
}

// ReadBetween calls each with the committed records of a topic, for each partition in from, from that offset up to the offset in
// to, exclusive. If to is nil, it reads until ctx ends. each must not keep the record.
func (c Cluster) ReadBetween(ctx context.Context, topic string, from, to map[int32]int64, each func(*kgo.Record) error) error {
	cl, err := c.NewClient(kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer cl.Close()
	return readBetween(ctx, cl, topic, from, to, each)
}

// readBetween is ReadBetween with a client that keeps control records. A topic often ends in a transaction's marker, which shows
// that the end is reached.
func readBetween(ctx context.Context, cl *kgo.Client, topic string, from, to map[int32]int64, each func(*kgo.Record) error) error {
	offsets, left := make(map[int32]kgo.Offset), make(map[int32]bool)
	for partition, at := range from {
		if to == nil || at < to[partition] {
			offsets[partition], left[partition] = kgo.NewOffset().At(at), true
		}
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets})
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for _, failed := range fetches.Errors() {
			return fmt.Errorf("read %s: %w", topic, failed.Err)
		}
		for records := fetches.RecordIter(); !records.Done(); {
			record := records.Next()
			if to != nil && record.Offset+1 >= to[record.Partition] {
				delete(left, record.Partition)
			}
			if record.Attrs.IsControl() || to != nil && record.Offset >= to[record.Partition] {
				continue
			}
			if err := each(record); err != nil {
				return err
			}
		}
	}
	return nil
}

// Latest is the last committed record of a key in a partition of a compacted topic. It is nil if there is none, or if it is a
// tombstone.
func (c Cluster) Latest(ctx context.Context, topic string, partition int32, key string) (*kgo.Record, error) {
	var latest *kgo.Record
	err := c.Read(ctx, topic, partition, func(r *kgo.Record) error {
		if string(r.Key) == key {
			latest = r
		}
		return nil
	})
	if latest != nil && latest.Value == nil {
		latest = nil
	}
	return latest, err
}
