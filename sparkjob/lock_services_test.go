//go:build services

package sparkjob

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"realtime-election/election"
	"realtime-election/internal/lease"
	"realtime-election/local"
)

// database is a PostgreSQL of the test's own, which can be started again, and whose network can be cut.
type database struct {
	*local.Process
	config local.Config
	cut    chan struct{} // closed once nothing passes any more
}

func newDatabase(t *testing.T) *database {
	t.Helper()
	d := &database{config: local.Config{Data: t.TempDir()}, cut: make(chan struct{})}
	d.start(t)
	t.Cleanup(func() {
		d.Stop(context.Background())
		if err := local.RemoveDatabase(d.config.Data); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *database) start(t *testing.T) {
	t.Helper()
	var err error
	d.Process, err = local.StartPostgreSQL(t.Context(), d.config)
	done(t, err)
}

func (d *database) restart(t *testing.T) {
	t.Helper()
	done(t, d.Stop(t.Context()))
	d.start(t)
}

// throughNetwork is the URL of the database behind a network that can be cut: a connected client hears nothing of the database then.
func (d *database) throughNetwork(t *testing.T) string {
	t.Helper()
	at, err := url.Parse(d.Address())
	done(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	done(t, err)
	server := at.Host
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			conn, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			context.AfterFunc(t.Context(), func() { client.Close(); conn.Close() })
			open.Go(func() { d.pass(t, conn, client) })
			open.Go(func() { d.pass(t, client, conn) })
		}
	})
	t.Cleanup(func() { listener.Close(); open.Wait() })
	at.Host = listener.Addr().String()
	return at.String()
}

// pass hands on what comes, until the network is cut: not even that a connection has ended is told then.
func (d *database) pass(t *testing.T, to, from net.Conn) {
	for {
		some := make([]byte, 4096)
		n, err := from.Read(some)
		select {
		case <-d.cut:
			<-t.Context().Done()
			return
		default:
		}
		if n > 0 {
			to.Write(some[:n])
		}
		if err != nil {
			if err == io.EOF {
				to.Close()
			}
			return
		}
	}
}

// turn is a submit that acts, and does nothing.
type turn struct {
	mayAct   func() error
	locked   time.Time // when it got the lock
	acts     time.Time
	stop     func()
	finished <-chan error
}

// take has another submit get the lock, and returns when it acts.
func take(t *testing.T, c Config, postgres string) *turn {
	t.Helper()
	r, err := newRunTracker(c, &election.Installation{})
	done(t, err)
	t.Cleanup(r.close)
	ctx, stop := context.WithCancel(t.Context())
	finished := make(chan error, 1)
	this := &turn{stop: stop, finished: finished}
	acting := make(chan func() error)
	succeed := func(ctx context.Context, server string, mayAct func() error) error {
		this.locked = time.Now()
		return r.succeed(ctx, server, mayAct)
	}
	go func() {
		finished <- whileHoldingLease(ctx, postgres, func() {}, succeed, func(ctx context.Context, mayAct func() error) error {
			r.mayAct = mayAct
			defer r.giveBack(ctx)
			acting <- mayAct
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	select {
	case this.mayAct = <-acting:
		this.acts = time.Now()
	case err := <-finished:
		t.Fatal("it did not get the lock: ", err)
	}
	return this
}

func (s *turn) end(t *testing.T) {
	t.Helper()
	s.stop()
	<-s.finished
}

// TestOneActsWhenPostgreSQLIsRestarted restarts it while the submit that has the lock is cut off: PostgreSQL gives the lock
// to another at once, and the first trusts its last answer.
func TestOneActsWhenPostgreSQLIsRestarted(t *testing.T) {
	_, c := newElection(t)
	d := newDatabase(t)
	first := take(t, c, d.throughNetwork(t))
	close(d.cut)
	d.restart(t)
	second := take(t, c, d.Address())
	if err := first.mayAct(); err == nil {
		t.Errorf("two act, %s after the second got the lock", second.acts.Sub(second.locked))
	}
	if err := second.mayAct(); err != nil {
		t.Errorf("the second does not act: %v", err)
	}
	first.end(t)
	second.end(t)
}

// TestTakingOverIsQuickWhereNobodyElseCanAct has a submit stop, another lose its connection, and PostgreSQL start again under
// the third.
func TestTakingOverIsQuickWhereNobodyElseCanAct(t *testing.T) {
	_, c := newElection(t)
	d := newDatabase(t)
	quick := func(what string) *turn {
		t.Helper()
		of := take(t, c, d.Address())
		if took := of.acts.Sub(of.locked); took > lease.Handover/2 {
			t.Errorf("%s: it acts %s after it got the lock", what, took)
		}
		return of
	}
	quick("nobody had the lock").end(t)
	d.restart(t)
	lost := quick("it was given back, and PostgreSQL started again")
	terminateHolder(t, d.Address())
	<-lost.finished
	quick("the connection of the one before ended").end(t)
}

// terminateHolder ends the connection that holds the lock.
func terminateHolder(t *testing.T, address string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	done(t, err)
	defer conn.Close(context.Background())
	ended, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
	done(t, err)
	if ended.RowsAffected() != 1 {
		t.Fatalf("%d connections hold a lock", ended.RowsAffected())
	}
}
