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
	cut    chan struct{} // closed to cut the network
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

// throughNetwork is the URL of the database behind a network that can be cut. Once it is cut, a connected client hears
// nothing of the database.
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

// pass forwards bytes until the network is cut. From then on it does not even forward that a connection has ended.
func (d *database) pass(t *testing.T, to, from net.Conn) {
	for {
		buffer := make([]byte, 4096)
		n, err := from.Read(buffer)
		select {
		case <-d.cut:
			<-t.Context().Done()
			return
		default:
		}
		if n > 0 {
			to.Write(buffer[:n])
		}
		if err != nil {
			if err == io.EOF {
				to.Close()
			}
			return
		}
	}
}

// turn is the time in which a submit may act. It does nothing with it.
type turn struct {
	mayAct   func() error
	locked   time.Time // when it got the lock
	acts     time.Time
	stop     func()
	finished <-chan error
}

// take starts another submit, and returns when it has the lock and may act.
func take(t *testing.T, c Config, postgres string) *turn {
	t.Helper()
	r, err := newRunTracker(c, &election.Installation{})
	done(t, err)
	t.Cleanup(r.close)
	ctx, stop := context.WithCancel(t.Context())
	finished := make(chan error, 1)
	this := &turn{stop: stop, finished: finished}
	acting := make(chan func() error)
	becomeHolder := func(ctx context.Context, postgresStart string, mayAct func() error) error {
		this.locked = time.Now()
		return r.becomeHolder(ctx, postgresStart, mayAct)
	}
	go func() {
		finished <- whileHoldingLease(ctx, postgres, func() {}, becomeHolder, func(ctx context.Context, mayAct func() error) error {
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

// TestOneActsWhenPostgreSQLIsRestarted restarts PostgreSQL while the submit that has the lock is cut off. PostgreSQL gives
// the lock to another submit at once, and the first still trusts the last answer of PostgreSQL.
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
	quick("the connection of the previous holder ended").end(t)
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
