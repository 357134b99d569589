package sparkjob

import (
	"context"

	"realtime-election/internal/lease"
)

// leaseName is the name of the lease that lets one submit act.
const leaseName = "submit"

// whileHoldingLease blocks until this submit has the lease, calls becomeHolder and then act, and returns when act returns or
// the lease is lost. It calls waiting if another submit has the lease. becomeHolder blocks for as long as the previous holder
// may act; postgresStart is lease.Lease.PostgresStart, and mayAct tells whether this submit still has the lease.
func whileHoldingLease(ctx context.Context, url string, waiting func(), becomeHolder func(ctx context.Context, postgresStart string, mayAct func() error) error,
	act func(ctx context.Context, mayAct func() error) error,
) error {
	held, err := lease.Take(ctx, url, leaseName, waiting)
	if err != nil {
		return err
	}
	defer held.Release(ctx)
	if err := becomeHolder(ctx, held.PostgresStart, func() error { return held.Confirm(ctx) }); err != nil {
		return err
	}
	return held.Hold(ctx, func(ctx context.Context) error { return act(ctx, held.Held) })
}
