//go:build services

package lease_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"realtime-election/internal/lease"
	"realtime-election/internal/postgres"
	"realtime-election/local/localtest"
)

const (
	// asHolder is the variable that makes this program a holder, so that a test can stop it. Its value is PostgreSQL's URL.
	// asCopier is the same for a holder that stays within a COPY.
	asHolder, asCopier = "LEASE_TEST_HOLDER", "LEASE_TEST_COPIER"
	name               = "test"
	// takeover is the time in which another process gets the lease of a stopped holder. PostgreSQL waits for Silence, and the
	// other process asks every second. The rest is for a slow machine.
	takeover = lease.Silence + 4*time.Second
)

func TestMain(m *testing.M) {
	if url := os.Getenv(asHolder); url != "" {
		runHolder(url, act)
	}
	if url := os.Getenv(asCopier); url != "" {
		runHolder(url, func(ctx context.Context, held *lease.Lease) error { return copyForEver(ctx, held, url) })
	}
	localtest.Main(m)
}

// runHolder acts under the lease until the lease is lost, and prints what it does.
func runHolder(url string, act func(context.Context, *lease.Lease) error) {
	held, err := lease.Take(context.Background(), url, name, func() { fmt.Println("waits") })
	if err == nil {
		err = held.Hold(context.Background(), func(ctx context.Context) error { return act(ctx, held) })
	}
	fmt.Println("lost:", errors.Is(err, lease.ErrLost))
	os.Exit(0)
}

// acts is how often a holder acts before it stops itself.
const acts = 150

func act(ctx context.Context, held *lease.Lease) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	for n := 0; ; n++ {
		if n == acts {
			stopSelf()
		}
		if err := held.Held(); err != nil {
			return err
		}
		fmt.Println("acts")
		<-ticker.C
	}
}

// stopSelf stops this process, and returns once it has woken. The signal may stop another thread first, and this one a moment
// later, so it waits until the time has jumped.
func stopSelf() {
	began := time.Now()
	syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	for time.Since(began) < lease.Trust {
	}
}

// copyForEver changes a row, and then waits within a COPY for rows that never come.
func copyForEver(ctx context.Context, held *lease.Lease, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	if err := held.Join(ctx, conn); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE offsets SET next = next + 1"); err != nil {
			return err
		}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"copied"}, []string{"n"}, pgx.CopyFromFunc(func() ([]any, error) {
			fmt.Println("acts")
			<-ctx.Done()
			return nil, ctx.Err()
		}))
		return err
	})
}

// holder is a process that acts.
type holder struct {
	*exec.Cmd
	lines chan string // of its output
}

// newHolder starts a holder, and returns when it acts. The holder is killed when the test ends.
func newHolder(t *testing.T, as, url string) holder {
	t.Helper()
	h := holder{exec.Command(os.Args[0]), make(chan string, 100_000)}
	h.Env = append(os.Environ(), as+"="+url)
	h.Stderr = t.Output()
	out, err := h.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(h.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			h.lines <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		h.Process.Kill()
		<-read
		h.Wait()
	})
	if line := h.line(t); line != "acts" {
		t.Fatalf("the holder says %q", line)
	}
	return h
}

// line is the next line of the holder's output.
func (h holder) line(t *testing.T) string {
	t.Helper()
	select {
	case line := <-h.lines:
		return line
	case <-time.After(30 * time.Second):
		t.Fatal("the holder says nothing")
		return ""
	}
}

func (h holder) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := h.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// awaitStop waits until the holder is stopped.
func (h holder) awaitStop(t *testing.T) {
	t.Helper()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(h.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("it is not stopped: %#x (%v)", status, err)
	}
}

// wake wakes the holder. The test fails unless the holder first of all reports that the lease is lost.
func (h holder) wake(t *testing.T) {
	t.Helper()
	for {
		select {
		case <-h.lines: // from before the stop
			continue
		default:
		}
		break
	}
	h.signal(t, syscall.SIGCONT)
	if line := h.line(t); line != "lost: true" {
		t.Errorf("the one that has woken says first %q", line)
	}
}

// newDatabase makes a database with the tables of the test, and returns its URL.
func newDatabase(t *testing.T) string {
	t.Helper()
	server := localtest.PostgreSQL(t)
	admin := connect(t, server)
	database := fmt.Sprintf("lease_%d", time.Now().UnixNano())
	execute(t, admin, "CREATE DATABASE "+database)
	at := server[:strings.LastIndex(server, "/")+1] + database
	if _, query, found := strings.Cut(server, "?"); found {
		at += "?" + query
	}
	conn := connect(t, at)
	execute(t, conn, "CREATE TABLE offsets (next int)")
	execute(t, conn, "INSERT INTO offsets VALUES (0)")
	execute(t, conn, "CREATE TABLE copied (n int)")
	return at
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := postgres.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// take takes the lease, and returns how long that took and how often Take has called waiting.
func take(t *testing.T, url string) (held *lease.Lease, took time.Duration, waited int) {
	t.Helper()
	began := time.Now()
	held, err := lease.Take(t.Context(), url, name, func() { waited++ })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Release(context.Background()) })
	return held, time.Since(began), waited
}

func TestAnotherTakesTheLeaseOfAHolderThatIsStopped(t *testing.T) {
	t.Parallel() // it waits for PostgreSQL
	url := newDatabase(t)
	first := newHolder(t, asHolder, url)
	first.awaitStop(t)
	held, took, waited := take(t, url)
	t.Logf("another had the lease %s after the holder was stopped", took.Round(time.Millisecond))
	if took > takeover || waited != 1 {
		t.Errorf("it took %s, want at most %s; it was said %d times that it waits", took, takeover, waited)
	}
	first.wake(t)
	if err := held.Confirm(t.Context()); err != nil {
		t.Errorf("the one that has woken took it away: %v", err)
	}
}

func TestAnotherWorksWhereTheHolderWasStoppedWithinACopy(t *testing.T) {
	t.Parallel() // it waits for PostgreSQL
	url := newDatabase(t)
	first := newHolder(t, asCopier, url)
	first.signal(t, syscall.SIGSTOP)
	first.awaitStop(t)
	held, took, _ := take(t, url)
	conn := connect(t, url)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := held.Join(ctx, conn); err != nil {
		t.Fatal("the previous holder still works: ", err)
	}
	var next int
	if err := conn.QueryRow(ctx, "UPDATE offsets SET next = next + 10 RETURNING next").Scan(&next); err != nil || next != 10 {
		t.Errorf("the row is %d, want 10 (%v)", next, err)
	}
	t.Logf("another had the lease %s after the holder was stopped", took.Round(time.Millisecond))
	first.wake(t)
	if err := conn.Ping(t.Context()); err != nil {
		t.Errorf("the one that has woken ended the connection of the other: %v", err)
	}
}

// TestHolderThatIsKilledIsFollowedAtOnce kills the holder, so that PostgreSQL sees the connection end.
func TestHolderThatIsKilledIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	first := newHolder(t, asHolder, url)
	first.signal(t, syscall.SIGKILL)
	if _, took, _ := take(t, url); took > lease.Silence/2 {
		t.Errorf("it took %s", took)
	}
}

func TestLeaseIsTakenWhenItIsGivenBack(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	first, _, waited := take(t, url)
	if waited != 0 {
		t.Error("it waited for nobody")
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lease.Take(ctx, url, name, cancel); !errors.Is(err, context.Canceled) || errors.Is(err, lease.ErrLost) {
		t.Errorf("what waits and is asked to stop ends with %v", err)
	}
	first.Release(t.Context())
	second, _, _ := take(t, url)
	if second.PostgresStart != first.PostgresStart || second.PostgresStart == "" {
		t.Errorf("one start of PostgreSQL is %q and %q", first.PostgresStart, second.PostgresStart)
	}
	if err := first.Confirm(t.Context()); !errors.Is(err, lease.ErrLost) {
		t.Errorf("given back, and confirmed: %v", err)
	}
}

// TestHolderWhoseConnectionIsEndedLosesTheLease ends the connection of a holder that acts.
func TestHolderWhoseConnectionIsEndedLosesTheLease(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	held, _, _ := take(t, url)
	owner := connect(t, url)
	err := held.Hold(t.Context(), func(ctx context.Context) error {
		execute(t, owner, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, lease.ErrLost) {
		t.Errorf("it ended with %v", err)
	}
	if err := held.Join(t.Context(), owner); !errors.Is(err, lease.ErrLost) {
		t.Errorf("it joins without the lease: %v", err)
	}
}

// TestLeasesOfOtherDatabasesAreLeftAlone takes two leases of one name in two databases of a server.
func TestLeasesOfOtherDatabasesAreLeftAlone(t *testing.T) {
	t.Parallel()
	var conns []*pgx.Conn
	for range 2 {
		url := newDatabase(t)
		held, _, waited := take(t, url)
		conn := connect(t, url)
		if err := held.Join(t.Context(), conn); err != nil || waited != 0 {
			t.Fatalf("it waited %d times: %v", waited, err)
		}
		conns = append(conns, conn)
	}
	if err := conns[0].Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
