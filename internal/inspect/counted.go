package inspect

import (
	"context"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// Counted reports whether the official run has counted every vote that votes_topic holds now. That includes votes whose
// transaction is not decided in their partition yet, because Kafka confirms a commit before it writes the marker of each
// partition. Its errors are Kafka's, and trying again may help.
func Counted(ctx context.Context, cluster kafka.Cluster) (bool, error) {
	var official election.OfficialRun
	if found, err := cluster.LatestJSON(ctx, election.RunsTopic, election.OfficialRunKey, &official); err != nil || !found {
		return false, err
	}
	var status election.QueryStatus
	found, err := cluster.LatestJSON(ctx, election.QueryStatusTopic, election.QueryKey, &status)
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

// CountedAndStored reports whether the query has counted, and the ledger has stored, every vote. Its errors are Kafka's.
func CountedAndStored(ctx context.Context, cluster kafka.Cluster) (bool, error) {
	if counted, err := Counted(ctx, cluster); err != nil || !counted {
		return false, err
	}
	return Stored(ctx, cluster)
}
