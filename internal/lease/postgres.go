package lease

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"realtime-election/internal/postgres"
)

const (
	// tryEvery is how often a process that waits for the lease asks for it.
	tryEvery = time.Second
	// waiterTimeout bounds connecting, and each question of a waiting process, so that it notices a dead connection.
	waiterTimeout = time.Minute
	// evictEvery is how often Join ends the connections of previous holders, until there are none.
	evictEvery = 100 * time.Millisecond
)

// Take blocks until this process holds the lease of a name, of 1 to 8 bytes, in the database of url. If another process holds it,
// Take calls waiting once. The error is one of PostgreSQL (a *pgconn.PgError, or of the network) or of ctx, never an ErrLost. A
// role of the election may take its own lease only, if PostgreSQL's operator let init see to that (package postgres).
//
// The lease has a connection of its own, which Release closes.
func Take(ctx context.Context, url, name string, waiting func()) (*Lease, error) {
	key, err := key(name)
	if err != nil {
		return nil, err
	}
	connecting, cancel := context.WithTimeout(ctx, waiterTimeout)
	conn, err := postgres.Connect(connecting, url)
	cancel()
	if err != nil {
		return nil, err
	}
	l := New(askEvery, nil)
	l.name, l.conn, l.ask = name, conn, l.ping
	if err := l.await(ctx, key, waiting); err != nil {
		l.Release(ctx)
		return nil, err
	}
	return l, nil
}

// key is the number of the lock for a name: the bytes of the name. pg_locks has it in two halves, classid and objid.
func key(name string) (int64, error) {
	if name == "" || len(name) > 8 {
		return 0, fmt.Errorf("the name of a lease is %q; choose 1 to 8 bytes", name)
	}
	var number [8]byte
	copy(number[8-len(name):], name)
	return int64(binary.BigEndian.Uint64(number[:])), nil
}

func (l *Lease) await(ctx context.Context, key int64, waiting func()) error {
	if _, err := l.conn.Exec(ctx, fmt.Sprintf("SET idle_session_timeout = %d", Silence.Milliseconds())); err != nil {
		return fmt.Errorf("bound how long PostgreSQL keeps the lock: %w", err)
	}
	// Where init could take PostgreSQL's own functions from a role of the election, it has try_lease only.
	const lockFunction = "SELECT CASE WHEN has_function_privilege('pg_try_advisory_lock(bigint)', 'EXECUTE') THEN 'pg_try_advisory_lock' ELSE 'try_lease' END"
	if err := l.conn.QueryRow(ctx, lockFunction).Scan(&l.lockFunction); err != nil {
		return fmt.Errorf("ask PostgreSQL how to take the lock: %w", err)
	}
	if err := l.lock(ctx, key, waiting); err != nil {
		return fmt.Errorf("take the lease %s: %w", l.name, err)
	}
	if err := l.conn.QueryRow(ctx, "SELECT extract(epoch FROM pg_postmaster_start_time())::text").Scan(&l.PostgresStart); err != nil {
		return fmt.Errorf("ask PostgreSQL when it was started: %w", err)
	}
	return nil
}

func (l *Lease) lock(ctx context.Context, key int64, waiting func()) error {
	ticker := time.NewTicker(tryEvery)
	defer ticker.Stop()
	for first := true; ; first = false {
		at := now()
		asking, cancel := context.WithTimeout(ctx, waiterTimeout)
		var locked bool
		err := l.conn.QueryRow(asking, "SELECT "+l.lockFunction+"($1)", key).Scan(&locked)
		cancel()
		if err != nil {
			return fmt.Errorf("ask PostgreSQL for the lock: %w", err)
		}
		if locked {
			l.confirmed.Store(&at)
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

// ping asks on the connection that holds the lock. The lock is held while the connection lives.
func (l *Lease) ping(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn.Ping(ctx)
}

// Join makes conn, of the same database and role, the connection on which the holder works. It ends such connections of previous
// holders. A holder may have been stopped within a transaction or a COPY, which no timeout of PostgreSQL ends. When Join returns,
// all transactions of previous holders are committed or rolled back, and no more follow. The next holder ends conn in the same way.
// Join returns an ErrLost if the lease is lost, and otherwise PostgreSQL's error.
func (l *Lease) Join(ctx context.Context, conn *pgx.Conn) error {
	key, err := key(l.name)
	if err != nil {
		return err
	}
	high, low := int32(key>>32), int32(key) // a lock of two numbers differs from a lock of one
	ticker := time.NewTicker(evictEvery)
	defer ticker.Stop()
	for {
		if err := l.evict(ctx, high, low); err != nil {
			return err
		}
		var joined bool
		if err := conn.QueryRow(ctx, "SELECT "+l.lockFunction+"($1::int, $2::int)", high, low).Scan(&joined); err != nil {
			return fmt.Errorf("join the lock: %w", err)
		}
		if joined {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// evict ends the connections that have joined. It uses the connection that holds the lock, so that only the holder can do it.
func (l *Lease) evict(ctx context.Context, high, low int32) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	asking, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	const query = `SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid::bigint = $1 AND objid::bigint = $2
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	if _, err := l.conn.Exec(asking, query, int64(uint32(high)), int64(uint32(low))); err != nil {
		if l.conn.IsClosed() {
			return fmt.Errorf("%w: %w", ErrLost, err)
		}
		return fmt.Errorf("end the connection of the previous holder: %w", err)
	}
	return nil
}

// Release gives the lease back, and takes at most a second. From then on Held returns an ErrLost. ctx may have ended.
func (l *Lease) Release(ctx context.Context) {
	l.lost.Store(true)
	if l.conn == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	l.conn.Close(closing) // this releases the lock; an error means that the connection has already ended
}
