package setup_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/setup"
)

func TestPartitionsOutOfRangeAreRefused(t *testing.T) {
	for _, partitions := range []int32{-1, 0, 1001} {
		var wrong *election.InputError
		if err := setup.Run(t.Context(), setup.Config{Partitions: partitions}); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "partitions is") {
			t.Errorf("%d: ended with %v", partitions, err)
		}
	}
}

func TestAnotherElectionIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	cluster := kafkatest.NewElection(t, d, 2)
	other := *d
	other.Name = "Another"
	err = setup.Run(t.Context(), setup.Config{Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Definition: &other, Partitions: 2, Log: kafkatest.Log(t)})
	var wrong *election.InputError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), d.Name) {
		t.Errorf("ended with %v", err)
	}
}

// TestElectionThatKafkaCannotHoldIsRefusedBeforeAnythingIsMade gives no PostgreSQL: Run must fail before it connects.
func TestElectionThatKafkaCannotHoldIsRefusedBeforeAnythingIsMade(t *testing.T) {
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	d.Candidates[0].Biography = strings.Repeat("b", election.MaxRecordBytes)
	cluster := kafkatest.NewCluster(t)
	err = setup.Run(t.Context(), setup.Config{Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Definition: d, Partitions: 2, Log: kafkatest.Log(t)})
	var wrong *election.InputError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "bytes in Kafka, in one record, which holds at most") {
		t.Errorf("ended with %v", err)
	}
	for _, topic := range election.Topics(2) {
		if cluster.TopicInfo(topic.Name) != nil {
			t.Errorf("topic %s was made all the same", topic.Name)
		}
	}
}

func TestAnotherBallotKeyIsRefused(t *testing.T) {
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	cluster := kafkatest.NewElection(t, d, 2) // an election without a ballot key
	err = setup.Run(t.Context(), setup.Config{
		Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Definition: d, Partitions: 2, BallotKeyFingerprint: "5ca1ab1e", Log: kafkatest.Log(t),
	})
	var wrong *election.InputError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "drawn with the ballot key (none), and the key given is 5ca1ab1e") {
		t.Errorf("ended with %v", err)
	}
}

// TestAnotherNumberOfPartitionsIsRefused gives no PostgreSQL: Run must fail before it connects.
func TestAnotherNumberOfPartitionsIsRefused(t *testing.T) {
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	cluster := kafkatest.NewElection(t, d, 2)
	config := setup.Config{Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Definition: d, Partitions: 3, Log: kafkatest.Log(t)}
	installation, err := config.Kafka.Election(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	config.BallotKeyFingerprint = installation.BallotKeyFingerprint
	err = setup.Run(t.Context(), config)
	var wrong *election.Wrong
	if !errors.As(err, &wrong) || wrong.Setting != "partitions" || !strings.Contains(err.Error(), "began with 2 partitions") || !strings.Contains(err.Error(), "give 2, or begin anew") {
		t.Errorf("ended with %v", err)
	}
}

func TestOldKafkaIsRefused(t *testing.T) {
	cluster := kafkatest.NewCluster(t, kfake.MaxVersions(kversion.V2_8_0()))
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	err = setup.Run(t.Context(), setup.Config{Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Definition: d, Partitions: 2, Log: kafkatest.Log(t)})
	if wrong, ok := errors.AsType[*election.Wrong](err); !ok || wrong.Setting != "brokers" || !strings.Contains(wrong.Text, "older than 3.0") {
		t.Errorf("got %v", err)
	}
}
