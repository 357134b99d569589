package sparkjob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"realtime-election/internal/postgres"
)

const (
	// lockKey is the advisory lock of the one submit that acts: "submit" in ASCII.
	lockKey int64 = 0x7375626d6974
	// askEvery is how often the holder asks PostgreSQL whether it is there, and answerWithin how long it waits for the answer.
	askEvery, answerWithin = time.Second, 5 * time.Second
	// trust is how long the holder acts on an answer. It is shorter than keeps, after which PostgreSQL takes the lock from
	// a holder that it hears nothing of: one that is stopped, or behind a network that is cut.
	trust = 10 * time.Second
	keeps = "20s"
)

// errLost ends what only the holder of the lock may do.
var errLost = errors.New("the lock in PostgreSQL is lost")

// term is the time in which this submit is the one that acts: until PostgreSQL does not answer any more on the connection
// that holds the lock.
type term struct {
	answered atomic.Pointer[moment] // when the last question was asked that was answered
	over     atomic.Bool
	every    time.Duration // of the questions; 0 means askEvery
}

// moment is a time by both clocks of the machine: the monotonic one stands still while the machine is suspended, and the
// one on the wall may be set back.
type moment struct{ monotonic, wall time.Time }

func now() moment {
	at := time.Now()
	return moment{at, at.Round(0)}
}

// since is how long ago a moment is, by the clock that says more.
func (m moment) since(before *moment) time.Duration {
	return max(m.monotonic.Sub(before.monotonic), m.wall.Sub(before.wall))
}

// alone returns errLost unless PostgreSQL has confirmed lately that this submit is the one that acts. Whoever was stopped
// for a while learns it here before anything else has told it.
func (t *term) alone() error {
	if t.over.Load() {
		return errLost
	}
	if silence := now().since(t.answered.Load()); silence > trust {
		return fmt.Errorf("%w: PostgreSQL has not answered for %s", errLost, silence.Round(time.Second))
	}
	return nil
}

// hold calls act with a context that ends when ask, which is called every second, fails. It returns errLost then, and
// else what act returns.
func (t *term) hold(ctx context.Context, ask func(context.Context) error, act func(context.Context) error) error {
	if err := t.confirm(ctx, ask); err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	ctx, lose := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		ticker := time.NewTicker(cmp.Or(t.every, askEvery))
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if err := t.confirm(ctx, ask); err != nil {
				if ctx.Err() == nil {
					t.over.Store(true)
					lose(fmt.Errorf("%w: %w", errLost, err))
				}
				return
			}
		}
	}()
	err := act(ctx)
	lose(nil)
	<-watched
	if cause := context.Cause(ctx); errors.Is(cause, errLost) {
		return cause
	}
	return err
}

// confirm asks, and notes when it did if there was an answer.
func (t *term) confirm(ctx context.Context, ask func(context.Context) error) error {
	at := now()
	asking, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := ask(asking); err != nil {
		return err
	}
	t.answered.Store(&at)
	return nil
}

// whileAlone blocks until this submit is the only one, and then calls act until the lock is lost. A standby waits here;
// waiting is called before it does. succeed is called with the lock, before anything is done: it blocks for as long as the
// holder before may act. It is told which start of PostgreSQL gave the lock, and asks alone whether it still has it.
func whileAlone(ctx context.Context, url string, waiting func(), succeed func(ctx context.Context, server string, alone func() error) error,
	act func(context.Context, *term) error,
) error {
	connecting, cancel := context.WithTimeout(ctx, time.Minute)
	conn, err := postgres.Connect(connecting, url)
	cancel()
	if err != nil {
		return err
	}
	defer func() { // and with it goes the lock
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(closing) // the error of a connection that is gone says nothing
	}()
	if _, err := conn.Exec(ctx, "SET idle_session_timeout = '"+keeps+"'"); err != nil {
		return fmt.Errorf("bound how long PostgreSQL keeps the lock: %w", err)
	}
	if err := postgres.Lock(ctx, conn, lockKey, waiting); err != nil {
		return fmt.Errorf("become the one submit: %w", err)
	}
	var server string
	if err := conn.QueryRow(ctx, "SELECT extract(epoch FROM pg_postmaster_start_time())::text").Scan(&server); err != nil {
		return fmt.Errorf("ask PostgreSQL when it was started: %w", err)
	}
	alone := func() error {
		if err := conn.Ping(ctx); err != nil {
			return fmt.Errorf("%w: %w", errLost, err)
		}
		return nil
	}
	if err := succeed(ctx, server, alone); err != nil {
		return err
	}
	t := &term{}
	return t.hold(ctx, conn.Ping, func(ctx context.Context) error { return act(ctx, t) })
}
