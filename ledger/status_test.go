package ledger

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

// reports is how many reports a publication added.
func reports(t *testing.T, s *session, cluster *kfake.Cluster) int {
	t.Helper()
	held := func() int { return len(kafkatest.Read(t, cluster, election.PipelineStatusTopic, 0)) }
	before := held()
	s.status.publish(t.Context())
	return held() - before
}

func TestStatusIsReportedWhenItChangesAndToSayThatItHolds(t *testing.T) {
	s, cluster := newTestSession(t)
	for _, step := range []struct {
		name string
		do   func()
		want int
	}{
		{"before anything is known", func() {}, 0},
		{"stored", func() { s.status.opened(nil, s.next) }, 1},
		{"unchanged", func() {}, 0},
		{"unchanged for a while", func() { s.status.current.UpdatedAt = time.Now().Add(-heartbeatEvery) }, 1},
		{"a batch", func() { s.committed(&batch{topic: election.VotesTopic, next: map[int32]int64{0: 1}}, 1, nil) }, 1},
		{"waiting", func() { s.status.waiting(errors.New("no PostgreSQL")) }, 1},
		{"another stores", func() { s.status.standby() }, 0},
		{"and is waited for", func() { s.status.waiting(errors.New("no PostgreSQL")) }, 0},
		{"stored again", func() { s.status.opened(nil, s.next) }, 1},
	} {
		step.do()
		if n := reports(t, s, cluster); n != step.want {
			t.Errorf("%s: %d reports, want %d", step.name, n, step.want)
		}
	}
}

func TestStatusThatKafkaDoesNotTakeIsSentAgain(t *testing.T) {
	s, cluster := newTestSession(t)
	s.status.opened(nil, s.next)
	if err := cluster.DeleteTopic(election.PipelineStatusTopic); err != nil {
		t.Fatal(err)
	}
	s.status.publish(t.Context())
	if err := cluster.CreateTopic(election.PipelineStatusTopic, 1, nil); err != nil {
		t.Fatal(err)
	}
	if n := reports(t, s, cluster); n != 1 {
		t.Errorf("%d reports, want 1", n)
	}
}

func TestTroubleIsNewsOnce(t *testing.T) {
	s, _ := newTestSession(t)
	for _, step := range []struct {
		cause string
		want  bool
	}{{"a", true}, {"a", false}, {"b", true}} {
		if news := s.status.waiting(errors.New(step.cause)); news != step.want {
			t.Errorf("%s: %t", step.cause, news)
		}
		if err := s.status.trouble(); err == nil || err.Error() != step.cause {
			t.Errorf("the trouble is %v, want %s", err, step.cause)
		}
	}
	s.status.opened(nil, s.next)
	if err := s.status.trouble(); err != nil {
		t.Errorf("the trouble is %v while it stores", err)
	}
	if !s.status.waiting(errors.New("b")) {
		t.Error("the same trouble after it stored is no news")
	}
}
