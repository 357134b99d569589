package sparkjob

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// topicState is what submit has read from its topics, up to the offsets in ends.
type topicState struct {
	ends     map[string]map[int32]int64 // by topic
	official election.OfficialRun
	latest   run
	wanted   election.Wanted
	holder   holder
}

// readTopics reads the records that were written since the last call: submit's own of the runs, and whether the query is wanted.
func (r *runTracker) readTopics(ctx context.Context) error {
	for _, topic := range []string{election.RunsTopic, election.QueryControlTopic} {
		if err := r.readTopic(ctx, topic); err != nil {
			return err
		}
	}
	return nil
}

func (r *runTracker) readTopic(ctx context.Context, topic string) error {
	ends, err := kafka.StableEnds(ctx, r.reader, topic)
	from := r.inTopic.ends[topic]
	if err != nil || maps.Equal(ends, from) {
		return err
	}
	if wasRecreated(from, ends) {
		r.inTopic.forget(topic)
		from = nil
	}
	if from == nil {
		if from, err = kafka.Starts(ctx, r.reader, topic); err != nil {
			return err
		}
	}
	err = r.config.Kafka.ReadBetween(ctx, topic, from, ends, func(record *kgo.Record) error {
		// A record that cannot be read changes nothing.
		if err := r.inTopic.apply(record); err != nil {
			r.config.Log.Warn("a record is not what it should be, and is ignored", "topic", topic, "offset", record.Offset, "error", firstLine(err))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if r.inTopic.ends == nil {
		r.inTopic.ends = make(map[string]map[int32]int64)
	}
	r.inTopic.ends[topic] = ends
	return nil
}

// forget forgets what a topic said.
func (s *topicState) forget(topic string) {
	if topic == election.QueryControlTopic {
		s.wanted = election.Wanted{}
	} else {
		s.official, s.latest, s.holder = election.OfficialRun{}, run{}, holder{}
	}
}

// apply sets what a record says. A record in the topic of another service says nothing.
func (s *topicState) apply(record *kgo.Record) error {
	if (record.Topic == election.QueryControlTopic) != (string(record.Key) == election.WantedKey) {
		return nil
	}
	switch string(record.Key) {
	case election.OfficialRunKey:
		return decode(record, &s.official, func(o election.OfficialRun) bool { return validRun(o.Run) })
	case election.LatestRunKey:
		return decode(record, &s.latest, func(l run) bool { return validRun(l.Run) && l.StatePartitions >= 0 })
	case election.WantedKey:
		return decode(record, &s.wanted, func(election.Wanted) bool { return true })
	case election.HolderKey:
		return decode(record, &s.holder, func(holder) bool { return true })
	}
	return nil
}

// validRun reports whether there may be a run of this number. Others could not be followed by a next one.
func validRun(number int) bool { return 0 <= number && number < math.MaxInt32 }

// wasRecreated reports whether a topic ends at a lower offset than before: it was deleted and created anew.
func wasRecreated(before, now map[int32]int64) bool {
	for partition, end := range before {
		if now[partition] < end {
			return true
		}
	}
	return false
}

// decode sets a value to that of a record, or to zero where the record is a tombstone.
func decode[T any](record *kgo.Record, into *T, valid func(T) bool) error {
	var value T
	if record.Value != nil {
		if err := kafka.DecodeJSON(record, &value); err != nil {
			return err
		}
	}
	if !valid(value) {
		return fmt.Errorf("decode %s of topic %s: %+v cannot be", record.Key, record.Topic, value)
	}
	*into = value
	return nil
}

// note writes a record of the runs in a transaction. Kafka refuses it once another submit has fenced this one.
func (r *runTracker) note(ctx context.Context, key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	if err := r.mayAct(); err != nil {
		return err
	}
	if err := r.fencedWriter.BeginTransaction(); err != nil {
		return fmt.Errorf("note %s: %w", key, err)
	}
	record := &kgo.Record{Topic: election.RunsTopic, Key: []byte(key), Value: text}
	err = r.fencedWriter.ProduceSync(ctx, record).FirstErr()
	if err == nil {
		err = kafka.EndTransaction(ctx, r.fencedWriter, kgo.TryCommit)
	}
	if err != nil { // the next holder ends the transaction
		return fmt.Errorf("note %s: %w", key, err)
	}
	return nil
}
