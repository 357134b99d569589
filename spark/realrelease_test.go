//go:build services

package spark_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// TestQueriesCancelledEarlyLeaveNoJob cancels queries while Spark is about to begin them. Each would take all of the server's task slots
// for hours, so that the query after them ends only if none runs on.
func TestQueriesCancelledEarlyLeaveNoJob(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	must(session.Range(0, 1, 1).Collect(ctx))(t) // a cold server would take longer than the delays
	hours := must(session.SQL(ctx, "SELECT sum(id) FROM range(0, 100000000, 1, 1000) WHERE reflect('java.lang.Thread', 'sleep', 100L) IS NULL"))(t)
	var delays []time.Duration
	for range 20 {
		delay := time.Duration(rand.Int64N(int64(150 * time.Millisecond)))
		delays = append(delays, delay)
		early, cancel := context.WithTimeout(ctx, delay)
		if _, err := hours.Collect(early); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s: %v, expected the deadline", delay, err)
		}
		cancel()
	}
	began := time.Now()
	must(0, session.Release(ctx))(t)
	t.Logf("the session was released after %s", time.Since(began))
	after := newSession(t)
	within, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := after.Range(0, 1, 1).Collect(within); err != nil {
		t.Errorf("a query after those cancelled after %v: %v; do their jobs run on?", delays, err)
	}
}
