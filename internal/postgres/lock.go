package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// lockEvery is how often who waits for a lock asks for it.
	lockEvery = time.Second
	// lockPatience bounds one question, so that a dead connection is noticed.
	lockPatience = time.Minute
)

// Lock blocks until conn holds the advisory lock of that key, which one connection to a database can hold. Where another
// holds it, Lock calls waiting, once. The lock goes with the connection. No privilege is needed.
func Lock(ctx context.Context, conn *pgx.Conn, key int64, waiting func()) error {
	ticker := time.NewTicker(lockEvery)
	defer ticker.Stop()
	for first := true; ; first = false {
		asking, cancel := context.WithTimeout(ctx, lockPatience)
		var locked bool
		err := conn.QueryRow(asking, "SELECT pg_try_advisory_lock($1)", key).Scan(&locked)
		cancel()
		if err != nil {
			return fmt.Errorf("ask PostgreSQL for the lock: %w", err)
		}
		if locked {
			return nil
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
