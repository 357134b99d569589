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
		before := h.counted()
		ends, err := endsOf(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			unansweredSince = time.Time{}
			uncounted := beyond(ends, h.counted())
			h.SetBacklog(Backlog{Uncounted: uncounted, None: !uncounted, Invented: beyond(before, ends)})
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

// counted are the offsets up to which the query has reported that it has counted.
func (h *Hub) counted() map[int32]int64 {
	counted := map[int32]int64{}
	if u := h.Current(); u != nil && u.Snapshot.Query != nil {
		for partition, offset := range u.Snapshot.Query.Counted {
			if p, err := strconv.ParseInt(partition, 10, 32); err == nil {
				counted[int32(p)] = offset
			}
		}
	}
	return counted
}

// beyond reports whether any of the offsets is beyond those of the other.
func beyond(offsets, other map[int32]int64) bool {
	for partition, offset := range offsets {
		if offset > other[partition] {
			return true
		}
	}
	return false
}
