package producer

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/health/healthtest"
	"realtime-election/internal/kafka/kafkatest"
)

// TestCopiesShareTheVoters starts a second copy while the first sends. Each sends a part, both end without an error,
// and neither takes a partition whose ballots the other still sends.
func TestCopiesShareTheVoters(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 1500, 1500)
	p.register(t)
	var healths [2]*health.Service
	ended := make(chan error, 2)
	first := p.joined()
	var logged lockedBuffer
	for i := range healths {
		healths[i] = health.New("votes")
		c := p.votes(t)
		c.Rate, c.sessionTimeout, c.Health = 2000, sessionTimeout/6, healths[i] // 1.5 seconds
		c.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn}))
		go func() { ended <- Votes(t.Context(), c) }()
		<-first
	}
	for range healths {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	p.complete(t)
	for i, h := range healths {
		if strings.Contains(healthtest.Metrics(h), "election_votes_produced_total 0\n") {
			t.Errorf("copy %d sent nothing", i+1)
		}
	}
	if warnings := logged.String(); strings.Contains(warnings, "fenced") {
		t.Errorf("a copy took a partition whose ballots the other still sent: %s", warnings)
	}
}

// TestCopyTakesOverWhatAnotherLeaves ends one of two copies in the middle. The other sends all that is left.
func TestCopyTakesOverWhatAnotherLeaves(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 700, 700)
	p.register(t)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	p.atCommit(election.VotesProducer(0), 6, func() (handled bool) { kill(); return false }) // after the first heartbeat
	c := p.votes(t)
	c.Rate, c.sessionTimeout = 200, sessionTimeout/8 // 20 in each transaction of a partition
	killed := make(chan error, 1)
	joined := p.joined()
	go func() { killed <- Votes(ctx, c) }()
	<-joined
	c.Rate, c.Health = 0, health.New("votes")
	other := make(chan error, 1)
	go func() { other <- Votes(t.Context(), c) }()
	if err := <-killed; err == nil {
		t.Error("the first copy was not ended")
	}
	if err := <-other; err != nil {
		t.Error(err)
	}
	p.complete(t)
}

// TestMemberThatIsThrownOutComesBack answers a member that the group does not know it. The member stops its workers and
// joins again.
func TestMemberThatIsThrownOutComesBack(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 900, 900)
	p.register(t)
	var beats atomic.Int64
	p.cluster.ControlKey(int16(kmsg.Heartbeat), func(request kmsg.Request) (kmsg.Response, error, bool) {
		p.cluster.KeepControl()
		if beats.Add(1) != 1 {
			return nil, nil, false
		}
		response := request.ResponseKind().(*kmsg.HeartbeatResponse)
		response.ErrorCode = kerr.UnknownMemberID.Code
		return response, nil, true
	})
	c := p.votes(t)
	c.Rate, c.sessionTimeout = 1500, sessionTimeout/8 // 1.2 seconds
	if err := Votes(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	p.complete(t)
	if beats.Load() == 0 {
		t.Error("the member was not thrown out")
	}
}

// TestFencedWorkerGoesOnWhereThePartitionIsStillItsOwn fences a worker with a client that sends nothing.
func TestFencedWorkerGoesOnWhereThePartitionIsStillItsOwn(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 450)
	p.register(t)
	p.atCommit(election.VotesProducer(0), 1, func() (handled bool) {
		p.cluster.SleepControl(func() {
			thief := kafkatest.NewClient(t, p.cluster, kgo.TransactionalID("election-"+election.VotesProducer(0)))
			if _, _, err := thief.ProducerID(t.Context()); err != nil {
				t.Error(err)
			}
			thief.Close()
		})
		return false
	})
	c := p.votes(t)
	c.Rate, c.sessionTimeout, c.Health = 1000, sessionTimeout/12, health.New("votes")
	if err := Votes(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	p.complete(t)
}
