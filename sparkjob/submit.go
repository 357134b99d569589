// Package sparkjob counts the votes: it holds the streaming SQL, submits it to Spark over Spark Connect, and keeps it
// running, from its checkpoint, for as long as there is an election.
//
// Of several submits one acts, while it holds a lock in PostgreSQL; the others wait for it. A submit that loses the lock leaves
// the query running and does nothing until it has the lock again. The next one adopts the query that runs, if it is the right
// one, and else ends it and starts the right one from its checkpoint.
//
// Nothing is counted here. Spark reads votes_topic, committed records only, and writes absolute totals to the result
// topics; each total names its run (see election.OfficialRun).
package sparkjob

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka"
	"realtime-election/internal/lease"
)

// Config is what Run needs.
type Config struct {
	Kafka       kafka.Cluster
	Postgres    string        // URL of the database that holds the definition's tables, and the lock
	Remote      string        // Spark Connect's connection string, sc://host:port/;token=…
	Checkpoints string        // URI of the folder that holds a folder for each run
	Partitions  int           // state partitions of a new run
	Trigger     time.Duration // the least time from one micro-batch to the next
	PlainText   bool          // the token may travel without TLS, over a network that nobody else can read
	Log         *slog.Logger
	Health      *health.Service // may be nil
}

// Validate names what is wrong.
func (c Config) Validate() error {
	remote, remoteErr := url.Parse(c.Remote)
	if _, err := jdbcOptions(c.Postgres); err != nil {
		return err
	}
	if _, err := pgx.ParseConfig(c.Postgres); err != nil {
		return errPostgresURL()
	}
	switch {
	case c.checkpointFolder() == "":
		return &election.Wrong{Setting: "checkpoints", Value: c.Checkpoints, Text: "write a URI such as file:///var/lib/election/checkpoints"}
	case remoteErr != nil || remote.Scheme != "sc" || remote.Host == "":
		return &election.Wrong{Setting: "remote", Text: "is not a Spark Connect address; write sc://host:port/;token=…"} // it may hold a token
	case c.Partitions < 1:
		return &election.Wrong{Setting: "state-partitions", Value: c.Partitions, Text: "choose 1 or more"}
	case c.Trigger < 0:
		return &election.Wrong{Setting: "trigger", Value: c.Trigger, Text: "choose 0 or more"}
	}
	return nil
}

const (
	firstPause = 250 * time.Millisecond
	lastPause  = 5 * time.Second
)

// Run keeps the query running until ctx is over, and then stops it, unless another submit has taken over. It returns
// early only for what trying again cannot mend: an *election.InputError where somebody must correct something first.
func Run(ctx context.Context, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	installation, err := c.Kafka.Election(ctx)
	if err != nil {
		return err
	}
	runs, err := newRunTracker(c, installation)
	if err != nil {
		return err
	}
	defer runs.close()
	s := newSupervisor(c, installation, runs)
	defer func() { s.stopKeepingAlive() }()
	lost := false // the lock, and with it touch with the query
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		var held bool
		err := whileHoldingLease(ctx, c.Postgres, s.standBy, runs.succeed, func(ctx context.Context, mayAct func() error) error {
			held = true
			return s.supervise(ctx, mayAct)
		})
		lost = errors.Is(err, lease.ErrLost) || lost && !held
		if ctx.Err() != nil {
			if lost {
				c.Log.Warn("this submit ends without the lock: the query goes on until another acts, or its session times out")
			}
			return nil
		}
		if isFinal(err) {
			return err
		}
		if held {
			pause = firstPause
		}
		c.Log.Warn("this submit does nothing until it has the lock in PostgreSQL, and has noted that; what runs in Spark goes on", "error", firstLine(err))
		runs.metrics.failed(firstLine(err))
		if !wait(ctx, pause) {
			return nil
		}
	}
}

// supervisor is what lives as long as Run.
type supervisor struct {
	Config
	installation *election.Installation
	runs         *runTracker
	// How long Spark may take to answer, how often the query is asked for its progress, how often it is read whether it is to
	// run, and how long the first pause is after a failure: what the constants of the same names say, but in tests.
	answerTimeout, pollEvery, wantedEvery, firstPause time.Duration
	stopKeepingAlive                                  func() // the session that lingers, if any
}

func newSupervisor(c Config, installation *election.Installation, runs *runTracker) *supervisor {
	return &supervisor{
		Config: c, installation: installation, runs: runs, stopKeepingAlive: func() {},
		answerTimeout: answerTimeout, pollEvery: pollEvery, wantedEvery: wantedEvery, firstPause: firstPause,
	}
}

// standBy tells that another submit acts.
func (s *supervisor) standBy() {
	s.Log.Info("another submit acts; waiting until it ends")
	s.runs.metrics.failed("another submit acts")
}

// supervise attends to the query again and again, until the lock is lost or trying again is no use.
func (s *supervisor) supervise(ctx context.Context, mayAct func() error) error {
	s.stopKeepingAlive()
	s.stopKeepingAlive = func() {}
	s.runs.mayAct, s.runs.failures = mayAct, 0
	defer s.runs.giveBack(ctx)
	defer func() {
		if ctx.Err() != nil && !errors.Is(context.Cause(ctx), lease.ErrLost) {
			s.endQuery(ctx)
		}
	}()
	for pause := s.firstPause; ; pause = min(2*pause, lastPause) {
		began := time.Now()
		err := withAdvice(s.Config, s.attend(ctx))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if isFinal(err) || errors.Is(err, lease.ErrLost) {
			return err
		}
		if err == nil { // the query is to stop, or to run again
			pause = s.firstPause / 2
			continue
		}
		s.Log.Warn("the query does not run; trying again", "run", s.runs.current.Run, "error", firstLine(err))
		if err := s.runs.reportFailure(ctx, err); err != nil {
			s.Log.Warn("report the failure", "error", err)
		}
		if time.Since(began) > time.Minute && s.runs.failures < failuresToTell {
			pause = s.firstPause
		}
		if !wait(ctx, pause) {
			return ctx.Err()
		}
	}
}

// wait reports false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
