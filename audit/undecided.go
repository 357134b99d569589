package audit

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

const (
	// decisionTimeout is longer than a transaction takes whose producer still runs. Without the producer it takes up to
	// 30 s.
	decisionTimeout = 5 * time.Second
	// askEvery is how often Kafka is asked for the stable ends.
	askEvery = 100 * time.Millisecond
)

// decidedEnds are the offsets, by partition, up to which votes_topic can be counted. Kafka confirms a commit before it
// has written the markers of all partitions, so a producer's progress may include ballots that nobody can read yet. So
// decidedEnds waits until the transactions in the topic are decided, but not for long. It notes those that are not
// decided then.
func decidedEnds(ctx context.Context, c Config, report *report) (map[int32]int64, error) {
	cl, err := c.Kafka.NewClient()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	ends, err := kafka.Ends(ctx, cl, election.VotesTopic)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	timeout := time.NewTimer(cmp.Or(c.DecisionTimeout, decisionTimeout))
	defer timeout.Stop()
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		decided, err := kafka.StableEnds(ctx, cl, election.VotesTopic)
		if err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		behind := notReached(decided, ends)
		if len(behind) == 0 {
			return decided, nil
		}
		select {
		case <-ticker.C:
			continue
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timeout.C:
		}
		for _, partition := range behind {
			report.addNote("A transaction is undecided in %s %d: its records from offset %d on, up to %d, are not counted. Differences may pass; run the audit again.",
				election.VotesTopic, partition, decided[partition], ends[partition])
		}
		return decided, nil
	}
}

// noteGrowth notes partitions with ballots that came after the recount. The results and the tables may hold them
// already.
func noteGrowth(ctx context.Context, c Config, report *report, counted map[int32]int64) error {
	cl, err := c.Kafka.NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	now, err := kafka.StableEnds(ctx, cl, election.VotesTopic)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	for _, partition := range notReached(counted, now) {
		report.addNote("%s %d has grown since it was counted, from offset %d to %d. Differences may pass; run the audit again.",
			election.VotesTopic, partition, counted[partition], now[partition])
	}
	return nil
}

// notReached are the partitions whose offset is below their end.
func notReached(at, ends map[int32]int64) []int32 {
	var behind []int32
	for _, partition := range sortedNumbers(ends) {
		if at[partition] < ends[partition] {
			behind = append(behind, partition)
		}
	}
	return behind
}
