package ledger

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka/kafkatest"
)

// newTestSession makes a session on a broker of its own, without PostgreSQL. Its ledger has stored nothing.
func newTestSession(t *testing.T) (*session, *kfake.Cluster) {
	t.Helper()
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	d.Electorate = nil
	cluster := kafkatest.NewElection(t, d, 2)
	c := Config{Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Log: kafkatest.Log(t)}
	producer := kafkatest.NewClient(t, cluster)
	s := newSession(&ledger{
		config: c, producer: producer, consumerMetrics: c.Health.Kafka("consumer"), status: newStatus(c, producer),
		rules:    newRules(&election.Installation{Definition: *d, VotePartitions: 2}),
		register: c.Kafka.FollowRegister(t.Context(), &election.Installation{Definition: *d}),
		rows:     c.Health.CounterBy("rows", "", "table"), batch: c.Health.Gauge("batch", ""),
	}, leaseHeld)
	for _, topic := range topics {
		for partition := range int32(2) {
			s.next[topicPartition{topic, partition}] = 0
		}
	}
	if err := s.readTopicIDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, cluster
}

// beginReading has a session read from its next offsets.
func beginReading(t *testing.T, s *session) {
	t.Helper()
	if err := s.consume(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.closeConsumer)
}

// wantRefused wants an error that says what happened, and what to do.
func wantRefused(t *testing.T, err error, says string) {
	t.Helper()
	for _, text := range []string{says, "is not the one that was stored", "election reset"} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("it does not say %q: %v", text, err)
		}
	}
}

func TestTopicThatEndsBeforeWhatIsStoredIsRefused(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotesTopic}, &kgo.Record{Topic: election.VotesTopic})
	at := topicPartition{election.VotesTopic, 0}
	s.next[at] = 2
	if err := s.checkEnds(t.Context()); err != nil || s.ends[at] != 2 {
		t.Errorf("where all is stored: %v, and it ends at %d", err, s.ends[at])
	}
	s.next[at] = 3
	wantRefused(t, s.checkEnds(t.Context()), "votes_topic 0 ends at offset 2, and PostgreSQL holds it up to 3")
}

func TestTopicMadeAgainIsAnother(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	before := s.ids[election.VotesTopic]
	if err := checkTopicID(election.VotesTopic, before, s.ids[election.VotesTopic]); err != nil {
		t.Error(err)
	}
	makeAgain(t, cluster)
	if err := s.readTopicIDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, checkTopicID(election.VotesTopic, before, s.ids[election.VotesTopic]),
		"votes_topic was deleted and made again: its id is "+s.ids[election.VotesTopic].String())
}

// makeAgain deletes votes_topic, and makes another topic of that name.
func makeAgain(t *testing.T, cluster *kfake.Cluster) {
	t.Helper()
	if err := cluster.DeleteTopic(election.VotesTopic); err != nil {
		t.Fatal(err)
	}
	if err := cluster.CreateTopic(election.VotesTopic, 2, nil); err != nil {
		t.Fatal(err)
	}
}

// TestVotesWaitForTheRegister has a voter and a ballot, before it is known which ballots the register allows.
func TestVotesWaitForTheRegister(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	installation := &election.Installation{Fingerprint: "f", Definition: election.Definition{Electorate: &election.Electorate{}}}
	s.register = s.config.Kafka.FollowRegister(t.Context(), installation)
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotersTopic, Value: []byte("voter")}, &kgo.Record{Topic: election.VotesTopic, Value: []byte("ballot")})
	beginReading(t, s)
	if records, err := collect(t, s, election.VotersTopic, 1); err != nil || len(records) != 1 {
		t.Fatalf("%d voters came, and %v", len(records), err)
	}
	batches, err := s.collect(t.Context())
	if err != nil || len(batches) > 0 {
		t.Fatalf("before the register is closed, %v came (%v)", batches, err)
	}
	kafkatest.PublishCommitments(t, s.config.Kafka, election.NewCommitments("f", nil))
	<-s.register.Done
	if err := s.consume(); err != nil {
		t.Fatal(err)
	}
	if records, err := collect(t, s, election.VotesTopic, 1); err != nil || len(records) != 1 {
		t.Errorf("%d ballots came, and %v", len(records), err)
	}
	if err := s.consume(); err != nil {
		t.Fatal(err)
	}

	s.register = s.config.Kafka.FollowRegister(t.Context(), &election.Installation{Fingerprint: "another", Definition: installation.Definition})
	<-s.register.Done
	if err := s.consume(); err == nil || !strings.Contains(err.Error(), "another election") {
		t.Errorf("with the register of another election, reading began: %v", err)
	}
}

// TestTheFirstBallotIsReadSoonAfterTheRegisterIsClosed closes the register when reading has just begun. A consumer that is
// given a topic then waits 5 s before it asks Kafka where the topic is.
func TestTheFirstBallotIsReadSoonAfterTheRegisterIsClosed(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	installation := &election.Installation{Fingerprint: "f", Definition: election.Definition{Electorate: &election.Electorate{}}}
	s.register = s.config.Kafka.FollowRegister(t.Context(), installation)
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotesTopic, Value: []byte("ballot")})
	beginReading(t, s)
	kafkatest.PublishCommitments(t, s.config.Kafka, election.NewCommitments("f", nil))
	<-s.register.Done
	began := time.Now()
	if err := s.consume(); err != nil {
		t.Fatal(err)
	}
	if records, err := collect(t, s, election.VotesTopic, 1); err != nil || len(records) != 1 {
		t.Errorf("%d ballots came, and %v", len(records), err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the first ballot came after %s", took)
	}
}

// TestRecordsOfATopicMadeAgainAreRefused makes the topic again after its id was read, and before its records are.
func TestRecordsOfATopicMadeAgainAreRefused(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	makeAgain(t, cluster)
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotesTopic, Value: []byte("of another topic")})
	beginReading(t, s)
	_, err := collect(t, s, election.VotesTopic, 1)
	wantRefused(t, err, "votes_topic was deleted and made again")
}

// collecting is how long it may take until the records have come. Only broken code takes that long.
const collecting = 10 * time.Second

// collect collects a topic's records until they reach an offset of partition 0.
func collect(t *testing.T, s *session, topic string, end int64) ([]*kgo.Record, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), collecting)
	defer cancel()
	var records []*kgo.Record
	for next := int64(0); next < end; {
		batches, err := s.collect(ctx)
		if err != nil {
			return records, err
		}
		if b := batches[topic]; b != nil {
			records, next = append(records, b.records...), b.next[0]
		}
	}
	return records, nil
}

func TestCollectPassesMarkersAndWhatIsAborted(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	value := func(text string) *kgo.Record { return &kgo.Record{Topic: election.VotesTopic, Value: []byte(text)} }
	kafkatest.ProduceInTransaction(t, cluster, kgo.TryCommit, value("a"), value("b")) // 0, 1, and a marker
	kafkatest.ProduceInTransaction(t, cluster, kgo.TryAbort, value("aborted"))        // 3, and a marker
	kafkatest.Produce(t, cluster, value("c"))                                         // 5
	kafkatest.Begin(t, cluster, value("undecided"))
	beginReading(t, s)
	records, err := collect(t, s, election.VotesTopic, 6)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, r := range records {
		values = append(values, string(r.Value))
	}
	if !slices.Equal(values, []string{"a", "b", "c"}) {
		t.Errorf("the records are %q", values)
	}
	if end := s.ends[topicPartition{election.VotesTopic, 0}]; end != 6 {
		t.Errorf("the stable end is %d, want 6: the rest is not decided", end)
	}
}

func TestCollectEndsAtATransactionsMarker(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	kafkatest.ProduceInTransaction(t, cluster, kgo.TryCommit, &kgo.Record{Topic: election.VotesTopic})
	beginReading(t, s)
	if records, err := collect(t, s, election.VotesTopic, 2); err != nil || len(records) != 1 {
		t.Errorf("%d records came, and %v", len(records), err)
	}
}

func TestCollectReadsOnFromWhatIsStored(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	for _, text := range []string{"stored", "next"} {
		kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotesTopic, Value: []byte(text)})
	}
	s.next[topicPartition{election.VotesTopic, 0}] = 1
	beginReading(t, s)
	records, err := collect(t, s, election.VotesTopic, 2)
	if err != nil || len(records) != 1 || string(records[0].Value) != "next" {
		t.Errorf("the records are %v (%v)", records, err)
	}
}

func TestCollectComesBackWhenNothingComes(t *testing.T) {
	t.Parallel()
	s, _ := newTestSession(t)
	beginReading(t, s)
	if batches, err := s.collect(t.Context()); err != nil || len(batches) > 0 {
		t.Errorf("it has %v, %v", batches, err)
	}
}
