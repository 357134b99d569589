// Package sparkjob holds the streaming SQL that counts the votes. It submits the query to Spark over Spark Connect, and keeps
// it running, from its checkpoint, for as long as there is an election.
//
// Of several submits, the one that holds a lock in PostgreSQL acts, and the others wait for the lock. A submit that loses the
// lock leaves the query running and does nothing until it has the lock again. Its successor adopts the running query if it is
// the right one. Otherwise the successor ends it, and starts the right one from its checkpoint.
//
// This package counts nothing. Spark reads the committed records of votes_topic and writes absolute totals to the result
// topics. Each total names its run (see election.OfficialRun).
package sparkjob

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka"
	"realtime-election/internal/lease"
	"realtime-election/internal/postgres"
)

// Remote is the Spark Connect server.
type Remote struct {
	URL        string // its connection string, sc://host:port/;token=…
	PlainText  bool   // the token may travel without TLS, over a network that nobody else can read
	OfThisUser bool   // it is on this machine, and a server that another user runs is refused (on Linux)
}

// Config holds the settings of submit.
type Config struct {
	Kafka            kafka.Cluster
	Postgres         string // URL of the database that holds the definition's tables, and the lock
	Remote           Remote
	Checkpoints      string        // URI of the folder that holds a folder for each run
	StatePartitions  int           // of a new run
	Trigger          time.Duration // the shortest time from one micro-batch to the next
	SparkKafkaConfig string        // file of Spark's own properties for Kafka, on Spark's machines; empty: where Kafka's are here
	Log              *slog.Logger
	Health           *health.Service // may be nil
}

// Validate returns an *election.Wrong that names the setting that is wrong.
func (c Config) Validate() error {
	remote, remoteErr := url.Parse(c.Remote.URL)
	if _, err := jdbcOptions(c.Postgres); err != nil {
		return err
	}
	if err := postgres.CheckURL(c.Postgres); err != nil {
		return err
	}
	switch {
	case c.checkpointFolder() == "":
		return &election.Wrong{Setting: "checkpoints", Value: c.Checkpoints, Text: "write a URI such as file:///var/lib/election/checkpoints"}
	case remoteErr != nil || remote.Scheme != "sc" || remote.Host == "":
		return &election.Wrong{Setting: "remote", Text: "is not a Spark Connect address; write sc://host:port/;token=…"} // it may hold a token
	case c.StatePartitions < 1:
		return &election.Wrong{Setting: "state-partitions", Value: c.StatePartitions, Text: "choose 1 or more"}
	case c.Trigger < 0:
		return &election.Wrong{Setting: "trigger", Value: c.Trigger, Text: "choose 0 or more"}
	}
	return nil
}

const (
	firstPause   = 250 * time.Millisecond
	longestPause = 5 * time.Second
)

// Run keeps the query running until ctx ends, and then stops it, unless another submit has taken over. It returns earlier
// only if trying again is useless. The error is an *election.InputError where somebody must correct something first.
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
	s.register = c.Kafka.FollowRegister(ctx, installation)
	lost := false // the last lease was lost, and no new one taken
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		var held bool
		err := whileHoldingLease(ctx, c.Postgres, s.standBy, runs.becomeHolder, func(ctx context.Context, mayAct func() error) error {
			held, s.letIn = true, true
			return s.supervise(ctx, mayAct)
		})
		lost = errors.Is(err, lease.ErrLost) || lost && !held
		if ctx.Err() != nil {
			if lost {
				c.Log.Warn("this submit ends without the lock: the query goes on until another submit acts, or its session times out")
			}
			return nil
		}
		if refused := postgres.Explain(err); refused != nil {
			if !s.letIn {
				return refused
			}
			err = refused
		} else if isFinal(err) {
			return err
		}
		if held {
			pause = firstPause
		}
		c.Log.Warn("this submit waits until it has the lock in PostgreSQL and has written that to Kafka; what runs in Spark goes on", "error", firstLine(err))
		runs.metrics.notRunning(firstLine(err))
		if !wait(ctx, pause) {
			return nil
		}
	}
}

// supervisor keeps the query running for as long as Run lasts.
type supervisor struct {
	Config
	installation *election.Installation
	runs         *runTracker
	register     *kafka.Register
	// The constants of these names, except in tests.
	answerTimeout, pollEvery, wantedEvery, firstPause time.Duration
	stopKeepingAlive                                  func() // ends keepSessionAlive, if it runs
	letIn                                             bool   // PostgreSQL has let this submit in once
}

func newSupervisor(c Config, installation *election.Installation, runs *runTracker) *supervisor {
	return &supervisor{
		Config: c, installation: installation, runs: runs, stopKeepingAlive: func() {},
		answerTimeout: answerTimeout, pollEvery: pollEvery, wantedEvery: wantedEvery, firstPause: firstPause,
	}
}

// standBy reports that another submit acts.
func (s *supervisor) standBy() {
	s.letIn = true
	s.Log.Info("another submit acts; waiting until it ends")
	s.runs.metrics.notRunning("another submit acts")
}

// supervise calls reconcile again and again until the lock is lost, or trying again is useless.
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
	for pause := s.firstPause; ; pause = min(2*pause, longestPause) {
		began := time.Now()
		err := withAdvice(s.Config, s.reconcile(ctx))
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
		if time.Since(began) > time.Minute && s.runs.failures < failuresBeforeFailing {
			pause = s.firstPause
		}
		if !wait(ctx, pause) {
			return ctx.Err()
		}
	}
}

// wait waits for d. It reports false if ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
