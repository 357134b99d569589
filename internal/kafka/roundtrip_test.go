package kafka_test

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

// TestRoundTripBeforeInitHasMadeItsTopic asks a Kafka that does not show the topic, with a controller and without.
func TestRoundTripBeforeInitHasMadeItsTopic(t *testing.T) {
	t.Parallel()
	for _, hidden := range []*kerr.Error{kerr.UnknownTopicOrPartition, kerr.TopicAuthorizationFailed} {
		for _, controller := range []int32{0, -1} {
			cluster := kafkatest.NewCluster(t)
			cluster.ControlKey(int16(kmsg.Metadata), func(request kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				response := request.ResponseKind().(*kmsg.MetadataResponse)
				response.ControllerID = controller
				for _, asked := range request.(*kmsg.MetadataRequest).Topics {
					topic := kmsg.NewMetadataResponseTopic()
					topic.Topic, topic.ErrorCode = asked.Topic, hidden.Code
					response.Topics = append(response.Topics, topic)
				}
				return response, nil, true
			})
			err := kafkatest.Cluster(t, cluster.ListenAddrs()).RoundTrip(t.Context())
			if works := controller >= 0; (err == nil) != works {
				t.Errorf("topic: %v, controller %d: %v", hidden, controller, err)
			}
		}
	}
}

// TestRoundTripNeedsBothWays tries a broker that refuses to take records, and one that refuses to give them.
func TestRoundTripNeedsBothWays(t *testing.T) {
	t.Parallel()
	for _, broken := range []kmsg.Key{kmsg.Produce, kmsg.Fetch} {
		cluster := kafkatest.NewElection(t, &election.Definition{ID: "x"}, 1)
		if err := kafkatest.Cluster(t, cluster.ListenAddrs()).RoundTrip(t.Context()); err != nil {
			t.Fatal(err)
		}
		cluster.Fault(kfake.Fault{Keys: []kmsg.Key{broken}, Topic: "roundtrip", Err: kerr.TopicAuthorizationFailed, Count: -1})
		if err := kafkatest.Cluster(t, cluster.ListenAddrs()).RoundTrip(t.Context()); !errors.Is(err, kerr.TopicAuthorizationFailed) {
			t.Errorf("without %s: %v", broken.Name(), err)
		}
	}
}
