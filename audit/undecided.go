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
	// decides is how long a transaction takes at most whose producer lives. That of a dead one takes up to 30 s.
	decides = 5 * time.Second
	// decidesEvery is how often it is asked for.
	decidesEvery = 100 * time.Millisecond
)

// decidedEnds are the offsets, by partition, up to which votes_topic can be counted. A transaction that is there is
// waited for, but not for long: Kafka confirms a commit before it has written the markers of each partition, so a
// producer's progress may tell of ballots that nobody can read yet. It notes what is not decided then.
func decidedEnds(ctx context.Context, c Config, report *report) (map[int32]int64, error) {
	cl, err := c.Kafka.NewClient()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	there, err := kafka.Ends(ctx, cl, election.VotesTopic)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	patience := time.NewTimer(cmp.Or(c.Decides, decides))
	defer patience.Stop()
	ticker := time.NewTicker(decidesEvery)
	defer ticker.Stop()
	for {
		decided, err := kafka.StableEnds(ctx, cl, election.VotesTopic)
		if err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		behind := notReached(decided, there)
		if len(behind) == 0 {
			return decided, nil
		}
		select {
		case <-ticker.C:
			continue
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-patience.C:
		}
		for _, partition := range behind {
			report.note("A transaction is undecided in %s %d: its records from offset %d on, up to %d, are not counted. Differences may pass; run the audit again.",
				election.VotesTopic, partition, decided[partition], there[partition])
		}
		return decided, nil
	}
}

// noteGrowth says where ballots came after the recount: the results and the tables may hold them already.
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
		report.note("%s %d has grown since it was counted, from offset %d to %d. Differences may pass; run the audit again.",
			election.VotesTopic, partition, counted[partition], now[partition])
	}
	return nil
}

// notReached are the partitions that are not as far as ends.
func notReached(at, ends map[int32]int64) []int32 {
	var behind []int32
	for _, partition := range sortedNumbers(ends) {
		if at[partition] < ends[partition] {
			behind = append(behind, partition)
		}
	}
	return behind
}
