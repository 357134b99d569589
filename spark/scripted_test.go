package spark_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"realtime-election/spark"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// clock is a policy's clock that never waits and remembers what it was asked for.
type clock struct {
	mu    sync.Mutex
	waits []time.Duration
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = append(c.waits, d)
	return context.Cause(ctx)
}

func (c *clock) policy() spark.RetryPolicy {
	policy := spark.DefaultRetry()
	policy.Sleep, policy.Random = c.sleep, func() float64 { return 0.5 }
	return policy
}

// dial connects to a scripted server, with a clock that never waits.
func dial(t *testing.T, server *sparktest.Server, opts ...spark.Option) *spark.Session {
	t.Helper()
	opts = append([]spark.Option{spark.WithRetry(new(clock).policy()), spark.WithUserID("tester")}, opts...)
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

// operationIDs are the operations that ExecutePlan was sent for, in order.
func operationIDs(server *sparktest.Server) []string {
	var ids []string
	for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](server) {
		ids = append(ids, request.GetOperationId())
	}
	return ids
}
