// Package sparkjob counts the votes: it holds the streaming SQL, submits it to Spark over Spark Connect, and keeps it
// running, from its checkpoint, for as long as there is an election.
//
// Nothing is counted here. Spark reads votes_topic, committed records only, and writes absolute totals to the result
// topics; each total names its run (see election.OfficialRun).
package sparkjob

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka"
	"realtime-election/sparkjob/connect"
)

// Config is what Run needs.
type Config struct {
	Brokers     []string
	Postgres    string        // URL
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
	switch location, err := url.Parse(c.Checkpoints); {
	case err != nil || location.Scheme == "":
		return &election.InputError{Text: fmt.Sprintf("--checkpoints is %q; write a URI such as file:///var/lib/election/checkpoints", c.Checkpoints)}
	case remoteErr != nil || remote.Scheme != "sc" || remote.Host == "":
		return &election.InputError{Text: "--remote is not a Spark Connect address; write sc://host:port/;token=…"} // it may hold a token
	case c.Partitions < 1:
		return &election.InputError{Text: fmt.Sprintf("--state-partitions is %d; choose 1 or more", c.Partitions)}
	case c.Trigger < 0:
		return &election.InputError{Text: fmt.Sprintf("--trigger is %s; choose 0 or more", c.Trigger)}
	}
	return nil
}

const (
	firstPause = 250 * time.Millisecond
	lastPause  = 5 * time.Second
)

// Run keeps the query running until ctx is over, and then stops it. It returns early only for what trying again cannot
// mend.
func Run(ctx context.Context, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	record, err := kafka.Election(ctx, c.Brokers, c.Log)
	if err != nil {
		return err
	}
	runs, err := openRuns(ctx, c, record)
	if err != nil {
		return err
	}
	defer runs.close()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		began := time.Now()
		err := attend(ctx, c, record, runs)
		if ctx.Err() != nil {
			return nil
		}
		if final(err) {
			return err
		}
		c.Log.Warn("the query does not run; trying again", "run", runs.current.Run, "error", firstLine(err))
		runs.metrics.restarts.Inc()
		if err := runs.failed(ctx, err); err != nil {
			c.Log.Warn("report the failure", "error", err)
		}
		if time.Since(began) > time.Minute {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// final reports whether an error will come again however often the query is started.
func final(err error) bool {
	var wrong *election.InputError
	if errors.As(err, &wrong) {
		return true
	}
	var spark *connect.Error
	return errors.As(err, &spark) && strings.HasPrefix(spark.SQLState, "42") // a mistake in the SQL
}

// firstLine is an error without the query plans that Spark appends.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// pollEvery is how often the query is asked for its progress.
const pollEvery = 500 * time.Millisecond

// settleTimeout bounds how long a query is waited for that has nothing to do.
const settleTimeout = 10 * time.Second

// attend starts the query in a session of its own, and follows it until it or the session ends.
func attend(ctx context.Context, c Config, record *election.Record, runs *runs) error {
	session, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	defer leave(ctx, session, c.Log)
	if err := runs.choose(ctx); err != nil {
		return err
	}
	if err := runs.occupy(ctx, session.ID(), c.endSession); err != nil {
		return err
	}
	query, err := newQuery(runs.current.Partitions, connect.ProcessingTime(c.Trigger)).start(ctx, session, c, record, runs.current)
	if err != nil {
		return err
	}
	c.Log.Info("started the query", "run", runs.current.Run, "query", query.ID())

	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	settled := false
	for {
		progress, err := query.LastProgress(ctx)
		if err != nil {
			return fmt.Errorf("ask the query for its progress: %w", err)
		}
		if err := runs.report(ctx, progress); err != nil {
			return err
		}
		status, err := query.Status(ctx)
		if err != nil {
			return fmt.Errorf("ask the query for its status: %w", err)
		}
		if status.Active && progress == nil && strings.HasPrefix(status.Message, "Waiting for") && !settled {
			if settled, err = settle(ctx, query, runs); err != nil {
				return err
			}
		}
		if !status.Active {
			cause, err := query.Exception(ctx)
			if err != nil {
				return fmt.Errorf("ask why the query ended: %w", err)
			}
			if cause == nil {
				return errors.New("the query was stopped by somebody else; is another submit running?")
			}
			return fmt.Errorf("the query ended: %w", cause)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

func (c Config) dial(ctx context.Context, options ...connect.Option) (*connect.Session, error) {
	options = append(options, connect.WithRetry(patience()), connect.WithGRPC(grpc.WithConnectParams(reconnect())))
	if c.PlainText {
		options = append(options, connect.WithTokenInPlainText())
	}
	session, err := connect.Dial(ctx, c.Remote, options...)
	if err != nil {
		return nil, fmt.Errorf("dial Spark: %w", err)
	}
	return session, nil
}

// endSession ends the session of a submit that was killed, and with it the query that went on in it: it may be that of
// an older run, which would write beside the new one. A session that is gone already is as well.
func (c Config) endSession(ctx context.Context, id connect.SessionID) {
	session, err := c.dial(ctx, connect.WithSessionID(id))
	if err != nil {
		c.Log.Debug("look for the session before", "session", id, "error", err)
		return
	}
	defer session.Close()
	leave(ctx, session, c.Log)
}

// patience is for a Spark that is away for a while: it is asked every second, for a minute, so that the query is started
// again soon after Spark is.
func patience() connect.RetryPolicy {
	policy := connect.DefaultRetry()
	policy.Retries, policy.Max, policy.Jitter = 60, time.Second, 0
	return policy
}

func reconnect() grpc.ConnectParams {
	params := grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: 5 * time.Second}
	params.Backoff.BaseDelay, params.Backoff.MaxDelay = 200*time.Millisecond, time.Second
	return params
}

// settle finds out how far a query has counted that has found nothing to do since it was started: Spark reports the
// offsets of a micro-batch, and after a restart it may be that none is needed.
func settle(ctx context.Context, query *connect.StreamingQuery, runs *runs) (bool, error) {
	ends, err := kafka.StableEnds(ctx, runs.cl, election.VotesTopic)
	if err != nil {
		return false, err
	}
	brief, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := query.ProcessAllAvailable(brief); err != nil {
		if brief.Err() != nil && ctx.Err() == nil {
			return false, nil // there is something to do after all
		}
		return false, fmt.Errorf("wait for the query to settle: %w", err)
	}
	return true, runs.settled(ctx, ends)
}

// leave releases the session, and with it ends the query, when this program is asked to stop; ctx is over by then.
// When the query has failed it clears away what is left of it.
func leave(ctx context.Context, session *connect.Session, log *slog.Logger) {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := session.Release(ending); err != nil {
		log.Debug("release the session", "error", err)
	}
}
