package producer

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// recent is how many offsets before the end of a partition are looked at for the newest ballots.
const recent = 100

// newestTime is the latest time, while the polls are open, of the last ballots of the partitions of votes_topic; when
// the polls open, where there are none.
func newestTime(ctx context.Context, cluster kafka.Cluster, polls election.Polling) (time.Time, error) {
	newest := polls.Opens
	asking, err := cluster.NewClient()
	if err != nil {
		return newest, err
	}
	defer asking.Close()
	ends, err := kafka.StableEnds(ctx, asking, election.VotesTopic)
	if err != nil {
		return newest, err
	}
	from, err := kafka.Starts(ctx, asking, election.VotesTopic)
	if err != nil {
		return newest, err
	}
	for partition, start := range from {
		from[partition] = max(start, ends[partition]-recent)
	}
	err = cluster.ReadBetween(ctx, election.VotesTopic, from, ends, func(record *kgo.Record) error {
		vote, ok := election.ParseVote(record.Value)
		if !ok {
			return nil
		}
		at, err := time.Parse(election.TimeLayout, string(vote.VotingTime))
		if err == nil && at.After(newest) && at.Before(polls.Closes) {
			newest = at
		}
		return nil
	})
	return newest, err
}
