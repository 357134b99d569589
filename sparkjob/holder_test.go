package sparkjob

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"realtime-election/election"
	"realtime-election/internal/lease"
)

// TestHolderIsWaitedForOnlyWhereItMayNotKnow tries what the topic may hold of the previous holder.
func TestHolderIsWaitedForOnlyWhereItMayNotKnow(t *testing.T) {
	for name, c := range map[string]struct {
		before holder
		waits  time.Duration
	}{
		"nobody has had the lock":               {holder{}, 0},
		"it was given back":                     {holder{PostgresStart: "1"}, 0},
		"PostgreSQL saw its connection end":     {holder{Term: "other", PostgresStart: "2"}, 0},
		"it is this submit, which has noticed":  {holder{Term: "mine", PostgresStart: "1"}, 0},
		"PostgreSQL was started again":          {holder{Term: "other", PostgresStart: "1"}, lease.Handover},
		"PostgreSQL's clock was set back since": {holder{Term: "other", PostgresStart: "3"}, lease.Handover},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, told := time.Now(), false
				done(t, c.before.awaitHandover(t.Context(), "2", "mine", func() { told = true }))
				if took := time.Since(began); took != c.waits || told != (c.waits > 0) {
					t.Errorf("it took %s, want %s; told: %t", took, c.waits, told)
				}
			})
		})
	}
}

func TestWaitingForTheHolderEndsWhenSubmitIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		began := time.Now()
		err := holder{Term: "other"}.awaitHandover(ctx, "2", "mine", func() {})
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("it ended with %v after %s", err, took)
		}
	})
}

// TestNobodyActsBesideAHolderThatIsCutOff restarts PostgreSQL right after it has answered a holder. The holder hears nothing
// of PostgreSQL from then on, and is stopped for a while as well.
func TestNobodyActsBesideAHolderThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		const restart = time.Minute
		ask := func(ctx context.Context) error {
			if time.Since(began) > restart {
				<-ctx.Done()
				time.Sleep(lease.Trust) // the holder is stopped, and notices its timeout late
				return ctx.Err()
			}
			return nil
		}
		first := lease.New(time.Second, ask)
		ended := make(chan error)
		go func() {
			ended <- first.Hold(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return nil })
		}()
		time.Sleep(restart)
		synctest.Wait()
		if err := first.Held(); err != nil {
			t.Fatal("it has lost the lease at once: ", err)
		}
		done(t, holder{Term: "first", PostgresStart: "1"}.awaitHandover(t.Context(), "2", "second", func() {}))
		if err := first.Held(); !errors.Is(err, lease.ErrLost) {
			t.Errorf("two act: %v", err)
		}
		<-ended
	})
}

// TestHolderIsNotedBeforeItActs has a submit get the lock, act, lose the lock and get it again, and stop.
func TestHolderIsNotedBeforeItActs(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	first := newSubmit(t, c, server.URL(), "a")
	first.runs(t, cluster)
	before := notedHolder(t, cluster)
	if before.Term == "" || before.PostgresStart == "" {
		t.Errorf("while it acts the holder is %+v", before)
	}
	first.lose()
	first.end(t)
	if after := notedHolder(t, cluster); after != before {
		t.Errorf("when it has lost the lock the holder is %+v, and was %+v", after, before)
	}
	second := newSubmit(t, c, server.URL(), "a")
	second.runs(t, cluster)
	if after := notedHolder(t, cluster); after.Term == "" || after.Term == before.Term {
		t.Errorf("when another acts the holder is %+v, and was %+v", after, before)
	}
	second.stop()
	second.end(t)
	if after := notedHolder(t, cluster); after != (holder{}) {
		t.Errorf("when it was stopped the holder is %+v", after)
	}
}

func notedHolder(t *testing.T, cluster *kfake.Cluster) holder {
	t.Helper()
	return last[holder](t, cluster, election.RunsTopic, election.HolderKey)
}

// TestLockLostWhileItIsNotedIsNotActedOn loses the lock before, and after, the holder is written.
func TestLockLostWhileItIsNotedIsNotActedOn(t *testing.T) {
	t.Parallel()
	for asked := range 3 {
		_, c := newElection(t)
		r, err := newRunTracker(c, &election.Installation{})
		done(t, err)
		t.Cleanup(r.close)
		questions := 0
		mayAct := func() error {
			if questions++; questions > asked {
				return lease.ErrLost
			}
			return nil
		}
		if err := r.becomeHolder(t.Context(), "1", mayAct); !errors.Is(err, lease.ErrLost) || r.term != "" {
			t.Errorf("lost after %d questions: %v, term %q", asked, err, r.term)
		}
	}
}

// TestLockThatIsAnothersIsNotGivenBack ends a submit that has been fenced.
func TestLockThatIsAnothersIsNotGivenBack(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	mayAct := func() error { return nil }
	done(t, r.becomeHolder(t.Context(), "1", mayAct))
	other := newStartedTracker(t, c, "a")
	done(t, other.becomeHolder(t.Context(), "1", mayAct))
	want := notedHolder(t, cluster)
	r.giveBack(t.Context())
	done(t, r.fenceAndRead(t.Context())) // also after it has read who the holder is
	r.giveBack(t.Context())
	if got := notedHolder(t, cluster); got != want || want.Term != other.term {
		t.Errorf("the holder is %+v, want %+v", got, want)
	}
}
