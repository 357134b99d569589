package results_test

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/results"
)

// testTimeout is how long a test waits. Only a failure takes that long.
const testTimeout = 30 * time.Second

func newCluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func createTopics(t *testing.T, cluster *kfake.Cluster) {
	t.Helper()
	for _, topic := range results.Topics() {
		if err := cluster.CreateTopic(topic, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func produce(t *testing.T, cluster *kfake.Cluster, records ...record) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for _, r := range records {
		// One at a time: the order across topics is part of some tests.
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: r.topic, Key: []byte(r.key), Value: r.value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func newReader(t *testing.T, cluster *kfake.Cluster) results.Reader {
	return results.Reader{
		Kafka:    kafka.Cluster{Brokers: cluster.ListenAddrs(), Log: slog.New(slog.NewTextHandler(t.Output(), nil))},
		Interval: time.Millisecond, Watch: 20 * time.Millisecond,
	}
}

// follow starts a reader, and returns the snapshots that it publishes, in order.
func follow(t *testing.T, cluster *kfake.Cluster) <-chan *results.Snapshot {
	t.Helper()
	return followWith(t, newReader(t, cluster))
}

func followWith(t *testing.T, reader results.Reader) <-chan *results.Snapshot {
	t.Helper()
	published := make(chan *results.Snapshot, 10_000)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- reader.Follow(ctx, func(s *results.Snapshot) { published <- s })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Follow: %v, want nil when cancelled", err)
		}
	})
	return published
}

func next(t *testing.T, published <-chan *results.Snapshot) *results.Snapshot {
	t.Helper()
	select {
	case s := <-published:
		return s
	case <-time.After(testTimeout):
		t.Fatal("no snapshot was published")
		return nil
	}
}

// until returns the snapshots up to the first that satisfies accepts.
func until(t *testing.T, published <-chan *results.Snapshot, satisfies func(*results.Snapshot) bool) []*results.Snapshot {
	t.Helper()
	var all []*results.Snapshot
	for {
		s := next(t, published)
		if all = append(all, s); satisfies(s) {
			return all
		}
	}
}

func votes(n int64) func(*results.Snapshot) bool {
	return func(s *results.Snapshot) bool { return s.TotalVotes == n }
}

func TestFirstSnapshotHoldsAllThatWasThere(t *testing.T) {
	cluster := newCluster(t)
	createTopics(t, cluster)
	// The answers of a slow broker come in many small parts.
	cluster.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		fetch := request.(*kmsg.FetchRequest)
		fetch.MaxBytes = 200
		for i := range fetch.Topics {
			for j := range fetch.Topics[i].Partitions {
				fetch.Topics[i].Partitions[j].PartitionMaxBytes = 200
			}
		}
		return nil, nil, false
	})
	records := []record{official(1)}
	for n := range int64(40) {
		records = append(records, everyTopic(1, n)...)
	}
	produce(t, cluster, append(records, definition())...)
	if s := next(t, follow(t, cluster)); s.TotalVotes != 39*4 || s.Definition == nil || s.Regions[1].Votes != 78 {
		t.Errorf("first snapshot: total %d, definition %v", s.TotalVotes, s.Definition != nil)
	}
	s, err := newReader(t, cluster).Once(t.Context())
	if err != nil || s.TotalVotes != 39*4 {
		t.Errorf("Once: %v, %+v", err, s)
	}
}

func TestEmptyTopicsGiveAnEmptySnapshot(t *testing.T) {
	cluster := newCluster(t)
	createTopics(t, cluster)
	if s := next(t, follow(t, cluster)); s.Definition != nil || s.TotalVotes != 0 {
		t.Errorf("got %+v", s)
	}
}

// TestMicroBatchIsShownWhole writes totals one by one, as a micro-batch does, at a time when a snapshot could be published.
func TestMicroBatchIsShownWhole(t *testing.T) {
	cluster := newCluster(t)
	createTopics(t, cluster)
	produce(t, cluster, definition(), official(1), perCandidate(1, "ann", 1))
	reader := newReader(t, cluster)
	reader.Interval = 500 * time.Millisecond
	published := followWith(t, reader)
	until(t, published, votes(1))
	<-time.After(2 * reader.Interval) // no change comes meanwhile
	for n := int64(2); n <= 20; n++ {
		produce(t, cluster, perCandidate(1, "ann", n))
	}
	if all := until(t, published, votes(20)); len(all) != 1 {
		t.Errorf("%d snapshots were shown on the way", len(all)-1)
	}
}

// TestUndecidedAndAbortedTotalsAreNotShown checks that a total is shown only when its transaction is committed.
func TestUndecidedAndAbortedTotalsAreNotShown(t *testing.T) {
	cluster := newCluster(t)
	createTopics(t, cluster)
	produce(t, cluster, definition(), official(1), perCandidate(1, "ann", 1))
	total := func(candidate string, votes int64) *kgo.Record {
		r := perCandidate(1, candidate, votes)
		return &kgo.Record{Topic: r.topic, Key: []byte(r.key), Value: r.value}
	}
	kafkatest.ProduceInTransaction(t, cluster, kgo.TryAbort, total("ann", 9))
	kafkatest.Begin(t, cluster, total("ben", 9)) // stays open
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if s, err := newReader(t, cluster).Once(ctx); err != nil || s.TotalVotes != 1 {
		t.Errorf("%v, %+v; want the one committed vote, without waiting for the open transaction", err, s)
	}
}

func TestFollowSeesEachChange(t *testing.T) {
	cluster := newCluster(t)
	createTopics(t, cluster)
	produce(t, cluster, definition(), official(1), perCandidate(1, "ann", 1))
	published := follow(t, cluster)
	for n := int64(1); n < 5; n++ {
		until(t, published, votes(n))
		produce(t, cluster, perCandidate(1, "ann", n+1))
	}
	until(t, published, votes(5))
}

func TestWaitsForTopicsThatDoNotExistYet(t *testing.T) {
	cluster := newCluster(t)
	published := follow(t, cluster)
	createTopics(t, cluster)
	produce(t, cluster, definition(), official(1), perCandidate(1, "ann", 3))
	until(t, published, votes(3))
}

func TestOnceSaysWhatIsMissing(t *testing.T) {
	cluster := newCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if s, err := newReader(t, cluster).Once(ctx); err == nil {
		t.Errorf("got %+v, want an error", s)
	}
}

func TestRecreatedTopicsAreReadFromTheStart(t *testing.T) {
	cluster := newCluster(t)
	createTopics(t, cluster)
	produce(t, cluster, definition(), official(1), perCandidate(1, "ann", 9), perCandidate(1, "ben", 9))
	published := follow(t, cluster)
	until(t, published, votes(18))
	for _, topic := range results.Topics() {
		if err := cluster.DeleteTopic(topic); err != nil {
			t.Fatal(err)
		}
	}
	createTopics(t, cluster)
	// More records than before, so that a reader that kept its position would find one there.
	produce(t, cluster, definition(), official(1), perCandidate(1, "ann", 1), perCandidate(1, "ann", 2), perCandidate(1, "ann", 3))
	seen := until(t, published, votes(3))
	for _, s := range seen {
		if s.TotalVotes > 3 && s.Candidates[1].Votes == 0 {
			t.Errorf("published the old and the new count mixed: %+v", s.Candidates)
		}
	}
}

func TestFollowsOnAfterTheBrokerIsBack(t *testing.T) {
	dir := t.TempDir()
	cluster := newCluster(t, kfake.DataDir(dir))
	createTopics(t, cluster)
	produce(t, cluster, definition(), official(1), perCandidate(1, "ann", 4))
	port := portOf(t, cluster)
	published := follow(t, cluster)
	until(t, published, votes(4))

	cluster.Close()
	cluster = newCluster(t, kfake.DataDir(dir), kfake.Ports(port))
	produce(t, cluster, perCandidate(1, "ann", 5))
	for _, s := range until(t, published, votes(5)) {
		if s.TotalVotes < 4 {
			t.Errorf("the total fell to %d", s.TotalVotes)
		}
	}
}

// TestNobodySeesTheSwitchOfRunsHalfDone delivers the tombstones of the old run before the record that names the new run. That is
// the worst order for a reader.
func TestNobodySeesTheSwitchOfRunsHalfDone(t *testing.T) {
	cluster := newCluster(t)
	createTopics(t, cluster)
	produce(t, cluster, slices.Concat([]record{definition(), official(1)}, everyTopic(1, 5))...)
	published := follow(t, cluster)
	until(t, published, votes(20))

	delay := cluster.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Fetch}, Topic: election.RunsTopic, Err: kerr.NotLeaderForPartition, Count: -1,
	})
	produce(t, cluster, everyTopic(2, 6)...)
	produce(t, cluster, official(2))
	asked := make(chan struct{}, 100) // the reader asks for the ends: it has read the first tombstone
	cluster.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		asked <- struct{}{}
		return nil, nil, false
	})
	for _, r := range everyTopic(1, 0) {
		produce(t, cluster, record{r.topic, r.key, nil})
	}
	whole := func(s *results.Snapshot) {
		if s.TotalVotes < 20 || s.Regions[0].Votes < 10 || s.Districts[0].Votes < 10 {
			t.Errorf("run %d: total %d, north %d, n1 %d: half a count", s.Run, s.TotalVotes, s.Regions[0].Votes, s.Districts[0].Votes)
		}
	}
	for waiting := true; waiting && !t.Failed(); {
		select {
		case <-asked:
			waiting = false
		case s := <-published:
			whole(s)
		case <-time.After(testTimeout):
			t.Fatal("the reader did not notice the tombstones")
		}
	}
	delay.Remove()
	produce(t, cluster, perCandidate(2, "ann", 13))
	for _, s := range until(t, published, votes(25)) {
		whole(s)
	}
}

func portOf(t *testing.T, cluster *kfake.Cluster) int {
	t.Helper()
	address, err := net.ResolveTCPAddr("tcp", cluster.ListenAddrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	return address.Port
}
