package producer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPaceKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := newRatePacer(1000)
		for range 10 {
			if err := p.wait(t.Context(), p.batch()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("2000 records at 1000 a second took %s", took)
		}
	})
}

func TestPaceCatchesUpAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := newRatePacer(1000)
		for n := range 10 {
			if n == 3 {
				<-time.After(900 * time.Millisecond) // a slow commit
			}
			if err := p.wait(t.Context(), 200); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("2000 records at 1000 a second, with a pause, took %s", took)
		}
	})
}

func TestUnlimitedPaceDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := newRatePacer(0)
		for range 10 {
			if err := p.wait(t.Context(), p.batch()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it waited %s", took)
		}
	})
}

func TestPaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, rate := range []float64{0, 1} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			p, err := newRatePacer(rate), error(nil)
			for err == nil {
				err = p.wait(ctx, 60)
				synctest.Wait()
				if rate == 0 {
					cancel()
				}
			}
			if took := time.Since(began); took > time.Second || !errors.Is(err, ctx.Err()) {
				t.Errorf("at rate %v it ended after %s with %v", rate, took, err)
			}
		}
	})
}

func TestBatchesFollowTheRate(t *testing.T) {
	for rate, want := range map[float64]int64{0: 20_000, 0.3: 1, 1: 1, 4: 1, 1000: 200, 100_000: 20_000, 1_000_000_000: 20_000} {
		if got := newRatePacer(rate).batch(); got != want {
			t.Errorf("at %v a second a transaction holds %d, want %d", rate, got, want)
		}
	}
}

// eachSecond makes one record due in each second since the polls opened.
func eachSecond(serial int64) time.Duration { return time.Duration(serial) * time.Second }

// pass lets a polling day pass to its end. It returns how many records were sent, and how long that took.
func pass(t *testing.T, d *dayPacer) (sent int64, took time.Duration) {
	t.Helper()
	began := time.Now()
	for d.next < d.size {
		n := d.batch()
		sent += n
		now := d.resumedAt + time.Duration(float64(time.Since(began))*d.speed)
		if n > 0 && d.due(d.next+n-1) > now {
			t.Fatalf("serial %d is sent at %s", d.next+n-1, now)
		}
		// A record that is due is sent within a tick.
		if next := d.next + n; n < recordsPerTransaction && next < d.size && d.due(next) <= now {
			t.Fatalf("serial %d is not sent at %s", next, now)
		}
		if err := d.wait(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	return sent, time.Since(began)
}

func TestDayPassesAtItsSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// 3600 seconds in one minute, to the next tick.
		if sent, took := pass(t, newDayPacer(0, 3601, 60, eachSecond)); sent != 3601 || took < time.Minute || took > time.Minute+200*time.Millisecond {
			t.Errorf("%d records took %s", sent, took)
		}
	})
}

func TestDayGoesOnWhereItStood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if sent, took := pass(t, newDayPacer(1801, 3601, 60, eachSecond)); sent != 1800 || took < 30*time.Second || took > 30*time.Second+200*time.Millisecond {
			t.Errorf("%d records took %s", sent, took)
		}
	})
}

func TestDayCatchesUpAPauseInWholeTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDayPacer(0, 100_000, 1, func(serial int64) time.Duration { return time.Duration(serial) * time.Millisecond })
		<-time.After(50 * time.Second)
		began, sent := time.Now(), int64(0)
		for sent < 50_001 {
			n := d.batch()
			sent += n
			if err := d.wait(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); sent != 50_001 || took > 200*time.Millisecond {
			t.Errorf("%d records took %s", sent, took)
		}
	})
}

// TestDayThatWasLateDoesNotCatchUpItsTicks has a commit that takes long while no record is due. The records after it
// are not sent in many small transactions without a pause.
func TestDayThatWasLateDoesNotCatchUpItsTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDayPacer(1, 10, 1, func(serial int64) time.Duration { return time.Duration(serial) * time.Hour })
		<-time.After(50 * time.Second)
		began := time.Now()
		for range 5 {
			if err := d.wait(t.Context(), d.batch()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 800*time.Millisecond {
			t.Errorf("five ticks took %s", took)
		}
	})
}

// TestDayThatIsLongOverSendsTheRest asks how many records are due when the polling day's time is longer than a Duration
// can be.
func TestDayThatIsLongOverSendsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ day, speed, passed time.Duration }{
			{13*time.Hour + 30*time.Minute, time.Millisecond, 4 * time.Minute},
			{31 * 24 * time.Hour, time.Second, time.Hour},
			{14 * time.Hour, time.Second, 53 * time.Hour},
			{31 * 24 * time.Hour, 1, 24 * 365 * time.Hour},
		} {
			for _, next := range []int64{0, 500} {
				d := newDayPacer(next, 1000, float64(c.day)/float64(c.speed), eachSecond)
				<-time.After(c.passed)
				if n := d.batch(); n != 1000-next {
					t.Errorf("day of %s in %s: %s after it went on, %d of %d are due", c.day, c.speed, c.passed, n, 1000-next)
				}
			}
		}
	})
}

// TestSlowestPaceWaits has a rate at which the next record is due later than the longest Duration.
func TestSlowestPaceWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 24*365*time.Hour)
		defer cancel()
		if err := newRatePacer(1e-12).wait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestDayEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, n := range []int64{0, 1, recordsPerTransaction} {
		if err := newDayPacer(0, 1e6, 1e-6, eachSecond).wait(ctx, n); !errors.Is(err, context.Canceled) {
			t.Errorf("after %d records it ended with %v", n, err)
		}
	}
}
