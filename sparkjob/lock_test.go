package sparkjob

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func answers(context.Context) error { return nil }

func TestHolderActsWhileItIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var of term
		mine := errors.New("done")
		err := of.hold(t.Context(), answers, func(ctx context.Context) error {
			time.Sleep(time.Hour)
			if ctx.Err() != nil || of.alone() != nil {
				t.Errorf("after an hour: %v, %v", context.Cause(ctx), of.alone())
			}
			return mine
		})
		if !errors.Is(err, mine) || errors.Is(err, errLost) {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestHolderEndsWhenItsConnectionBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var of term
		began := time.Now()
		broken := errors.New("reset")
		ask := func(context.Context) error {
			if time.Since(began) > time.Minute {
				return broken
			}
			return nil
		}
		err := of.hold(t.Context(), ask, func(ctx context.Context) error {
			<-ctx.Done()
			if err := of.alone(); !errors.Is(err, errLost) {
				t.Errorf("it acts on: %v", err)
			}
			if took := time.Since(began); took > time.Minute+2*askEvery {
				t.Errorf("it is noticed after %s", took)
			}
			return ctx.Err()
		})
		if !errors.Is(err, errLost) || !errors.Is(err, broken) {
			t.Errorf("it ended with %v", err)
		}
	})
}

// TestHolderEndsWhenNothingAnswers has a network that was cut: nobody says that the connection is gone.
func TestHolderEndsWhenNothingAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var of term
		silent := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		began := time.Now()
		err := of.hold(t.Context(), silent, func(ctx context.Context) error { <-ctx.Done(); return nil })
		lease, _ := time.ParseDuration(keeps)
		if !errors.Is(err, errLost) || time.Since(began) > lease/2 {
			t.Errorf("it ended with %v after %s; PostgreSQL gives the lock to another after %s", err, time.Since(began), keeps)
		}
	})
}

// TestWhoWasStoppedNoticesBeforeItActs was stopped after PostgreSQL had answered, and reads that answer first when it wakes.
func TestWhoWasStoppedNoticesBeforeItActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var of term
		asked := false
		stopped := func(context.Context) error { // at the second question
			if asked {
				time.Sleep(90 * time.Second)
			}
			asked = true
			return nil
		}
		err := of.hold(t.Context(), stopped, func(ctx context.Context) error {
			if err := of.alone(); err != nil {
				t.Errorf("at first: %v", err)
			}
			time.Sleep(92 * time.Second)
			synctest.Wait()
			return of.alone()
		})
		if !errors.Is(err, errLost) {
			t.Errorf("it acts on an answer of 90 s ago: %v", err)
		}
	})
}

func TestHolderThatIsAskedToStopHasNotLostTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var of term
		ask := func(ctx context.Context) error { return ctx.Err() }
		err := of.hold(ctx, ask, func(ctx context.Context) error {
			stop()
			time.Sleep(2 * askEvery)
			return of.alone()
		})
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
}

// TestQuestionWithoutAnAnswerConfirmsNothing asks to stop while PostgreSQL is asked.
func TestQuestionWithoutAnAnswerConfirmsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var of term
		first := true
		ask := func(ctx context.Context) error {
			if first {
				first = false
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		began := time.Now()
		_ = of.hold(ctx, ask, func(context.Context) error {
			time.Sleep(askEvery + time.Second)
			stop()
			synctest.Wait()
			if err := of.alone(); err != nil {
				t.Errorf("it may not end its query: %v", err)
			}
			return nil
		})
		if answered := of.answered.Load().monotonic; !answered.Equal(began) {
			t.Errorf("it counts as answered %s after the only answer", answered.Sub(began))
		}
	})
}

// TestSilenceIsMeasuredByBothClocks suspends the machine, which stops one clock, and sets the other back.
func TestSilenceIsMeasuredByBothClocks(t *testing.T) {
	at := time.Now()
	long := at.Add(-trust - time.Minute)
	for name, c := range map[string]struct {
		answered moment
		alone    bool
	}{
		"a moment ago":         {moment{at, at.Round(0)}, true},
		"suspended since":      {moment{at, long.Round(0)}, false},
		"clock set back since": {moment{long, at.Round(0)}, false},
	} {
		var of term
		of.answered.Store(&c.answered)
		if err := of.alone(); (err == nil) != c.alone || err != nil && !errors.Is(err, errLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTrustEndsBeforeTheLockIsGivenAway compares how long each side waits for the other.
func TestTrustEndsBeforeTheLockIsGivenAway(t *testing.T) {
	patience, err := time.ParseDuration(keeps)
	if err != nil {
		t.Fatal("PostgreSQL's setting is no duration: ", err)
	}
	if trust+askEvery+answerWithin > patience {
		t.Errorf("an answer is trusted for %s, and PostgreSQL gives the lock away after %s; what was begun in between needs time to end", trust, patience)
	}
	if askEvery+answerWithin > trust {
		t.Errorf("a question every %s that may take %s does not renew a trust of %s", askEvery, answerWithin, trust)
	}
	if handover < trust || handover+answerWithin > patience {
		t.Errorf("a new holder waits %s for a trust of %s, on a connection that PostgreSQL ends after %s", handover, trust, patience)
	}
}
