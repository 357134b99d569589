// Package lease lets one of several processes act. The process that acts holds an advisory lock in PostgreSQL, and the
// others wait for it.
//
// A lock alone is not enough. PostgreSQL leaves it to a process that is stopped, for as long as the connection lives, and
// takes it from a process behind a broken network, which believes that it still has it. So both sides bound the silence
// between them. The holder asks every second, and acts only while PostgreSQL has answered within Trust. PostgreSQL ends a
// connection on which it has heard nothing for Silence, which is longer. A process that is stopped, and wakes later, learns
// from Held, by its own clocks, that it may not act any more. Held is checked before an act: an act that was begun by then
// must do no harm when it ends late.
//
// A PostgreSQL that is started again has forgotten the lock, and gives it away at once. If its holder could do harm, wait
// for Handover whenever Server is not what it was in the lease before.
//
//	held, err := lease.Take(ctx, url, "ledger", waiting) // blocks while another holds it
//	…
//	defer held.Release(ctx)
//	err = held.Hold(ctx, func(ctx context.Context) error { // ctx ends with the lease
//		for {
//			if err := held.Held(); err != nil {
//				return err
//			}
//			act(ctx)
//		}
//	})
//	if errors.Is(err, lease.ErrLost) {
//		// another may act: take it again
//	}
package lease

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// Trust is how long a holder acts on an answer of PostgreSQL.
	Trust = 10 * time.Second
	// Silence is how long PostgreSQL hears nothing of a holder before it gives the lease to another.
	Silence = 20 * time.Second
	// Handover is how long a new holder waits for one that may not know yet that it has lost the lease: for as long as that
	// one trusts an answer, and for what it has begun by then.
	Handover = Trust + askEvery
	// askEvery is how often the holder asks, and answerWithin how long it waits for the answer.
	askEvery, answerWithin = time.Second, 5 * time.Second
)

// ErrLost is what every error is that tells that the lease is lost: that of Held, Confirm and Hold. Another process may act
// by then. Nothing is to be mended; take the lease again.
var ErrLost = errors.New("the lock in PostgreSQL is lost")

// Lease is the time in which this process is the one that acts. Its methods may be called by several goroutines.
type Lease struct {
	// Server tells one start of the PostgreSQL that gave the lease from another.
	PostgresStart string

	ask       func(context.Context) error // whether the lease is held
	interval  time.Duration               // from one question to the next
	confirmed atomic.Pointer[moment]      // when the last question was asked that was answered
	lost      atomic.Bool

	name string
	mu   sync.Mutex // one question at a time
	conn *pgx.Conn  // nil where ask does without
}

// New returns a lease which is held for as long as ask, which Hold calls at this interval, says so. It is for tests of what
// is done under a lease; programs call Take.
func New(interval time.Duration, ask func(context.Context) error) *Lease {
	l := &Lease{ask: ask, interval: interval}
	at := now()
	l.confirmed.Store(&at)
	return l
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

// Held returns nil if PostgreSQL has confirmed the lease within Trust, and otherwise an ErrLost. It does not block. Call it
// before each act: a process that was stopped for a while learns here that the lease is lost, before anything else tells it.
func (l *Lease) Held() error {
	if l.lost.Load() {
		return ErrLost
	}
	if silence := now().since(l.confirmed.Load()); silence > Trust {
		return fmt.Errorf("%w: PostgreSQL has not answered for %s", ErrLost, silence.Round(time.Second))
	}
	return nil
}

// Confirm asks PostgreSQL, for at most 5 s, and returns an ErrLost unless it answers that the lease is held now.
func (l *Lease) Confirm(ctx context.Context) error {
	at := now()
	asking, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := l.ask(asking); err != nil {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	l.confirmed.Store(&at)
	return nil
}

// Hold calls act with a context that ends when the lease is lost, and goes on confirming the lease until act has returned,
// also where ctx ends first. It returns an ErrLost if the lease was lost, and otherwise what act returns.
func (l *Lease) Hold(ctx context.Context, act func(context.Context) error) error {
	if err := l.Confirm(ctx); err != nil {
		return err
	}
	acting, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	confirming, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(l.interval)
		defer ticker.Stop()
		for {
			select {
			case <-confirming.Done():
				return
			case <-ticker.C:
			}
			if err := l.Confirm(confirming); err != nil {
				if confirming.Err() == nil {
					l.lost.Store(true)
					lose(err)
				}
				return
			}
		}
	}()
	err := act(acting)
	stop()
	<-ended
	if cause := context.Cause(acting); errors.Is(cause, ErrLost) {
		return cause
	}
	return err
}
