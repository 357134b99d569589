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
		p := newPace(1000)
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
		p := newPace(1000)
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
		p := newPace(0)
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
		for _, rate := range []int{0, 1} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			p, err := newPace(rate), error(nil)
			for err == nil {
				err = p.wait(ctx, 60)
				synctest.Wait()
				if rate == 0 {
					cancel()
				}
			}
			if took := time.Since(began); took > time.Second || !errors.Is(err, ctx.Err()) {
				t.Errorf("at rate %d it ended after %s with %v", rate, took, err)
			}
		}
	})
}

func TestBatchesFollowTheRate(t *testing.T) {
	for rate, want := range map[int]int64{0: 20_000, 1: 1, 4: 1, 1000: 200, 100_000: 20_000, 1_000_000_000: 20_000} {
		if got := newPace(rate).batch(); got != want {
			t.Errorf("at %d a second a transaction holds %d, want %d", rate, got, want)
		}
	}
}
