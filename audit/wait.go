package audit

import (
	"context"
	"time"

	"realtime-election/internal/inspect"
)

// awaitEnd waits until all is sent, counted and stored.
func awaitEnd(ctx context.Context, c Config) error {
	for {
		done, err := Sent(ctx, c.Kafka)
		if err == nil && done {
			done, err = inspect.CountedAndStored(ctx, c.Kafka)
		}
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
