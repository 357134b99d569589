package lease

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func answers(context.Context) error { return nil }

func TestHolderActsWhileItIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(askEvery, answers)
		mine := errors.New("done")
		err := l.Hold(t.Context(), func(ctx context.Context) error {
			time.Sleep(time.Hour)
			if ctx.Err() != nil || l.Held() != nil {
				t.Errorf("after an hour: %v, %v", context.Cause(ctx), l.Held())
			}
			return mine
		})
		if !errors.Is(err, mine) || errors.Is(err, ErrLost) {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestHolderEndsWhenItsConnectionBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		broken := errors.New("reset")
		l := New(askEvery, func(context.Context) error {
			if time.Since(began) > time.Minute {
				return broken
			}
			return nil
		})
		err := l.Hold(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			if err := l.Held(); !errors.Is(err, ErrLost) {
				t.Errorf("it still acts: %v", err)
			}
			if took := time.Since(began); took > time.Minute+2*askEvery {
				t.Errorf("the holder notices after %s", took)
			}
			return ctx.Err()
		})
		if !errors.Is(err, ErrLost) || !errors.Is(err, broken) {
			t.Errorf("it ended with %v", err)
		}
	})
}

// TestHolderEndsWhenNothingAnswers cuts the network: nothing tells the holder that the connection has ended.
func TestHolderEndsWhenNothingAnswers(t *testing.T) {
	for name, answered := range map[string]int{"from the start": 0, "after a while": 60} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var last time.Time
				questions := 0
				l := New(askEvery, func(ctx context.Context) error {
					if questions++; questions > answered {
						<-ctx.Done()
						return ctx.Err()
					}
					last = time.Now()
					return nil
				})
				last = time.Now()
				err := l.Hold(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return nil })
				if silence := time.Since(last); !errors.Is(err, ErrLost) || silence > Silence/2 {
					t.Errorf("it ended with %v after a silence of %s; PostgreSQL gives the lock to another after %s", err, silence, Silence)
				}
			})
		})
	}
}

// TestHolderThatWasStoppedNoticesBeforeItActs stops the holder after PostgreSQL has answered. When it wakes, the holder first reads
// that old answer.
func TestHolderThatWasStoppedNoticesBeforeItActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := false
		l := New(askEvery, func(context.Context) error {
			if asked { // stopped at the second question
				time.Sleep(90 * time.Second)
			}
			asked = true
			return nil
		})
		err := l.Hold(t.Context(), func(ctx context.Context) error {
			if err := l.Held(); err != nil {
				t.Errorf("at first: %v", err)
			}
			time.Sleep(92 * time.Second)
			synctest.Wait()
			return l.Held()
		})
		if !errors.Is(err, ErrLost) {
			t.Errorf("it acts on an answer of 90 s ago: %v", err)
		}
	})
}

// TestHolderThatIsAskedToStopKeepsTheLease checks that a holder confirms the lease until its act ends, even after it was asked to
// stop.
func TestHolderThatIsAskedToStopKeepsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var broken atomic.Bool
		l := New(askEvery, func(ctx context.Context) error {
			if broken.Load() {
				return errors.New("reset")
			}
			return ctx.Err()
		})
		err := l.Hold(ctx, func(ctx context.Context) error {
			stop()
			time.Sleep(2 * Trust)
			if ctx.Err() == nil {
				t.Error("it is not asked to stop")
			}
			if err := l.Held(); err != nil {
				t.Errorf("it may not finish: %v", err)
			}
			broken.Store(true)
			time.Sleep(2 * askEvery)
			if err := l.Held(); !errors.Is(err, ErrLost) {
				t.Errorf("it still acts: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
}

// TestQuestionWithoutAnAnswerConfirmsNothing ends the act while a question has no answer yet.
func TestQuestionWithoutAnAnswerConfirmsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		l := New(askEvery, func(ctx context.Context) error {
			if first {
				first = false
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		began := time.Now()
		err := l.Hold(t.Context(), func(context.Context) error {
			time.Sleep(askEvery + time.Second)
			synctest.Wait()
			if err := l.Held(); err != nil {
				t.Errorf("it may not finish: %v", err)
			}
			return nil
		})
		if err != nil || l.Held() != nil {
			t.Errorf("the question that it abandoned counts as a loss: %v, %v", err, l.Held())
		}
		if took := time.Since(began); took != askEvery+time.Second {
			t.Errorf("it waited for the answer until %s", took)
		}
		if confirmed := l.confirmed.Load().monotonic; !confirmed.Equal(began) {
			t.Errorf("it counts as answered %s after the only answer", confirmed.Sub(began))
		}
	})
}

func TestConfirmAsksNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken error
		l := New(askEvery, func(context.Context) error { return broken })
		time.Sleep(2 * Trust)
		if err := l.Held(); !errors.Is(err, ErrLost) {
			t.Errorf("without an answer: %v", err)
		}
		if err := l.Confirm(t.Context()); err != nil || l.Held() != nil {
			t.Errorf("answered: %v, %v", err, l.Held())
		}
		broken = errors.New("reset")
		if err := l.Confirm(t.Context()); !errors.Is(err, ErrLost) || !errors.Is(err, broken) {
			t.Errorf("lost: %v", err)
		}
	})
}

func TestLeaseThatIsGivenBackIsNotHeld(t *testing.T) {
	l := New(askEvery, answers)
	l.Release(t.Context())
	if err := l.Held(); !errors.Is(err, ErrLost) {
		t.Error(err)
	}
}

// TestSilenceIsMeasuredByBothClocks suspends the machine, which stops one clock, and sets the other clock back.
func TestSilenceIsMeasuredByBothClocks(t *testing.T) {
	at := time.Now()
	long := at.Add(-Trust - time.Minute)
	for name, c := range map[string]struct {
		confirmed moment
		held      bool
	}{
		"a moment ago":         {moment{at, at.Round(0)}, true},
		"suspended since":      {moment{at, long.Round(0)}, false},
		"clock set back since": {moment{long, at.Round(0)}, false},
	} {
		l := New(askEvery, answers)
		l.confirmed.Store(&c.confirmed)
		if err := l.Held(); (err == nil) != c.held || err != nil && !errors.Is(err, ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTrustEndsBeforeTheLeaseIsGivenAway compares the timeouts of both sides.
func TestTrustEndsBeforeTheLeaseIsGivenAway(t *testing.T) {
	if Trust+askEvery+answerWithin > Silence {
		t.Errorf("an answer is trusted for %s, and PostgreSQL gives the lock away after %s; what was begun in between needs time to end", Trust, Silence)
	}
	if askEvery+answerWithin > Trust {
		t.Errorf("a question every %s that may take %s does not renew a trust of %s", askEvery, answerWithin, Trust)
	}
	if Handover < Trust || Handover+answerWithin > Silence {
		t.Errorf("a new holder waits %s for a trust of %s, on a connection that PostgreSQL ends after %s", Handover, Trust, Silence)
	}
}

// TestNameIsTheNumberOfTheLock fixes the numbers, since older builds of the program use the same locks.
func TestNameIsTheNumberOfTheLock(t *testing.T) {
	for name, want := range map[string]int64{"submit": 0x7375626d6974, "ledger": 0x6c6564676572, "a": 'a', "election": 0x656c656374696f6e} {
		if got, err := key(name); err != nil || got != want {
			t.Errorf("%s is %#x, want %#x (%v)", name, got, want, err)
		}
	}
	for _, name := range []string{"", "elections"} {
		if _, err := Take(t.Context(), "postgres://127.0.0.1:1/none", name, nil); err == nil || errors.Is(err, ErrLost) {
			t.Errorf("the name %q: %v", name, err)
		}
	}
}
