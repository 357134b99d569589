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

// The most that votes_rejected holds of a reject, in bytes. In base64 it stays below 1 MiB, which a broker takes by
// default.
const (
	longestKey = 64 << 10
	longestRaw = 512 << 10
)

// publishRejects sends rejects to votes_rejected, except those that were sent ahead. It returns when Kafka has them.
func (s *session) publishRejects(ctx context.Context, rejects []reject) error {
	var records []*kgo.Record
	for _, r := range rejects {
		key := rejectKey(r.Topic, r.Partition, r.Offset)
		if s.sentAhead[key] {
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
	if err := s.checkLease(); err != nil {
		return err
	}
	for _, result := range s.producer.ProduceSync(ctx, records...) {
		if result.Err != nil {
			return fmt.Errorf("publish a reject: %w", result.Err)
		}
		s.sentAhead[string(result.Record.Key)] = true
	}
	return nil
}

func cut(b []byte, longest int) []byte { return b[:min(len(b), longest)] }

func rejectKey(topic string, partition int32, offset int64) string {
	return topic + ":" + strconv.Itoa(int(partition)) + ":" + strconv.FormatInt(offset, 10)
}

// parseRejectKey cuts a key of votes_rejected into its parts, and reports whether rejectKey made it.
func parseRejectKey(key string) (at topicPartition, offset int64, ok bool) {
	fields := strings.Split(key, ":")
	if len(fields) != 3 {
		return topicPartition{}, 0, false
	}
	partition, err1 := strconv.ParseInt(fields[1], 10, 32)
	offset, err2 := strconv.ParseInt(fields[2], 10, 64)
	at = topicPartition{fields[0], int32(partition)}
	return at, offset, err1 == nil && err2 == nil && key == rejectKey(at.topic, at.partition, offset)
}

// readSentAhead finds the rejects that an earlier ledger published, and ended before it could commit. It may take any
// time, as long as Kafka goes on sending the topic.
func (s *session) readSentAhead(ctx context.Context) error {
	err := withIdleTimeout(ctx, callTimeout, func(ctx context.Context, progressed func()) error {
		return s.config.Kafka.Read(ctx, election.RejectedVotesTopic, 0, func(r *kgo.Record) error {
			progressed()
			at, offset, ours := parseRejectKey(string(r.Key))
			if next, stored := s.next[at]; ours && stored && offset >= next {
				s.sentAhead[string(r.Key)] = true
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read the published rejects: %w", err)
	}
	return nil
}
