package kafka

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Read hands every committed record of a partition to each, from the first up to the end that was stable when Read
// was called. The record is each's only until each returns.
func Read(ctx context.Context, brokers []string, log *slog.Logger, topic string, partition int32, each func(*kgo.Record) error) error {
	return read(ctx, brokers, log, topic, partition, -1, each)
}

// ReadTo is Read up to an offset, exclusive, that transactions may not yet be decided before: it waits for them.
func ReadTo(ctx context.Context, brokers []string, log *slog.Logger, topic string, partition int32, end int64, each func(*kgo.Record) error) error {
	return read(ctx, brokers, log, topic, partition, end, each)
}

// read is ReadTo, or Read where end is negative.
func read(ctx context.Context, brokers []string, log *slog.Logger, topic string, partition int32, end int64, each func(*kgo.Record) error) error {
	// Transaction markers are kept: a topic often ends in one, and it tells that the end is reached.
	cl, err := NewClient(brokers, log, kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}))
	if err != nil {
		return err
	}
	defer cl.Close()

	ends, err := StableEnds(ctx, cl, topic)
	if err != nil {
		return err
	}
	starts, err := kadm.NewClient(cl).ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("list the start offsets of %s: %w", topic, err)
	}
	stable, exists := ends[partition]
	if !exists {
		return fmt.Errorf("read %s: it has no partition %d", topic, partition)
	}
	if end < 0 {
		end = stable
	}
	start, _ := starts.Lookup(topic, partition)
	for next := start.Offset; next < end; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for _, failed := range fetches.Errors() {
			return fmt.Errorf("read %s: %w", topic, failed.Err)
		}
		for records := fetches.RecordIter(); !records.Done(); {
			record := records.Next()
			next = record.Offset + 1
			if record.Attrs.IsControl() || record.Offset >= end {
				continue
			}
			if err := each(record); err != nil {
				return err
			}
		}
	}
	return nil
}

// Latest is the last committed record of a key in a partition of a compacted topic, nil where there is none.
func Latest(ctx context.Context, brokers []string, log *slog.Logger, topic string, partition int32, key string) (*kgo.Record, error) {
	var latest *kgo.Record
	err := Read(ctx, brokers, log, topic, partition, func(r *kgo.Record) error {
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
