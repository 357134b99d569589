// Package lease lets one of several processes act. The process that acts holds an advisory lock in PostgreSQL, and the
// others wait for it.
//
// A lock alone is not enough. A process that is stopped keeps the lock for as long as its connection lives. A process behind a
// broken network loses the lock, and believes that it still has it. So both sides bound the silence between them. The holder asks
// every second, and acts only if PostgreSQL has answered within Trust. PostgreSQL ends a connection on which it has heard nothing
// for Silence, which is longer. When a stopped process wakes, Held tells it, by its own clocks, that it may no longer act. Held is
// checked before each act. An act that has begun by then may end late, so it must do no harm.
//
// A PostgreSQL that is started again has forgotten the lock, and gives it away at once. If the previous holder could do harm, wait
// for Handover whenever PostgresStart differs from that of the previous lease.
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
//		// another process may act: take the lease again
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
	// Silence is how long PostgreSQL waits for a message of the holder before it gives the lease to another.
	Silence = 20 * time.Second
	// Handover is how long a new holder waits for a previous one that may not know yet that it has lost the lease: for as long
	// as that one trusts an answer, and a second for the act that it has begun.
	Handover = Trust + askEvery
	// askEvery is how often the holder asks, and answerWithin how long it waits for the answer.
	askEvery, answerWithin = time.Second, 5 * time.Second
)

// ErrLost is the error of Held, Confirm and Hold if the lease is lost. Another process may act by then. Take the lease again.
var ErrLost = errors.New("the lock in PostgreSQL is lost")

// Lease is the right to act. Several goroutines may call its methods.
type Lease struct {
	// PostgresStart is when the PostgreSQL that gave the lease was started, by its clock.
	PostgresStart string

	ask       func(context.Context) error // whether the lease is held
	interval  time.Duration               // from one question to the next
	confirmed atomic.Pointer[moment]      // when the last question was asked that has been answered
	lost      atomic.Bool

	name         string
	lockFunction string     // of PostgreSQL, which takes the lock
	mu           sync.Mutex // one question at a time
	conn         *pgx.Conn  // nil if ask needs none
}

// New returns a lease that is held for as long as ask returns nil. Hold calls ask at this interval. New is for tests of acts under a
// lease; programs call Take.
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

// since is the time from before to m, by the clock that measures more.
func (m moment) since(before *moment) time.Duration {
	return max(m.monotonic.Sub(before.monotonic), m.wall.Sub(before.wall))
}

// Held returns nil if PostgreSQL has confirmed the lease within Trust, and otherwise an ErrLost. It does not block. Call it before
// each act: it is the first to tell a process that was stopped for a while that the lease is lost.
func (l *Lease) Held() error {
	if l.lost.Load() {
		return ErrLost
	}
	if silence := now().since(l.confirmed.Load()); silence > Trust {
		return fmt.Errorf("%w: PostgreSQL has not answered for %s", ErrLost, silence.Round(time.Second))
	}
	return nil
}

// Confirm asks PostgreSQL whether the lease is held now, and waits at most 5 s for the answer. It returns an ErrLost unless the
// answer is yes.
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

// Hold calls act with a context that ends when the lease is lost. It confirms the lease until act has returned, even after ctx has
// ended. It returns an ErrLost if the lease was lost, and otherwise the error of act.
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
