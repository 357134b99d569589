package sparkjob

import (
	"context"

	"realtime-election/internal/lease"
)

// leaseName names the lock in PostgreSQL of the one submit that acts.
const leaseName = "submit"

// whileHoldingLease blocks until this submit is the only one, and then calls act until the lock is lost. A standby waits here;
// waiting is called before it does. succeed is called with the lock, before anything is done: it blocks for as long as the
// holder before may act. It is told which start of PostgreSQL gave the lock, and asks mayAct whether it still has it.
func whileHoldingLease(ctx context.Context, url string, waiting func(), succeed func(ctx context.Context, server string, mayAct func() error) error,
	act func(ctx context.Context, mayAct func() error) error,
) error {
	turn, err := lease.Take(ctx, url, leaseName, waiting)
	if err != nil {
		return err
	}
	defer turn.Release(ctx)
	if err := succeed(ctx, turn.Server, func() error { return turn.Confirm(ctx) }); err != nil {
		return err
	}
	return turn.Hold(ctx, func(ctx context.Context) error { return act(ctx, turn.Held) })
}
