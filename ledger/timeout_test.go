package ledger

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// progressing calls progressed ten times, once in every interval.
func progressing(every time.Duration) func(context.Context, func()) error {
	return func(ctx context.Context, progressed func()) error {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for range 10 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-ticker.C:
				progressed()
			}
		}
		return nil
	}
}

func TestIdleTimeoutLetsProgressTakeAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := withIdleTimeout(t.Context(), time.Minute, progressing(50*time.Second)); err != nil {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestIdleTimeoutEndsWhatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := withIdleTimeout(t.Context(), time.Minute, progressing(70*time.Second))
		if err == nil || !strings.Contains(err.Error(), "nothing came for 1m0s") || time.Since(began) != time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestIdleTimeoutReportsCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := withIdleTimeout(ctx, time.Minute, progressing(50*time.Second)); err != context.Canceled {
			t.Error(err)
		}
	})
}
