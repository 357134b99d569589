package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

// ErrNoElection is the error if `election init` has not run.
var ErrNoElection = errors.New("there is no election on this Kafka; run `election init` first")

// Election reads the installation to which the topics belong. The error is ErrNoElection if there is none, that of
// Explain if Kafka refuses the client, and an *election.Hint if Kafka does not answer.
func (c Cluster) Election(ctx context.Context) (*election.Installation, error) {
	var installation election.Installation
	found, err := c.LatestJSON(ctx, election.ElectionTopic, election.DefinitionKey, &installation)
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition), err == nil && !found:
		return nil, ErrNoElection
	case err == nil:
		if err := installation.Validate(); err != nil {
			return nil, &election.InputError{Text: err.Error()}
		}
		return &installation, nil
	case ctx.Err() != nil:
		return nil, err
	}
	if refused := c.Explain(err); refused != nil {
		return nil, refused
	}
	return nil, &election.Hint{Err: err, Text: fmt.Sprintf("does Kafka run at %s? {brokers} says where it is", c)}
}

// LatestJSON decodes the last committed value of a key in a compacted topic of one partition. It reports whether there
// is one. The error for a topic that does not exist is kerr.UnknownTopicOrPartition.
func (c Cluster) LatestJSON(ctx context.Context, topic, key string, into any) (bool, error) {
	return c.latestJSON(ctx, topic, 0, key, into)
}

// Progress reads the progress of a producer. It reports false if the producer has not begun. Its errors are those of LatestJSON.
func (c Cluster) Progress(ctx context.Context, producer string) (election.Progress, bool, error) {
	var progress election.Progress
	topic, partition := election.ProgressOf(producer)
	found, err := c.latestJSON(ctx, topic, partition, producer, &progress)
	return progress, found, err
}

func (c Cluster) latestJSON(ctx context.Context, topic string, partition int32, key string, into any) (bool, error) {
	latest, err := c.Latest(ctx, topic, partition, key)
	if err != nil || latest == nil {
		return false, err
	}
	if err := DecodeJSON(latest, into); err != nil {
		return false, err
	}
	return true, nil
}

// DecodeJSON decodes the value of a record.
func DecodeJSON(record *kgo.Record, into any) error {
	if err := json.Unmarshal(record.Value, into); err != nil {
		return fmt.Errorf("decode %s of topic %s: %w", record.Key, record.Topic, err)
	}
	return nil
}
