package ledger

import (
	"context"
	"fmt"
	"time"
)

// within does what takes no longer than limit.
func within(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return do(ctx)
}

// whileMoving does what may take any time, as long as it moves: it is ended when moved was not called for limit.
func whileMoving(ctx context.Context, limit time.Duration, do func(ctx context.Context, moved func()) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(limit, func() { cancel(fmt.Errorf("nothing came for %s", limit)) })
	defer silence.Stop()
	if err := do(ctx, func() { silence.Reset(limit) }); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	return nil
}
