package kafka_test

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/internal/kafka/kafkatest"
)

func TestRoundTripMakesItsTopicAndMayRunAgain(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.NewCluster(t)
	for range 2 {
		if err := kafkatest.Cluster(t, cluster.ListenAddrs()).RoundTrip(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestRoundTripNeedsBothWays tries a broker that refuses to take records, and one that refuses to give them.
func TestRoundTripNeedsBothWays(t *testing.T) {
	t.Parallel()
	for _, broken := range []kmsg.Key{kmsg.Produce, kmsg.Fetch} {
		cluster := kafkatest.NewCluster(t)
		if err := kafkatest.Cluster(t, cluster.ListenAddrs()).RoundTrip(t.Context()); err != nil {
			t.Fatal(err)
		}
		cluster.Fault(kfake.Fault{Keys: []kmsg.Key{broken}, Topic: "roundtrip", Err: kerr.TopicAuthorizationFailed, Count: -1})
		if err := kafkatest.Cluster(t, cluster.ListenAddrs()).RoundTrip(t.Context()); !errors.Is(err, kerr.TopicAuthorizationFailed) {
			t.Errorf("without %s: %v", broken.Name(), err)
		}
	}
}
