package inspect

import (
	"context"
	"log/slog"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// Counted reports whether the official run counts every vote that is in votes_topic now, also those whose transaction is
// not yet decided in their partition: Kafka confirms a commit before it writes the markers, of each partition by itself.
// Its errors are Kafka's: trying again may help.
func Counted(ctx context.Context, brokers []string, log *slog.Logger) (bool, error) {
	var official election.OfficialRun
	if found, err := kafka.LatestJSON(ctx, brokers, log, election.ElectionTopic, election.OfficialRunKey, &official); err != nil || !found {
		return false, err
	}
	var status election.QueryStatus
	found, err := kafka.LatestJSON(ctx, brokers, log, election.PipelineStatusTopic, election.QueryKey, &status)
	if err != nil || !found || status.Counted == nil {
		return false, err
	}
	cl, err := kafka.NewClient(brokers, log)
	if err != nil {
		return false, err
	}
	defer cl.Close()
	ends, err := kafka.Ends(ctx, cl, election.VotesTopic)
	if err != nil || len(ends) == 0 {
		return false, err
	}
	return status.Run == official.Run && election.Behind(ends, status.Counted) == 0, nil
}

// CountedAndStored reports whether the query has counted, and the ledger stored, every vote there is. Its errors are
// Kafka's.
func CountedAndStored(ctx context.Context, brokers []string, log *slog.Logger) (bool, error) {
	if counted, err := Counted(ctx, brokers, log); err != nil || !counted {
		return false, err
	}
	return Stored(ctx, brokers, log)
}
