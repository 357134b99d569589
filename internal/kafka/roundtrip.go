package kafka

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

// roundTripTopic holds the records of RoundTrip for a few minutes.
var roundTripTopic = election.Topic{
	Name: "roundtrip", Partitions: 1,
	Settings: map[string]string{"retention.ms": "60000", "segment.ms": "60000", "segment.bytes": "1048576"},
}

// RoundTrip sends a record to a topic of its own and fetches it again. It returns nil if Kafka does both.
func (c Cluster) RoundTrip(ctx context.Context) error {
	cl, err := c.NewClient(
		kgo.DisableIdempotentWrite(),                                        // the broker would remember every producer for a day
		kgo.UnknownTopicRetries(1), kgo.MetadataMinAge(50*time.Millisecond)) // the topic is made next
	if err != nil {
		return err
	}
	defer cl.Close()
	sent := &kgo.Record{Topic: roundTripTopic.Name, Value: []byte(rand.Text())}
	err = cl.ProduceSync(ctx, sent).FirstErr()
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		if err := EnsureTopics(ctx, cl, []election.Topic{roundTripTopic}); err != nil {
			return err
		}
		err = cl.ProduceSync(ctx, sent).FirstErr()
	}
	if err != nil {
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
