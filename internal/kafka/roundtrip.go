package kafka

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

// RoundTrip sends a record to election.RoundTripTopic and fetches it again. It returns nil if Kafka does both. As long as
// `election init` has not made the topic, or given the client its rights there, it is enough that Kafka has a controller.
func (c Cluster) RoundTrip(ctx context.Context) error {
	cl, err := c.NewClient(kgo.DisableIdempotentWrite()) // the broker would remember every producer for a day
	if err != nil {
		return err
	}
	defer cl.Close()
	topics, err := kadm.NewClient(cl).ListTopics(ctx, election.RoundTripTopic)
	if err == nil {
		err = topics[election.RoundTripTopic].Err
	}
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.TopicAuthorizationFailed):
		return answers(ctx, cl)
	case err != nil:
		return fmt.Errorf("look for topic %s: %w", election.RoundTripTopic, err)
	}
	sent := &kgo.Record{Topic: election.RoundTripTopic, Value: []byte(rand.Text())}
	if err := cl.ProduceSync(ctx, sent).FirstErr(); err != nil {
		return fmt.Errorf("send a record: %w", err)
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{sent.Topic: {sent.Partition: kgo.NewOffset().At(sent.Offset)}})
	fetches := cl.PollRecords(ctx, 1)
	if err := fetches.Err(); err != nil {
		return fmt.Errorf("fetch the record: %w", err)
	}
	for r := range fetches.RecordsAll() {
		if string(r.Value) == string(sent.Value) {
			return nil
		}
	}
	return errors.New("another record was fetched than was sent")
}

// Answers returns nil if a broker lets the client in and knows a controller.
func (c Cluster) Answers(ctx context.Context) error {
	cl, err := c.NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	return answers(ctx, cl)
}

func answers(ctx context.Context, cl *kgo.Client) error {
	brokers, err := kadm.NewClient(cl).BrokerMetadata(ctx)
	if err == nil && brokers.Controller < 0 {
		err = errors.New("no controller is elected yet")
	}
	return err
}
