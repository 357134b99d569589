package lease_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"realtime-election/internal/lease"
)

// A process takes the lease, acts, and takes the lease again when it has lost it.
func Example() {
	act := func(ctx context.Context, url string) error {
		held, err := lease.Take(ctx, url, "example", func() { log.Print("another acts; waiting") })
		if err != nil {
			return err // PostgreSQL is away, or ctx has ended
		}
		defer held.Release(ctx)
		return held.Hold(ctx, func(ctx context.Context) error {
			for range 3 {
				if err := held.Held(); err != nil {
					return err
				}
				// One act, which ends when ctx does.
			}
			return nil
		})
	}
	err := act(context.Background(), "postgres://127.0.0.1:1/nowhere")
	fmt.Println("done:", err == nil)
	fmt.Println("another may act:", errors.Is(err, lease.ErrLost))
	// Output:
	// done: false
	// another may act: false
}

// A test decides whether the lease is held.
func ExampleNew() {
	var broken error
	held := lease.New(time.Second, func(context.Context) error { return broken })
	fmt.Println(held.Confirm(context.Background()))

	broken = errors.New("connection reset")
	err := held.Hold(context.Background(), func(ctx context.Context) error {
		panic("nothing is done without the lease")
	})
	fmt.Println(err)
	fmt.Println(errors.Is(err, lease.ErrLost))
	// Output:
	// <nil>
	// the lock in PostgreSQL is lost: connection reset
	// true
}
