package ledger

import (
	"context"
	"fmt"
	"time"
)

// withTimeout calls do with a context that ends after limit.
func withTimeout(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return do(ctx)
}

// withIdleTimeout calls do with a context that ends when do has not called progressed for limit. As long as do calls
// it, do may take any time.
func withIdleTimeout(ctx context.Context, limit time.Duration, do func(ctx context.Context, progressed func()) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(limit, func() { cancel(fmt.Errorf("nothing came for %s", limit)) })
	defer idle.Stop()
	if err := do(ctx, func() { idle.Reset(limit) }); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	return nil
}
