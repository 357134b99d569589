// Package kafkatest gives tests a broker inside their own process, prepared for an election.
//
//	cluster := kafkatest.NewElection(t, definition, 3)
//	kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotesTopic, …})
//	err := audit.Run(t.Context(), audit.Config{Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), …})
package kafkatest

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// Log writes warnings to the test's output.
func Log(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// Cluster is the cluster of these brokers. Warnings of its clients go to the test's output.
func Cluster(t testing.TB, brokers []string) kafka.Cluster {
	return kafka.Cluster{Brokers: brokers, Log: Log(t)}
}

// NewCluster starts a broker without topics. It ends with the test.
func NewCluster(t testing.TB, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	versions := kversion.Stable() // without metrics of clients, which each client would send when it is closed
	versions.SetMaxKeyVersion(int16(kmsg.GetTelemetrySubscriptions), -1)
	versions.SetMaxKeyVersion(int16(kmsg.PushTelemetry), -1)
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.MaxVersions(versions)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// NewElection starts a broker with all topics and the definition, as after `election init`.
func NewElection(t testing.TB, d *election.Definition, partitions int32, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster := NewCluster(t, options...)
	cl := NewClient(t, cluster)
	if err := kafka.EnsureTopics(t.Context(), cl, election.Topics(partitions)); err != nil {
		t.Fatal(err)
	}
	installation := election.Installation{Definition: *d, Fingerprint: d.Fingerprint(), VotePartitions: partitions}
	Produce(t, cluster, JSON(t, election.ElectionTopic, election.DefinitionKey, installation))
	return cluster
}

// NewClient makes a client with the project's settings. It is closed when the test has ended.
func NewClient(t testing.TB, cluster *kfake.Cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := Cluster(t, cluster.ListenAddrs()).NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// Produce writes records in their order, outside any transaction.
func Produce(t testing.TB, cluster *kfake.Cluster, records ...*kgo.Record) {
	t.Helper()
	cl := NewClient(t, cluster)
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// ProduceInTransaction writes records in a transaction, and commits or aborts it.
func ProduceInTransaction(t testing.TB, cluster *kfake.Cluster, end kgo.TransactionEndTry, records ...*kgo.Record) {
	t.Helper()
	cl := Begin(t, cluster, records...)
	if err := kafka.EndTransaction(t.Context(), cl, end); err != nil {
		t.Fatal(err)
	}
}

// Begin writes records in a transaction, and leaves it open.
func Begin(t testing.TB, cluster *kfake.Cluster, records ...*kgo.Record) *kgo.Client {
	t.Helper()
	cl := NewClient(t, cluster, kgo.TransactionalID(t.Name()))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return cl
}

// Read returns all committed records of a partition.
func Read(t testing.TB, cluster *kfake.Cluster, topic string, partition int32) []*kgo.Record {
	t.Helper()
	var records []*kgo.Record
	err := Cluster(t, cluster.ListenAddrs()).Read(t.Context(), topic, partition, func(r *kgo.Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// JSON makes a record for partition 0 with a value in JSON.
func JSON(t testing.TB, topic, key string, value any) *kgo.Record {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return &kgo.Record{Topic: topic, Key: []byte(key), Value: text}
}

// PublishCommitments closes the register, as `votes` does: it writes which ballots the register allows.
func PublishCommitments(t testing.TB, cluster kafka.Cluster, commitments *election.Commitments) {
	t.Helper()
	cl, err := cluster.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for n := range commitments.Records() {
		_, key, value := commitments.AppendRecord(nil, n)
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: election.BallotCommitmentsTopic, Key: key, Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// Progress is a record with the progress of a producer.
func Progress(t testing.TB, producer string, progress election.Progress) *kgo.Record {
	t.Helper()
	topic, partition := election.ProgressOf(producer)
	r := JSON(t, topic, producer, progress)
	r.Partition = partition
	return r
}
