package ledger

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// topics are those that the ledger stores.
var topics = []string{election.VotersTopic, election.VotesTopic}

// beginAnew says what to do about tables that hold records of topics that no longer exist.
const beginAnew = "remove topics and tables together, and begin beginAnew (election reset, or docker compose down --volumes)"

// readTopicIDs reads the topics' ids. A topic that was deleted and made again has another id.
func (s *session) readTopicIDs(ctx context.Context) error {
	cl, err := s.config.Kafka.NewClient() // the producer's client may remember the former topics
	if err != nil {
		return err
	}
	defer cl.Close()
	details, err := kadm.NewClient(cl).ListTopics(ctx, topics...)
	if err != nil {
		return fmt.Errorf("ask for the topics' ids: %w", err)
	}
	for _, topic := range topics {
		if err := details[topic].Err; err != nil {
			return fmt.Errorf("ask for the id of %s: %w", topic, err)
		}
		s.ids[topic] = details[topic].ID
	}
	return nil
}

// checkTopicID is an error unless the topic that was found is the one whose records are stored.
func checkTopicID(topic string, stored, found kadm.TopicID) error {
	if stored == found {
		return nil
	}
	return fmt.Errorf("%s was deleted and made again: its id is %s, and PostgreSQL holds records of the topic with the id %s, "+
		"so this is not the one that was stored; %s", topic, found, stored, beginAnew)
}

// checkEnds refuses topics that end before what is stored of them.
func (s *session) checkEnds(ctx context.Context) error {
	for _, topic := range topics {
		ends, err := kafka.StableEnds(ctx, s.producer, topic)
		if err != nil {
			return err
		}
		for partition, end := range ends {
			at := topicPartition{topic, partition}
			if s.next[at] > end {
				return fmt.Errorf("%s %d ends at offset %d, and PostgreSQL holds it up to %d, so this is not the one that was stored; %s",
					topic, partition, end, s.next[at], beginAnew)
			}
			s.ends[at] = end
		}
	}
	return nil
}
