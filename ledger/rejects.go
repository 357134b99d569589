package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

// What votes_rejected holds of a reject, in bytes: in base64 it stays below what a broker takes by default, 1 MiB.
const (
	longestKey = 64 << 10
	longestRaw = 512 << 10
)

// publish sends rejects to votes_rejected, but for those that it holds. It returns when Kafka has them.
func (s *session) publish(ctx context.Context, rejects []reject) error {
	var records []*kgo.Record
	for _, r := range rejects {
		key := rejectKey(r.Topic, r.Partition, r.Offset)
		if s.sent[key] {
			continue
		}
		value, err := json.Marshal(election.RejectedVote{
			Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Reason: r.reason,
			Key: cut(r.Key, longestKey), Raw: cut(r.Value, longestRaw),
		})
		if err != nil {
			return err
		}
		records = append(records, &kgo.Record{Topic: election.RejectedVotesTopic, Key: []byte(key), Value: value})
	}
	if err := s.held(); err != nil {
		return err
	}
	for _, result := range s.producer.ProduceSync(ctx, records...) {
		if result.Err != nil {
			return fmt.Errorf("publish a reject: %w", result.Err)
		}
		s.sent[string(result.Record.Key)] = true
	}
	return nil
}

func cut(b []byte, longest int) []byte { return b[:min(len(b), longest)] }

func rejectKey(topic string, partition int32, offset int64) string {
	return topic + ":" + strconv.Itoa(int(partition)) + ":" + strconv.FormatInt(offset, 10)
}

// cutRejectKey takes a key of votes_rejected apart, and reports whether it is one that rejectKey makes.
func cutRejectKey(key string) (at place, offset int64, ok bool) {
	fields := strings.Split(key, ":")
	if len(fields) != 3 {
		return place{}, 0, false
	}
	partition, err1 := strconv.ParseInt(fields[1], 10, 32)
	offset, err2 := strconv.ParseInt(fields[2], 10, 64)
	at = place{fields[0], int32(partition)}
	return at, offset, err1 == nil && err2 == nil && key == rejectKey(at.topic, at.partition, offset)
}

// readSent finds the rejects that a ledger before this one published, and did not live to commit. It takes as long as
// Kafka goes on sending the topic.
func (s *session) readSent(ctx context.Context) error {
	err := whileMoving(ctx, patience, func(ctx context.Context, moved func()) error {
		return s.config.Kafka.Read(ctx, election.RejectedVotesTopic, 0, func(r *kgo.Record) error {
			moved()
			at, offset, ours := cutRejectKey(string(r.Key))
			if next, stored := s.next[at]; ours && stored && offset >= next {
				s.sent[string(r.Key)] = true
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read what is published of the rejects: %w", err)
	}
	return nil
}
