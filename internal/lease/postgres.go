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
	// patience bounds connecting, and each question of a process that waits, so that a dead connection is noticed.
	patience = time.Minute
	// evictEvery is how often Join ends the connections of a holder before, until there are none.
	evictEvery = 100 * time.Millisecond
)

// Take blocks until this process is the only one that holds the lease of that name, of 1 to 8 bytes, in the database of url.
// Where another holds it, Take calls waiting, once. An error is that of PostgreSQL (*pgconn.PgError, or of the network), or
// that of ctx; none is an ErrLost. No privilege is needed.
//
// The lease has a connection of its own, which Release closes.
func Take(ctx context.Context, url, name string, waiting func()) (*Lease, error) {
	key, err := key(name)
	if err != nil {
		return nil, err
	}
	connecting, cancel := context.WithTimeout(ctx, patience)
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

// key is the number of the lock of a name: its bytes. It stands in pg_locks as two halves, classid and objid.
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
	if err := l.lock(ctx, key, waiting); err != nil {
		return fmt.Errorf("become the one %s: %w", l.name, err)
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
		asking, cancel := context.WithTimeout(ctx, patience)
		var locked bool
		err := l.conn.QueryRow(asking, "SELECT pg_try_advisory_lock($1)", key).Scan(&locked)
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

// ping asks on the connection that holds the lock: while that lives, the lock is held.
func (l *Lease) ping(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn.Ping(ctx)
}

// Join makes conn the one connection on which the holder works, of the same database and role. It ends those of holders
// before, which may have been stopped within a transaction, or while they copy, where no timeout of PostgreSQL's ends them.
// When it returns, whatever they had begun has been committed or rolled back, and nothing follows. When another takes the
// lease, conn is ended in the same way. Join returns an ErrLost if the lease is lost, or else PostgreSQL's error.
func (l *Lease) Join(ctx context.Context, conn *pgx.Conn) error {
	key, err := key(l.name)
	if err != nil {
		return err
	}
	high, low := int32(key>>32), int32(key) // a lock of two numbers is another than that of one
	ticker := time.NewTicker(evictEvery)
	defer ticker.Stop()
	for {
		if err := l.evict(ctx, high, low); err != nil {
			return err
		}
		var joined bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1::int, $2::int)", high, low).Scan(&joined); err != nil {
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

// evict ends the connections that have joined. It asks on the connection that holds the lock, so that only the holder can.
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
		return fmt.Errorf("end the connection of the holder before: %w", err)
	}
	return nil
}

// Release gives the lease back, for at most a second; Held is an ErrLost from then on. ctx may be over.
func (l *Lease) Release(ctx context.Context) {
	l.lost.Store(true)
	if l.conn == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	l.conn.Close(closing) // and with it goes the lock; the error of a connection that is gone says nothing
}
