//go:build services

package connect_test

import (
	"context"
	"errors"
	"testing"

	"realtime-election/sparkjob/connect"
)

// TestInterruptTagEndsWhatCarriesIt runs a query and a streaming query under a tag beside two without it.
func TestInterruptTagEndsWhatCarriesIt(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	nightly := connect.WithTag(ctx, "nightly")
	stream := func(ctx context.Context, name string) *connect.StreamingQuery {
		return must(session.ReadStream().Format("rate").Load().WriteStream().Format("noop").QueryName(name).Start(ctx))(t)
	}
	tagged, other := stream(nightly, "tagged"), stream(ctx, "other")
	slow := must(session.SQL(ctx, "SELECT count(*) FROM range(0, 1000000000000)"))(t)
	count := func(ctx context.Context) <-chan error {
		ended := make(chan error, 1)
		go func() {
			_, err := slow.Collect(ctx)
			ended <- err
		}()
		return ended
	}
	interrupted := func(count <-chan error, interrupt func(context.Context) ([]connect.OperationID, error)) {
		for {
			must(interrupt(ctx))(t) // finds the count once that has arrived
			select {
			case err := <-count:
				var e *connect.Error
				if !errors.As(err, &e) || e.Class != "OPERATION_CANCELED" {
					t.Errorf("the count ended with %v, expected OPERATION_CANCELED", err)
				}
				return
			default:
			}
		}
	}
	taggedCount, otherCount := count(nightly), count(ctx)
	interrupted(taggedCount, func(ctx context.Context) ([]connect.OperationID, error) { return session.InterruptTag(ctx, "nightly") })
	must(0, tagged.AwaitTermination(ctx))(t)
	if !must(other.Status(ctx))(t).Active {
		t.Error("the streaming query without the tag was stopped")
	}
	select {
	case err := <-otherCount:
		t.Errorf("the count without the tag ended with %v", err)
	default:
		interrupted(otherCount, session.InterruptAll)
	}
}
