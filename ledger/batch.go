package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

const (
	// batchRecords and batchBytes bound a transaction: enough to make its commit cheap, little enough to hold.
	batchRecords = 20_000
	batchBytes   = 32 << 20
	// gatherTime is how long collect waits for more records once it has some.
	gatherTime = 200 * time.Millisecond
	// idleTime is how long collect waits for a first record. Then the connection to PostgreSQL is checked.
	idleTime = time.Second
)

// batch is the records of one topic that are stored in one transaction.
type batch struct {
	topic   string
	records []*kgo.Record   // without transaction markers; in the order of the offsets of each partition
	next    map[int32]int64 // by partition: the offset after the last record or marker
}

// reject is a record that is not stored.
type reject struct {
	*kgo.Record
	reason election.Reason
}

// collect waits for records, and returns them by topic: none if no record came within idleTime.
func (s *session) collect(ctx context.Context) (map[string]*batch, error) {
	batches := make(map[string]*batch)
	count, bytes := 0, 0
	var deadline time.Time // set when the first record has come
	for wait := idleTime; wait > 0 && count < batchRecords && bytes < batchBytes; {
		polling, cancel := context.WithTimeout(ctx, wait)
		fetches := s.consumer.PollRecords(polling, batchRecords-count)
		cancel()
		for _, failed := range fetches.Errors() {
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case !errors.Is(failed.Err, context.DeadlineExceeded) || failed.Topic != "":
				return nil, fmt.Errorf("read %s %d: %w", failed.Topic, failed.Partition, failed.Err)
			}
		}
		var replaced error
		fetches.EachTopic(func(t kgo.FetchTopic) {
			if t.TopicID != [16]byte{} { // Kafka may answer without an id where it has no records
				replaced = errors.Join(replaced, checkTopicID(t.Topic, s.ids[t.Topic], t.TopicID))
			}
		})
		if replaced != nil {
			return nil, replaced
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if p.Topic != "" {
				s.ends[topicPartition{p.Topic, p.FetchPartition.Partition}] = p.LastStableOffset
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			b := batches[r.Topic]
			if b == nil {
				b = &batch{topic: r.Topic, next: make(map[int32]int64)}
				batches[r.Topic] = b
			}
			b.next[r.Partition] = r.Offset + 1
			count, bytes = count+1, bytes+len(r.Key)+len(r.Value)
			if !r.Attrs.IsControl() {
				b.records = append(b.records, r)
			}
		})
		if count == 0 {
			break
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(gatherTime)
		}
		wait = time.Until(deadline)
	}
	return batches, nil
}
