//go:build services

package ledger_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/ledger"
)

// asLedger is a variable that makes this program a ledger, so that a test can suspend it. The value is the Config.
const asLedger = "LEDGER_TEST_LEDGER"

// takeover is how soon after a ledger was suspended another must have stored all records. PostgreSQL waits for 20 s,
// the other ledger asks every second, and then it opens its tables and topics.
const takeover = 25 * time.Second

func runLedger(config string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c := ledger.Config{Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	err := json.Unmarshal([]byte(config), &struct{ *ledger.Config }{&c})
	if err == nil {
		err = ledger.Run(ctx, c)
	}
	if err != nil {
		c.Log.Error("ledger", "error", err)
		return 1
	}
	return 0
}

// process is a ledger in a process of its own.
type process struct {
	*exec.Cmd
	log *journal
}

// newProcess starts a process, which is killed when the test ends.
func (s *system) newProcess(t *testing.T) process {
	t.Helper()
	config, err := json.Marshal(map[string]any{"Kafka": map[string]any{"Brokers": s.kafka.Brokers}, "Postgres": s.database})
	if err != nil {
		t.Fatal(err)
	}
	p := process{exec.Command(os.Args[0]), new(journal)}
	p.Env = append(os.Environ(), asLedger+"="+string(config))
	p.Stderr = p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Process.Kill()
		p.Wait()
		if t.Failed() {
			t.Logf("the process said:\n%s", p.log.String())
		}
	})
	return p
}

func (p process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// TestAnotherLedgerGoesOnForOneThatIsStopped suspends the ledger that stores, between two transactions and within one.
// It wakes that ledger when the other has gone on.
func TestAnotherLedgerGoesOnForOneThatIsStopped(t *testing.T) {
	for name, stop := range map[string]func(t *testing.T, s *system, first process){
		"between two transactions": func(t *testing.T, _ *system, first process) { first.signal(t, syscall.SIGSTOP) },
		"within a transaction":     stopWithinTransaction,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t)
			first := s.newProcess(t)
			kafkatest.Produce(t, s.cluster, s.votes(0, 100)...)
			s.untilCaughtUp(t)
			stop(t, s, first)
			stopped := time.Now()
			second := s.start(t)
			kafkatest.Produce(t, s.cluster, s.votes(50, 200)...)
			s.untilCaughtUp(t)
			took := time.Since(stopped)
			t.Logf("another had stored all %s after the first was stopped", took.Round(time.Millisecond))
			if took > takeover {
				t.Errorf("that is more than %s", takeover)
			}
			s.wantExact(t)

			first.signal(t, syscall.SIGCONT)
			until(t, "the one that has woken waits", func() bool { return first.log.count("another ledger stores; waiting") == 1 })
			kafkatest.Produce(t, s.cluster, s.votes(150, 300)...)
			s.untilCaughtUp(t)
			s.wantExact(t)
			if n := s.log.count("another ledger stores"); n > 1 {
				t.Errorf("the lock went back and forth: the second waited %d times", n)
			}
			if n := first.log.count("level=WARN") + first.log.count("level=ERROR") + s.log.count("level=WARN"); n > 0 {
				t.Errorf("%d alarms; the second said:\n%s", n, s.log.String())
			}

			second()
			kafkatest.Produce(t, s.cluster, s.votes(250, 400)...)
			s.untilCaughtUp(t)
			s.wantExact(t)
		})
	}
}

// stopWithinTransaction suspends the ledger while it waits for the table votes. It has moved the offsets by then, so no
// other ledger can move them.
func stopWithinTransaction(t *testing.T, s *system, first process) {
	t.Helper()
	tx, err := s.conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE votes IN EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	kafkatest.Produce(t, s.cluster, s.votes(100, 120)...)
	until(t, "it waits for the table", func() bool {
		const query = `(SELECT 1 FROM pg_locks WHERE locktype = 'relation' AND NOT granted AND relation = 'votes'::regclass
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`
		return len(s.rows(t, query)) > 0
	})
	first.signal(t, syscall.SIGSTOP)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}
