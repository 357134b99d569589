package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
)

const topic = "topic"

// testTimeout is how long a read may take. Only a failure takes that long.
const testTimeout = 10 * time.Second

func newTopic(t *testing.T, partitions int32, settings map[string]string) *kfake.Cluster {
	t.Helper()
	cluster := kafkatest.NewCluster(t)
	if err := cluster.CreateTopic(topic, partitions, settings); err != nil {
		t.Fatal(err)
	}
	return cluster
}

func record(partition int32, value string) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Key: []byte("key of " + value), Value: []byte(value)}
}

// read is the values of a partition.
func read(t *testing.T, cluster *kfake.Cluster, partition int32) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	var values []string
	err := kafkatest.Cluster(t, cluster.ListenAddrs()).Read(ctx, topic, partition, func(r *kgo.Record) error {
		if r.Partition != partition || r.Topic != topic {
			t.Errorf("a record of %s %d came", r.Topic, r.Partition)
		}
		values = append(values, string(r.Value))
		return nil
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return values
}

func wantValues(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestReadTakesOnePartitionInOrder(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 3, nil)
	kafkatest.Produce(t, cluster, record(0, "a"), record(1, "b"), record(1, "c"), record(1, "d"))
	wantValues(t, read(t, cluster, 1), "b", "c", "d")
	wantValues(t, read(t, cluster, 0), "a")
}

func TestReadOfAnEmptyPartitionEnds(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 2, nil)
	kafkatest.Produce(t, cluster, record(0, "a"))
	wantValues(t, read(t, cluster, 1))
}

func TestReadEndsAtACommitMarker(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, nil)
	kafkatest.ProduceInTransaction(t, cluster, kgo.TryCommit, record(0, "a"), record(0, "b"))
	wantValues(t, read(t, cluster, 0), "a", "b")
}

func TestReadPassesOverWhatWasAborted(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, nil)
	kafkatest.Produce(t, cluster, record(0, "a"))
	kafkatest.ProduceInTransaction(t, cluster, kgo.TryAbort, record(0, "aborted"))
	wantValues(t, read(t, cluster, 0), "a")
	kafkatest.Produce(t, cluster, record(0, "b"))
	wantValues(t, read(t, cluster, 0), "a", "b")
}

func TestReadStopsBeforeAnOpenTransaction(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, nil)
	kafkatest.Produce(t, cluster, record(0, "a"))
	open := kafkatest.Begin(t, cluster, record(0, "undecided"))
	kafkatest.Produce(t, cluster, record(0, "after it"))
	wantValues(t, read(t, cluster, 0), "a")

	if err := kafka.EndTransaction(t.Context(), open, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	wantValues(t, read(t, cluster, 0), "a", "undecided", "after it")
}

func TestReadLeavesOutWhatCameLater(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, nil)
	kafkatest.Produce(t, cluster, record(0, "a"), record(0, "b"))
	// The reader knows the end before its first fetch, whose answer holds one more record.
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.DropControl()
		cluster.SleepControl(func() { kafkatest.Produce(t, cluster, record(0, "later")) })
		return nil, nil, false
	})
	wantValues(t, read(t, cluster, 0), "a", "b")
	wantValues(t, read(t, cluster, 0), "a", "b", "later")
}

func TestReadOfACompactedTopic(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, map[string]string{"cleanup.policy": "compact"})
	for n := range 5 {
		kafkatest.Produce(t, cluster, &kgo.Record{Topic: topic, Key: []byte("x"), Value: fmt.Append(nil, "x", n)})
	}
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: topic, Key: []byte("y"), Value: []byte("y")})
	cluster.Compact()
	wantValues(t, read(t, cluster, 0), "x4", "y")
}

func TestReadAfterRecordsWereDeleted(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, nil)
	kafkatest.Produce(t, cluster, record(0, "a"), record(0, "b"), record(0, "c"))
	if err := cluster.DeleteRecords(topic, 0, 2); err != nil {
		t.Fatal(err)
	}
	wantValues(t, read(t, cluster, 0), "c")
	if err := cluster.DeleteRecords(topic, 0, 3); err != nil {
		t.Fatal(err)
	}
	wantValues(t, read(t, cluster, 0))
}

func TestReadTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, nil)
	nothing := func(*kgo.Record) error { return nil }
	err := kafkatest.Cluster(t, cluster.ListenAddrs()).Read(t.Context(), "other", 0, nothing)
	if !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("a topic that does not exist: %v", err)
	}
	err = kafkatest.Cluster(t, cluster.ListenAddrs()).Read(t.Context(), topic, 7, nothing)
	if err == nil || !strings.Contains(err.Error(), "no partition 7") {
		t.Errorf("a partition that does not exist: %v", err)
	}
}

func TestReadEndsWithTheReadersError(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, nil)
	kafkatest.Produce(t, cluster, record(0, "a"), record(0, "b"))
	enough, calls := errors.New("enough"), 0
	err := kafkatest.Cluster(t, cluster.ListenAddrs()).Read(t.Context(), topic, 0, func(*kgo.Record) error {
		calls++
		return enough
	})
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("ended after %d records with %v", calls, err)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, nil)
	kafkatest.Produce(t, cluster, record(0, "a"))
	ctx, cancel := context.WithCancel(t.Context())
	cluster.Fault(kfake.Fault{Topic: topic, Err: kerr.NotLeaderForPartition, Count: -1, When: cancelOnFetch(cancel)})
	err := kafkatest.Cluster(t, cluster.ListenAddrs()).Read(ctx, topic, 0, func(*kgo.Record) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

func TestLatestJSONIsTheLastCommittedValue(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, map[string]string{"cleanup.policy": "compact"})
	latest := func(key string) (value int, found bool) {
		t.Helper()
		found, err := kafkatest.Cluster(t, cluster.ListenAddrs()).LatestJSON(t.Context(), topic, key, &value)
		if err != nil {
			t.Fatal(err)
		}
		return value, found
	}
	if _, found := latest("x"); found {
		t.Error("a value is found in an empty topic")
	}
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, topic, "x", 1), kafkatest.JSON(t, topic, "y", 7), kafkatest.JSON(t, topic, "x", 2))
	kafkatest.ProduceInTransaction(t, cluster, kgo.TryAbort, kafkatest.JSON(t, topic, "x", 3))
	if value, found := latest("x"); !found || value != 2 {
		t.Errorf("x is %d (%t), want 2", value, found)
	}
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: topic, Key: []byte("x")})
	if value, found := latest("x"); found {
		t.Errorf("x is %d after its tombstone", value)
	}
	if value, _ := latest("y"); value != 7 {
		t.Errorf("y is %d, want 7", value)
	}
}

func TestLatestJSONTellsWhatItCannotDecode(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, nil)
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: topic, Key: []byte("x"), Value: []byte("{")})
	_, err := kafkatest.Cluster(t, cluster.ListenAddrs()).LatestJSON(t.Context(), topic, "x", new(int))
	if err == nil || !strings.Contains(err.Error(), "decode x of topic "+topic) {
		t.Errorf("ended with %v", err)
	}
}

func TestNoElectionIsToldAsSuch(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.NewCluster(t)
	theElection := func() error {
		_, err := kafkatest.Cluster(t, cluster.ListenAddrs()).Election(t.Context())
		return err
	}
	if err := theElection(); !errors.Is(err, kafka.ErrNoElection) {
		t.Errorf("without topics: %v", err)
	}
	if err := kafka.EnsureTopics(t.Context(), kafkatest.NewClient(t, cluster), election.Topics(1)); err != nil {
		t.Fatal(err)
	}
	if err := theElection(); !errors.Is(err, kafka.ErrNoElection) {
		t.Errorf("with empty topics: %v", err)
	}
}

func TestStableEndsAreBeforeAnOpenTransaction(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 2, nil)
	kafkatest.Produce(t, cluster, record(0, "a"), record(1, "b"), record(1, "c"))
	kafkatest.Begin(t, cluster, record(1, "undecided"))
	ends, err := kafka.StableEnds(t.Context(), kafkatest.NewClient(t, cluster), topic)
	if err != nil || len(ends) != 2 || ends[0] != 1 || ends[1] != 2 {
		t.Errorf("the ends are %v (%v), want 1 and 2", ends, err)
	}
}

func newAdmin(t *testing.T, cluster *kfake.Cluster) *kadm.Client {
	return kadm.NewClient(kafkatest.NewClient(t, cluster))
}
