package live

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"realtime-election/election"
)

// WatchBacklog compares the end of the votes topic with the offsets that the query has reported, every interval, until ctx ends.
//
// It only compares offsets. A difference of offsets is no number of votes, since the topic's offsets have gaps.
func (h *Hub) WatchBacklog(ctx context.Context, admin *kadm.Client, interval time.Duration) error {
	return h.watchBacklog(ctx, func(ctx context.Context) (map[int32]int64, error) { return voteEnds(ctx, admin) }, interval)
}

func (h *Hub) watchBacklog(ctx context.Context, endsOf func(context.Context) (map[int32]int64, error), interval time.Duration) error {
	var unansweredSince time.Time
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, MaxSilence)
		ends, err := endsOf(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			unansweredSince = time.Time{}
			h.SetBacklog(Backlog{Uncounted: h.hasUncounted(ends)})
		default:
			if unansweredSince.IsZero() {
				unansweredSince = h.now()
			}
			h.SetBacklog(Backlog{Unknown: unansweredSince})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// voteEnds are the ends of the votes topic's partitions for a reader of committed records, empty if there is no topic.
func voteEnds(ctx context.Context, admin *kadm.Client) (map[int32]int64, error) {
	listed, err := admin.ListCommittedOffsets(ctx, election.VotesTopic)
	if err != nil {
		return nil, fmt.Errorf("list the ends of %s: %w", election.VotesTopic, err)
	}
	ends := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) {
		if o.Err == nil {
			ends[o.Partition] = o.Offset
		}
	})
	return ends, nil
}

// hasUncounted reports whether the votes topic has records beyond the offsets that the query has reported.
func (h *Hub) hasUncounted(ends map[int32]int64) bool {
	var counted map[string]int64
	if u := h.Current(); u != nil && u.Snapshot.Query != nil {
		counted = u.Snapshot.Query.Counted
	}
	for p, end := range ends {
		if end > counted[strconv.Itoa(int(p))] {
			return true
		}
	}
	return false
}
