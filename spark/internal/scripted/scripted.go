// Package scripted has what the tests of package spark and of its protocol share: a clock for retries, a session with a scripted server,
// and an answer with rows.
package scripted

import (
	"context"
	"sync"
	"testing"
	"time"

	"realtime-election/spark"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// Clock is a retry policy's clock that never waits and remembers which waits it was asked for.
type Clock struct {
	mu    sync.Mutex
	Waits []time.Duration
}

// Sleep remembers a wait.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Waits = append(c.Waits, d)
	return context.Cause(ctx)
}

// Policy is the default policy by this clock, without chance.
func (c *Clock) Policy() spark.RetryPolicy {
	policy := spark.DefaultRetry()
	policy.Sleep, policy.Random = c.Sleep, func() float64 { return 0.5 }
	return policy
}

// Dial connects to a scripted server, with a clock that never waits.
func Dial(t *testing.T, server *sparktest.Server, opts ...spark.Option) *spark.Session {
	t.Helper()
	opts = append([]spark.Option{spark.WithRetry(new(Clock).Policy()), spark.WithUserID("tester")}, opts...)
	session, err := spark.Dial(t.Context(), server.URL(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
	return session
}

// OperationIDs are the operations that ExecutePlan was sent for, in order.
func OperationIDs(server *sparktest.Server) []string {
	var ids []string
	for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](server) {
		ids = append(ids, request.GetOperationId())
	}
	return ids
}
