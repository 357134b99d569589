package ledger

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/lease"
)

// leaseHeld stands for the lease of a ledger that has not lost it.
func leaseHeld() error { return nil }

// reports is how many reports a publication added.
func reports(t *testing.T, s *session, cluster *kfake.Cluster) int {
	t.Helper()
	count := func() int { return len(kafkatest.Read(t, cluster, election.LedgerStatusTopic, 0)) }
	before := count()
	s.status.publish(t.Context())
	return count() - before
}

func TestStatusIsReportedWhenItChangesAndToSayThatItHolds(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	for _, step := range []struct {
		name string
		do   func()
		want int
	}{
		{"before anything is known", func() {}, 0},
		{"stored", func() { s.status.noteOpened(nil, s.next, leaseHeld) }, 1},
		{"unchanged", func() {}, 0},
		{"unchanged for a while", func() { s.status.current.UpdatedAt = time.Now().Add(-heartbeatEvery) }, 1},
		{"a batch", func() { s.noteCommitted(&batch{topic: election.VotesTopic, next: map[int32]int64{0: 1}}, 1, nil) }, 1},
		{"waiting", func() { s.status.noteWaiting(errors.New("no PostgreSQL")) }, 1},
		{"another stores", func() { s.status.noteOtherStores() }, 0},
		{"and is waited for", func() { s.status.noteWaiting(errors.New("no PostgreSQL")) }, 0},
		{"stored again", func() { s.status.noteOpened(nil, s.next, leaseHeld) }, 1},
	} {
		step.do()
		if n := reports(t, s, cluster); n != step.want {
			t.Errorf("%s: %d reports, want %d", step.name, n, step.want)
		}
	}
}

// TestLedgerThatLostTheLeaseReportsNothingOverAnothers has it lose the lease without being told, as when it was
// stopped.
func TestLedgerThatLostTheLeaseReportsNothingOverAnothers(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	var lost error
	for _, step := range []struct {
		name string
		do   func()
		want int
	}{
		{"stored", func() { s.status.noteOpened(nil, s.next, func() error { return lost }) }, 1},
		{"lost the lease, as it knows", func() { lost = lease.ErrLost; s.status.noteWaiting(lost) }, 1},
		{"for a while", func() { s.status.current.UpdatedAt = time.Now().Add(-heartbeatEvery) }, 1},
		{"cannot connect", func() { s.status.noteWaiting(errors.New("no PostgreSQL")) }, 1},
		{"another reported", func() {
			kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.LedgerStatusTopic, election.LedgerKey, election.LedgerStatus{State: "running", UpdatedAt: time.Now().UTC()}))
			s.status.noteWaiting(errors.New("still no PostgreSQL"))
		}, 0},
		{"and cannot connect again", func() { s.status.noteWaiting(errors.New("no PostgreSQL")) }, 0},
		{"stored again", func() { lost = nil; s.status.noteOpened(nil, s.next, func() error { return lost }) }, 1},
		{"was stopped, and another reported", func() {
			lost = lease.ErrLost
			kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.LedgerStatusTopic, election.LedgerKey, election.LedgerStatus{State: "running", UpdatedAt: time.Now().UTC()}))
			s.noteCommitted(&batch{topic: election.VotesTopic, next: map[int32]int64{0: 1}}, 1, nil)
		}, 0},
	} {
		step.do()
		if n := reports(t, s, cluster); n != step.want {
			t.Errorf("%s: %d reports, want %d", step.name, n, step.want)
		}
	}
}

func TestLedgerWithoutTheLeaseSendsNothing(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	s.checkLease = func() error { return lease.ErrLost }
	record := &kgo.Record{Topic: election.VotesTopic}
	if err := s.publishRejects(t.Context(), []reject{{record, election.Malformed}}); !errors.Is(err, lease.ErrLost) {
		t.Errorf("a reject: %v", err)
	}
	if err := s.store(t.Context(), &batch{topic: election.VotesTopic, records: []*kgo.Record{record}}); !errors.Is(err, lease.ErrLost) {
		t.Errorf("a batch: %v", err)
	}
	if n := len(kafkatest.Read(t, cluster, election.RejectedVotesTopic, 0)); n != 0 {
		t.Errorf("%d rejects were published", n)
	}
}

func TestStatusThatKafkaDoesNotTakeIsSentAgain(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	s.status.noteOpened(nil, s.next, leaseHeld)
	if err := cluster.DeleteTopic(election.LedgerStatusTopic); err != nil {
		t.Fatal(err)
	}
	s.status.publish(t.Context())
	if err := cluster.CreateTopic(election.LedgerStatusTopic, 1, nil); err != nil {
		t.Fatal(err)
	}
	if n := reports(t, s, cluster); n != 1 {
		t.Errorf("%d reports, want 1", n)
	}
}

func TestTroubleIsNewsOnce(t *testing.T) {
	t.Parallel()
	s, _ := newTestSession(t)
	for _, step := range []struct {
		cause string
		want  bool
	}{{"a", true}, {"a", false}, {"b", true}} {
		if news := s.status.noteWaiting(errors.New(step.cause)); news != step.want {
			t.Errorf("%s: %t", step.cause, news)
		}
		if err := s.status.trouble(); err == nil || err.Error() != step.cause {
			t.Errorf("the trouble is %v, want %s", err, step.cause)
		}
	}
	s.status.noteOpened(nil, s.next, leaseHeld)
	if err := s.status.trouble(); err != nil {
		t.Errorf("the trouble is %v while it stores", err)
	}
	if !s.status.noteWaiting(errors.New("b")) {
		t.Error("the same trouble after it stored is no news")
	}
}
