//go:build services

package sparkjob_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/principals"
	"realtime-election/internal/scenario"
	"realtime-election/local/localtest"
	"realtime-election/sparkjob"
)

// asSubmit is the variable that makes this program a submit, so that a test can kill and stop it. Its value is the Config.
const asSubmit = "SPARKJOB_TEST_SUBMIT"

func TestMain(m *testing.M) {
	if config := os.Getenv(asSubmit); config != "" {
		os.Exit(runSubmit(config))
	}
	localtest.Main(m)
}

func runSubmit(config string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c := sparkjob.Config{Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))}
	var login struct{ Login string }
	err := errors.Join(json.Unmarshal([]byte(config), &struct{ *sparkjob.Config }{&c}), json.Unmarshal([]byte(config), &login))
	if err == nil {
		c.Kafka.Security, err = kafka.ReadSecurity(login.Login)
	}
	if err == nil {
		err = sparkjob.Run(ctx, c)
	}
	if err != nil {
		c.Log.Error("submit", "error", err)
		return 1
	}
	return 0
}

// process is a submit in a process of its own.
type process struct{ *exec.Cmd }

// newProcess starts a submit, which is killed when the test ends.
func newProcess(t *testing.T, c sparkjob.Config, name string) process {
	t.Helper()
	config, err := json.Marshal(map[string]any{
		"Kafka": map[string]any{"Brokers": c.Kafka.Brokers}, "Postgres": c.Postgres, "Remote": c.Remote, "Checkpoints": c.Checkpoints, "StatePartitions": c.StatePartitions,
		"Login": principals.Init.Login(filepath.Join(localtest.Data(t), "secrets")),
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asSubmit+"="+string(config))
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s is process %d", name, cmd.Process.Pid)
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return process{cmd}
}

func (p process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// latest is the record of the latest run, with the session in which its query was started.
func latest(t *testing.T, c sparkjob.Config) (of struct {
	Run     int `json:"run"`
	Session struct {
		ID string `json:"id"`
	} `json:"spark_session"`
},
) {
	t.Helper()
	if _, err := c.Kafka.LatestJSON(t.Context(), election.RunsTopic, election.LatestRunKey, &of); err != nil {
		t.Fatal(err)
	}
	return of
}

// awaitReport waits for a report of the query that is made after the call.
func awaitReport(t *testing.T, c sparkjob.Config) {
	t.Helper()
	since := time.Now()
	eventually(t, "the query is reported to run", func() bool {
		var status election.QueryStatus
		_, err := c.Kafka.LatestJSON(t.Context(), election.QueryStatusTopic, election.QueryKey, &status)
		return err == nil && status.State == "running" && status.UpdatedAt.After(since)
	})
}

// holder is the id of the PostgreSQL process that serves the holder of the lock, 0 where nobody holds the lock.
func holder(t *testing.T, conn *pgx.Conn) (pid int) {
	t.Helper()
	const query = "SELECT coalesce(max(pid), 0) FROM pg_locks WHERE locktype = 'advisory' AND granted AND (classid::bigint << 32) + objid::bigint = x'7375626d6974'::bigint"
	if err := conn.QueryRow(t.Context(), query).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestAnotherSubmitGoesOnWithTheQuery has two submits at once, of which the one that acts is killed, loses its
// connection, and is stopped for longer than PostgreSQL keeps its lock. The query is started once, and counts all.
func TestAnotherSubmitGoesOnWithTheQuery(t *testing.T) {
	s := scenario.All(t)[0]
	c := newElection(t, s.Definition, s.Partitions)
	conn, err := pgx.Connect(t.Context(), c.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	third := len(s.Votes) / 3

	first := newProcess(t, c, "first")
	awaitReport(t, c)
	at := latest(t, c)
	second := newProcess(t, c, "second")
	first.signal(t, syscall.SIGKILL)
	killed := time.Now()
	awaitReport(t, c)
	t.Logf("another submit reported %s after the first was killed", time.Since(killed).Round(time.Millisecond))
	produce(t, c, s.Votes[:third])
	awaitCounted(t, c, nil)

	lost := holder(t, conn)
	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend($1)", lost); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lock is taken again", func() bool { again := holder(t, conn); return again != 0 && again != lost })
	awaitReport(t, c)
	produce(t, c, s.Votes[third:2*third])
	awaitCounted(t, c, nil)

	held := holder(t, conn)
	second.signal(t, syscall.SIGSTOP)
	stopped := time.Now()
	newProcess(t, c, "third")
	eventually(t, "another submit has the lock of the one that was stopped", func() bool { now := holder(t, conn); return now != 0 && now != held })
	awaitReport(t, c)
	t.Logf("another submit reported %s after the second was stopped", time.Since(stopped).Round(time.Millisecond))
	held = holder(t, conn)
	before := latest(t, c)
	second.signal(t, syscall.SIGCONT)
	produce(t, c, s.Votes[2*third:])
	awaitCounted(t, c, nil)
	awaitReport(t, c)
	if now := holder(t, conn); now != held {
		t.Errorf("process %d held the lock, and process %d holds it after the stopped submit has woken", held, now)
	}
	if after := latest(t, c); before != at || after != at {
		t.Errorf("the query was started in %+v, then in %+v and %+v", at, before, after)
	}
	wantExact(t, c, s.Definition, s.Partitions, 1)
}

// TestSparkThatRefusesIsExplained provokes errors that only a real Spark returns.
func TestSparkThatRefusesIsExplained(t *testing.T) {
	s := scenario.All(t)[0]
	c := newElection(t, s.Definition, s.Partitions)
	t.Run("token", func(t *testing.T) {
		wrong := c
		wrong.Remote.URL, _, _ = strings.Cut(c.Remote.URL, "token=")
		wrong.Remote.URL += "token=wrong"
		if err := sparkjob.Run(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "Spark refuses the token") {
			t.Error(err)
		}
	})
	t.Run("checkpoint", func(t *testing.T) {
		unwritable := c
		unwritable.Checkpoints = "file:///proc/nothing"
		submit(t, unwritable)
		explained(t, c, "the checkpoint cannot be written")
	})
	t.Run("topic", func(t *testing.T) {
		t.Run("before", func(t *testing.T) {
			produce(t, c, s.Votes)
			awaitCounted(t, c, submit(t, c))
		})
		recreateTopics(t, c, s.Definition, s.Partitions, election.VotesTopic)
		submit(t, c)
		explained(t, c, "votes_topic no longer holds the records that this run continues from")
	})
}

// explained waits until the error in the status holds a text.
func explained(t *testing.T, c sparkjob.Config, what string) {
	t.Helper()
	var status election.QueryStatus
	eventually(t, "the status says "+what, func() bool {
		_, err := c.Kafka.LatestJSON(t.Context(), election.QueryStatusTopic, election.QueryKey, &status)
		return err == nil && strings.Contains(status.Error, what)
	})
	t.Log(status.State, status.Error)
}
