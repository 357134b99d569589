package connect_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"realtime-election/sparkjob/connect"
	"realtime-election/sparkjob/connect/connecttest"
	"realtime-election/sparkjob/connect/wire"
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

func (c *clock) policy() connect.RetryPolicy {
	policy := connect.DefaultRetry()
	policy.Sleep, policy.Random = c.sleep, func() float64 { return 0.5 }
	return policy
}

// dial connects to a scripted server, with a clock that never waits.
func dial(t *testing.T, server *connecttest.Server, opts ...connect.Option) *connect.Session {
	t.Helper()
	opts = append([]connect.Option{connect.WithRetry(new(clock).policy()), connect.WithUserID("tester")}, opts...)
	session, err := connect.Dial(t.Context(), server.URL(), opts...)
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
func operationIDs(server *connecttest.Server) []string {
	var ids []string
	for _, request := range connecttest.Sent[*wire.ExecutePlanRequest](server) {
		ids = append(ids, request.GetOperationId())
	}
	return ids
}
