//go:build services

package producer

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/local/localtest"
)

func TestMain(m *testing.M) { localtest.Main(m) }

// newRealPoll makes an election on a real Kafka, with empty topics.
func newRealPoll(t testing.TB, registered ...int64) (cluster kafka.Cluster, installation election.Installation) {
	t.Helper()
	cluster = localtest.Kafka(t)
	cl, err := cluster.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	d := newElectorate(registered...)
	topics := election.Topics(int32(len(registered)))
	for _, topic := range topics {
		deleted, err := kadm.NewClient(cl).DeleteTopic(t.Context(), topic.Name)
		if err == nil && deleted.Err == nil { // it was there
			t.Logf("topic %s is made anew", topic.Name)
		}
	}
	if err := kafka.EnsureTopics(t.Context(), cl, topics); err != nil {
		t.Fatal(err)
	}
	installation = election.Installation{
		Definition: *d, Fingerprint: d.Fingerprint(), VotePartitions: int32(len(registered)), BallotKeyFingerprint: key.Fingerprint(),
	}
	if err := cl.ProduceSync(t.Context(), kafkatest.JSON(t, election.ElectionTopic, election.DefinitionKey, installation)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return cluster, installation
}

// sent counts the ballots in the topic, and those of them that count.
func sent(t testing.TB, cluster kafka.Cluster, installation election.Installation) (ballots, counted int64) {
	t.Helper()
	register, _, err := cluster.Commitments(t.Context(), &installation)
	if err != nil {
		t.Fatal(err)
	}
	count := election.NewCount(&installation.Definition, installation.VotePartitions)
	count.SetRegister(register)
	for partition := range installation.VotePartitions {
		err := cluster.Read(t.Context(), election.VotesTopic, partition, func(r *kgo.Record) error {
			ballots++
			if count.Add(election.VoteRecord{Partition: partition, Offset: r.Offset, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value}) == "" {
				counted++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return ballots, counted
}

// TestCopiesVoteOnARealKafka lets two copies vote. One starts before the register is closed, the other after.
func TestCopiesVoteOnARealKafka(t *testing.T) {
	cluster, installation := newRealPoll(t, 3000, 4000, 5000, 0)
	c := VotesConfig{Kafka: cluster, Key: key, Rate: 2000, Log: kafkatest.Log(t)}
	ended := make(chan error, 2)
	go func() { ended <- Votes(t.Context(), c) }()
	if err := Voters(t.Context(), VotersConfig{Kafka: cluster, Seed: 1, Log: kafkatest.Log(t)}); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- Votes(t.Context(), c) }()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if ballots, counted := sent(t, cluster, installation); ballots != 12_000 || counted != 12_000 {
		t.Errorf("%d ballots were sent and %d of them count, of 12000", ballots, counted)
	}
}

// processorTime is how long this process has used processors.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkElectorate measures how fast a million voters register and vote on a real Kafka: by the clock, and by the
// time that this process used processors.
func BenchmarkElectorate(b *testing.B) {
	const n = 1_000_000
	for range b.N {
		cluster, _ := newRealPoll(b, n/4, n/4, n/4, n/4)
		measure := func(name string, run func() error) {
			runtime.GC()
			began, before := time.Now(), processorTime(b)
			if err := run(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(n/time.Since(began).Seconds(), name+"/s")
			b.ReportMetric(n/(processorTime(b)-before).Seconds(), name+"/core-s")
		}
		measure("voters", func() error {
			return Voters(b.Context(), VotersConfig{Kafka: cluster, Seed: 1, Log: kafkatest.Log(b)})
		})
		measure("ballots", func() error {
			return Votes(b.Context(), VotesConfig{Kafka: cluster, Key: key, Log: kafkatest.Log(b)})
		})
	}
}
