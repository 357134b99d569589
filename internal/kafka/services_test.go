//go:build services

package kafka_test

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/local/localtest"
)

func TestMain(m *testing.M) { localtest.Main(m) }

func TestRealKafkaTakesTheLargestElectionRecord(t *testing.T) {
	if err := publish(t, localtest.Kafka(t), largest(t)); err != nil {
		t.Error(err)
	}
}

// TestBatchThatUnpacksToMoreIsRefused sends 8 MiB in compressed batches of some KiB, as one record and as many.
func TestBatchThatUnpacksToMoreIsRefused(t *testing.T) {
	cluster := localtest.Kafka(t)
	client := func(options ...kgo.Opt) *kgo.Client {
		t.Helper()
		cl, err := cluster.NewClient(options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	const large = 8 << 20
	ours := client()
	if err := kafka.EnsureTopics(t.Context(), ours, election.Topics(1)); err != nil {
		t.Fatal(err)
	}
	logs := []string{election.VotesTopic, election.VotersTopic, election.RejectedVotesTopic}
	for name, codec := range map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "lz4": kgo.Lz4Compression(), "snappy": kgo.SnappyCompression(), "zstd": kgo.ZstdCompression(),
	} {
		hostile := client(kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(2*large))
		for _, topic := range logs {
			one := []*kgo.Record{{Topic: topic, Value: make([]byte, large)}}
			var many []*kgo.Record
			for range 32 {
				many = append(many, &kgo.Record{Topic: topic, Value: make([]byte, large/32)})
			}
			for _, records := range [][]*kgo.Record{one, many} {
				if err := hostile.ProduceSync(t.Context(), records...).FirstErr(); !errors.Is(err, kerr.MessageTooLarge) {
					t.Errorf("%d records to %s with %s: %v", len(records), topic, name, err)
				}
			}
		}
	}
	for _, topic := range logs { // allowed batches are still accepted
		if err := ours.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: make([]byte, 1_000_000)}).FirstErr(); err != nil {
			t.Errorf("%s: %v", topic, err)
		}
	}
}
