package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

// comparePublished compares every record of votes_rejected with the records that must be rejected, by topic. Two equal
// records of one reject count as one.
func comparePublished(ctx context.Context, c Config, report *report, want map[string]map[position]rejected, hash *ballots) error {
	topic := election.RejectedVotesTopic
	got := make(map[string]map[position]rejected)
	for of := range want {
		got[of] = make(map[position]rejected)
	}
	unreadable, contradicting := report.newKind(topic+": unreadable"), report.newKind(topic+": contradicting")
	var n int
	err := c.Kafka.Read(ctx, topic, 0, func(r *kgo.Record) error {
		v, err := decodeReject(r)
		of := got[v.Topic]
		switch {
		case err != nil:
			unreadable.add("%s: offset %d %v", topic, r.Offset, err)
			return nil
		case of == nil:
			unreadable.add("%s: offset %d is of %q, of which nothing is rejected", topic, r.Offset, v.Topic)
			return nil
		}
		at, now := position{v.Partition, v.Offset}, hash.reject(v.Reason, v.Key, v.Raw)
		if before, again := of[at]; again && before != now {
			contradicting.add("%s: offset %d contradicts an earlier record of %s", topic, r.Offset, r.Key)
			return nil
		}
		of[at] = now
		return nil
	})
	if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("audit: %w", err)
	}
	differences := unreadable.finish() + contradicting.finish()
	wanted := 0
	for _, of := range slices.Sorted(maps.Keys(want)) {
		wanted, n = wanted+len(want[of]), n+len(got[of])
		differences += compareByPosition(report, topic+": "+of, want[of], got[of], func(r rejected) uint64 { return r.cut })
	}
	report.addRow(topic, fmt.Sprintf("%d rejects", wanted), fmt.Sprintf("%d rejects", n), differences)
	return nil
}

// decodeReject reads a record of votes_rejected. Its key must name the topic, partition and offset of the rejected
// record.
func decodeReject(r *kgo.Record) (election.RejectedVote, error) {
	var v election.RejectedVote
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return v, fmt.Errorf("cannot be read: %w", err)
	}
	if key := fmt.Sprintf("%s:%d:%d", v.Topic, v.Partition, v.Offset); string(r.Key) != key {
		return v, fmt.Errorf("has the key %q, and is of %s", r.Key, key)
	}
	return v, nil
}

func sortedPositions[V any](m map[position]V) []position {
	return slices.SortedFunc(maps.Keys(m), func(a, b position) int {
		return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.offset, b.offset))
	})
}

func sortedNumbers[V any](m map[int32]V) []int32 { return slices.Sorted(maps.Keys(m)) }
