package ledger

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// moving comes further every so often until it has done so ten times.
func moving(every time.Duration) func(context.Context, func()) error {
	return func(ctx context.Context, moved func()) error {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for range 10 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-ticker.C:
				moved()
			}
		}
		return nil
	}
}

func TestWhatMovesMayTakeAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := whileMoving(t.Context(), time.Minute, moving(50*time.Second)); err != nil {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestWhatStandsStillIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := whileMoving(t.Context(), time.Minute, moving(70*time.Second))
		if err == nil || !strings.Contains(err.Error(), "nothing came for 1m0s") || time.Since(began) != time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestWhatIsGivenUpSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := whileMoving(ctx, time.Minute, moving(50*time.Second)); err != context.Canceled {
			t.Error(err)
		}
	})
}
