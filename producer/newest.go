package producer

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// recent is how many offsets before the end of a partition are looked at for the newest ballots.
const recent = 100

// newestTime is the latest time, while the polls are open, of the last ballots of the partitions of votes_topic; when
// the polls open, where there are none.
func newestTime(ctx context.Context, brokers []string, log *slog.Logger, polls election.Polling) (time.Time, error) {
	newest := polls.Opens
	asking, err := kafka.NewClient(brokers, log)
	if err != nil {
		return newest, err
	}
	defer asking.Close()
	ends, err := kafka.StableEnds(ctx, asking, election.VotesTopic)
	if err != nil {
		return newest, err
	}
	starts, err := kadm.NewClient(asking).ListStartOffsets(ctx, election.VotesTopic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return newest, fmt.Errorf("list the start offsets of %s: %w", election.VotesTopic, err)
	}
	from := make(map[int32]kgo.Offset)
	for partition, end := range ends {
		if start, _ := starts.Lookup(election.VotesTopic, partition); start.Offset < end {
			from[partition] = kgo.NewOffset().At(max(start.Offset, end-recent))
		} else {
			delete(ends, partition)
		}
	}
	// Transaction markers are kept: the last record is often one.
	cl, err := kafka.NewClient(brokers, log, kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{election.VotesTopic: from}))
	if err != nil {
		return newest, err
	}
	defer cl.Close()
	for len(ends) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := cmp.Or(fetches.Err0(), fetches.Err()); err != nil {
			return newest, fmt.Errorf("read %s: %w", election.VotesTopic, err)
		}
		for records := fetches.RecordIter(); !records.Done(); {
			record := records.Next()
			if end, reading := ends[record.Partition]; reading && record.Offset >= end-1 {
				delete(ends, record.Partition)
			}
			vote, ok := election.ParseVote(record.Value)
			if !ok {
				continue
			}
			at, err := time.Parse(election.TimeLayout, string(vote.VotingTime))
			if err == nil && at.After(newest) && at.Before(polls.Closes) {
				newest = at
			}
		}
	}
	return newest, nil
}
