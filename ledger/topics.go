package ledger

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// topics are what the ledger stores.
var topics = []string{election.VotersTopic, election.VotesTopic}

// anew is what to do about tables that hold records of topics that are gone.
const anew = "remove topics and tables together, and begin anew (election reset, or docker compose down --volumes)"

// identify asks Kafka which topics there are: one that is deleted and made again has another id.
func (s *session) identify(ctx context.Context) error {
	cl, err := s.config.Kafka.NewClient() // the producer's client may remember the topics before
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

// sameTopic refuses a topic that is not the one whose records are stored.
func sameTopic(topic string, stored, found kadm.TopicID) error {
	if stored == found {
		return nil
	}
	return fmt.Errorf("%s was deleted and made again: its id is %s, and PostgreSQL holds records of the topic with the id %s, "+
		"so this is not the one that was stored; %s", topic, found, stored, anew)
}

// checkEnds refuses topics that end before what is stored of them.
func (s *session) checkEnds(ctx context.Context) error {
	for _, topic := range topics {
		ends, err := kafka.StableEnds(ctx, s.producer, topic)
		if err != nil {
			return err
		}
		for partition, end := range ends {
			at := place{topic, partition}
			if s.next[at] > end {
				return fmt.Errorf("%s %d ends at offset %d, and PostgreSQL holds it up to %d, so this is not the one that was stored; %s",
					topic, partition, end, s.next[at], anew)
			}
			s.ends[at] = end
		}
	}
	return nil
}
