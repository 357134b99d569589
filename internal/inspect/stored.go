package inspect

import (
	"context"
	"strconv"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// Stored reports whether PostgreSQL has all records that the topics of voters and votes hold now. As in Counted, these include
// records of transactions that are not decided yet. Its errors are Kafka's, and trying again may help.
func Stored(ctx context.Context, cluster kafka.Cluster) (bool, error) {
	var status election.LedgerStatus
	found, err := cluster.LatestJSON(ctx, election.LedgerStatusTopic, election.LedgerKey, &status)
	if err != nil || !found {
		return false, err
	}
	cl, err := cluster.NewClient()
	if err != nil {
		return false, err
	}
	defer cl.Close()
	for _, topic := range []string{election.VotersTopic, election.VotesTopic} {
		ends, err := kafka.Ends(ctx, cl, topic)
		if err != nil || len(ends) == 0 {
			return false, err
		}
		for partition, end := range ends {
			if stored, known := status.Stored[topic][strconv.Itoa(int(partition))]; !known || stored < end {
				return false, nil
			}
		}
	}
	return true, nil
}
