package live

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// WatchBacklog compares the end of the votes topic with the offsets that the query has reported, every interval, until ctx ends.
//
// A difference of offsets is no number of votes, since the topic's offsets have gaps. But there are never more records than
// offsets, so totals above these are invented.
func (h *Hub) WatchBacklog(ctx context.Context, cl *kgo.Client, interval time.Duration) error {
	return h.watchBacklog(ctx, func(ctx context.Context) (map[int32]int64, error) { return voteEnds(ctx, cl) }, interval)
}

func (h *Hub) watchBacklog(ctx context.Context, endsOf func(context.Context) (map[int32]int64, error), interval time.Duration) error {
	var unansweredSince time.Time
	var counted map[int32]int64 // when Kafka answered last
	progress := h.now()         // when all was counted, or some of it, or Kafka did not answer
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, MaxSilence)
		before, records := h.counted(), h.records()
		ends, err := endsOf(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			unansweredSince = time.Time{}
			last := counted
			counted = h.counted()
			uncounted := beyond(ends, counted)
			if !uncounted || !maps.Equal(counted, last) {
				progress = h.now()
			}
			h.SetBacklog(Backlog{Uncounted: uncounted, Since: progress, None: !uncounted, Invented: beyond(before, ends) || records > sum(ends)})
		default:
			if unansweredSince.IsZero() {
				unansweredSince = h.now()
			}
			progress = h.now()
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
func voteEnds(ctx context.Context, cl *kgo.Client) (map[int32]int64, error) {
	ends, err := kafka.StableEnds(ctx, cl, election.VotesTopic)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, nil
	}
	return ends, err
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

// records is how many records the newest totals have, counted and rejected.
func (h *Hub) records() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.doubts.records
}

func sum(offsets map[int32]int64) (n int64) {
	for _, offset := range offsets {
		n += offset
	}
	return n
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
