package inspect

import (
	"context"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// Counted reports whether the official run counts every vote that is in votes_topic now, also those whose transaction is
// not yet decided in their partition: Kafka confirms a commit before it writes the markers, of each partition by itself.
// Its errors are Kafka's: trying again may help.
func Counted(ctx context.Context, cluster kafka.Cluster) (bool, error) {
	var official election.OfficialRun
	if found, err := cluster.LatestJSON(ctx, election.ElectionTopic, election.OfficialRunKey, &official); err != nil || !found {
		return false, err
	}
	var status election.QueryStatus
	found, err := cluster.LatestJSON(ctx, election.PipelineStatusTopic, election.QueryKey, &status)
	if err != nil || !found || status.Counted == nil {
		return false, err
	}
	cl, err := cluster.NewClient()
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
func CountedAndStored(ctx context.Context, cluster kafka.Cluster) (bool, error) {
	if counted, err := Counted(ctx, cluster); err != nil || !counted {
		return false, err
	}
	return Stored(ctx, cluster)
}
