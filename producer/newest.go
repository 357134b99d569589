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

// newestTime is the latest voting time among the last ballots of each partition of votes_topic. Times at which the
// polls are closed are left out. Without a ballot it is the time at which the polls open.
func newestTime(ctx context.Context, cluster kafka.Cluster, polls election.Polling) (time.Time, error) {
	newest := polls.Opens
	client, err := cluster.NewClient()
	if err != nil {
		return newest, err
	}
	defer client.Close()
	ends, err := kafka.StableEnds(ctx, client, election.VotesTopic)
	if err != nil {
		return newest, err
	}
	from, err := kafka.Starts(ctx, client, election.VotesTopic)
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
