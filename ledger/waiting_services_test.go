//go:build services

package ledger_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/postgres"
	"realtime-election/internal/principals"
	"realtime-election/ledger"
	"realtime-election/local"
)

func TestTwoLedgersAtOnce(t *testing.T) {
	s := newSystem(t)
	first := s.start(t)
	kafkatest.Produce(t, s.cluster, s.votes(0, 100)...)
	s.untilCaughtUp(t)
	s.start(t)
	until(t, "the second says that it waits", func() bool { return s.log.count("another ledger stores") == 1 })
	kafkatest.Produce(t, s.cluster, s.votes(50, 200)...)
	s.untilCaughtUp(t)
	s.wantExact(t)
	first()
	kafkatest.Produce(t, s.cluster, s.votes(150, 300)...)
	s.untilCaughtUp(t)
	s.wantExact(t)
	if n := s.log.count("another ledger stores"); n != 1 {
		t.Errorf("it was said %d times that another ledger stores", n)
	}
}

// TestLedgerWithoutTheLockStoresNothing moves the offsets, as another ledger would that has taken the lock.
func TestLedgerWithoutTheLockStoresNothing(t *testing.T) {
	s := newSystem(t)
	s.start(t)
	kafkatest.Produce(t, s.cluster, s.votes(0, 10)...)
	s.untilCaughtUp(t)
	// The other ledger stored records of partition 0 that this one has not seen.
	tx, err := s.conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	records := s.votes(10, 40)
	records = slices.DeleteFunc(records, func(r *kgo.Record) bool { return r.Partition != 0 })
	if _, err := tx.Exec(t.Context(), "UPDATE ledger_offsets SET next_offset = next_offset + $1 WHERE topic = 'votes_topic' AND partition = 0", len(records)); err != nil {
		t.Fatal(err)
	}
	kafkatest.Produce(t, s.cluster, records...)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "it says so", func() bool { return s.log.count("another ledger has stored in the meantime") > 0 })
	kafkatest.Produce(t, s.cluster, s.votes(40, 50)...)
	s.untilCaughtUp(t)
	if got := len(s.rows(t, "votes")); got != 20 {
		t.Errorf("%d votes are stored, want 20: those that the other one did not store", got)
	}
}

func TestPostgreSQLIsWaitedFor(t *testing.T) {
	s := newSystem(t)
	config := local.Config{Data: t.TempDir()}
	server, err := local.StartPostgreSQL(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Stop(context.Background())
		if err := local.RemoveDatabase(config.Data); err != nil {
			t.Error(err)
		}
	})
	s.prepare(t, server.Address())
	owner := s.conn.Config().ConnString()
	s.start(t)
	kafkatest.Produce(t, s.cluster, s.votes(0, 50)...)
	s.untilCaughtUp(t)

	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	kafkatest.Produce(t, s.cluster, s.votes(50, 100)...)
	until(t, "it says that it waits", func() bool { status := s.status(t); return status.State == "waiting" && status.Error != "" })
	if status := s.status(t); status.Votes != 50 || status.Stored[election.VotesTopic] == nil {
		t.Errorf("while it waits it reports %+v", status)
	}
	if server, err = local.StartPostgreSQL(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if s.conn, err = connect(t, owner); err != nil {
		t.Fatal(err)
	}
	s.untilCaughtUp(t)
	s.wantExact(t)
	until(t, "it says that it stores", func() bool { status := s.status(t); return status.State == "running" && status.Error == "" })
}

// firstPauses is longer than the first two pauses between attempts.
const firstPauses = 1500 * time.Millisecond

func TestWrongPasswordEndsTheLedger(t *testing.T) {
	s := newSystem(t)
	right := s.database
	s.database = strings.Replace(right, "correct%20horse", "battery%20staple", 1)
	if s.database == right {
		t.Fatal("the password is not in the URL")
	}
	ctx, cancel := context.WithTimeout(t.Context(), untilLimit)
	defer cancel()
	var wrong *election.InputError
	err := ledger.Run(ctx, s.config())
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "does not know the user election_ledger with this password") || strings.Contains(err.Error(), "staple") {
		t.Errorf("it ended with %v", err)
	}
}

// TestPasswordThatIsNoLongerRightIsSaidOnce changes the password of a ledger that stores, for a while.
func TestPasswordThatIsNoLongerRightIsSaidOnce(t *testing.T) {
	s := newSystem(t)
	s.start(t)
	kafkatest.Produce(t, s.cluster, s.votes(0, 10)...)
	s.untilCaughtUp(t)
	give := func(password string) {
		t.Helper()
		if err := postgres.EnsureRoles(t.Context(), s.conn, map[postgres.Role]string{postgres.LedgerRole: password}); err != nil {
			t.Fatal(err)
		}
	}
	give("battery staple")
	defer give(password) // other tests have the same role
	const hangUp = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'election_ledger' AND datname = current_database()`
	if _, err := s.conn.Exec(t.Context(), hangUp); err != nil {
		t.Fatal(err)
	}
	until(t, "it reports so", func() bool { return strings.Contains(s.status(t).Error, "does not know the user election_ledger") })
	waited := time.NewTimer(firstPauses)
	<-waited.C // for several attempts, of which only the first is logged
	if n := s.log.count("does not know the user"); n != 1 {
		t.Errorf("it was said %d times", n)
	}
	if s.log.count("horse") > 0 {
		t.Error("the password was said")
	}
	give(password)
	kafkatest.Produce(t, s.cluster, s.votes(10, 20)...)
	s.untilCaughtUp(t)
}

func TestKafkaIsWaitedFor(t *testing.T) {
	s := newSystem(t)
	answers := s.kafka
	s.kafka = kafkatest.Cluster(t, []string{"127.0.0.1:1"})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ledger.Run(ctx, s.config()) }()
	until(t, "it says so", func() bool { return s.log.count("nothing is stored") == 1 })
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	s.kafka = answers
}

// TestTransactionIsTriedAgain has PostgreSQL refuse the first two transactions, as it may whenever it cannot order two
// of them.
func TestTransactionIsTriedAgain(t *testing.T) {
	s := newSystem(t)
	_, err := s.conn.Exec(t.Context(), `
		CREATE SEQUENCE tries;
		CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
		BEGIN
			IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'once more' USING ERRCODE = '40001'; END IF;
			RETURN NULL;
		END $$;
		CREATE TRIGGER refuse AFTER INSERT ON votes FOR EACH STATEMENT EXECUTE FUNCTION refuse()`)
	if err != nil {
		t.Fatal(err)
	}
	kafkatest.Produce(t, s.cluster, s.voteFor(1, s.definition.Candidates[0].ID), s.voteFor(1, s.definition.Candidates[1].ID), s.vote(2))
	s.start(t)
	s.untilCaughtUp(t)
	s.wantExact(t)
	if s.log.count("nothing is stored") > 0 {
		t.Error("it lost its connection over it")
	}
}

// TestRealKafkaIsWaitedFor stores records that a real Kafka holds in transactions, and restarts that Kafka in between.
func TestRealKafkaIsWaitedFor(t *testing.T) {
	s := newSystem(t)
	config := local.Config{Data: t.TempDir()}
	server, err := local.StartKafka(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop(context.Background()) })
	var running bool
	if s.kafka, running, err = local.KafkaAs(config, principals.Init); err != nil || !running {
		t.Fatalf("Kafka runs: %t (%v)", running, err)
	}
	s.kafka.Log = kafkatest.Log(t)
	cl := s.client(t)
	if err := kafka.EnsureTopics(t.Context(), cl, election.Topics(partitions)); err != nil {
		t.Fatal(err)
	}
	installation := election.Installation{Definition: *s.definition, Fingerprint: s.definition.Fingerprint(), VotePartitions: partitions}
	if err := cl.ProduceSync(t.Context(), kafkatest.JSON(t, election.ElectionTopic, election.DefinitionKey, installation)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	s.start(t)
	s.transaction(t, kgo.TryCommit, s.votes(0, 5000)...)
	s.transaction(t, kgo.TryAbort, s.votes(5000, 6000)...)
	s.untilCaughtUp(t)
	wantVotes := func(want int) {
		t.Helper()
		if got := len(s.rows(t, "votes")); got != want {
			t.Errorf("%d votes are stored, want %d", got, want)
		}
	}
	wantVotes(5000)
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if server, err = local.StartKafka(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	bad := &kgo.Record{Topic: election.VotesTopic, Value: []byte("bad")}
	s.transaction(t, kgo.TryCommit, append(s.votes(4000, 8000), bad)...)
	s.transaction(t, kgo.TryAbort, s.votes(8000, 9000)...)
	s.untilCaughtUp(t)
	wantVotes(8000)
	if got := len(s.rows(t, "rejected_votes")); got != 1001 {
		t.Errorf("%d records are rejected, want 1001", got)
	}
}
