package sparkjob

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/lease"
	"realtime-election/spark"
)

const (
	// pollEvery is how often the query is asked for its progress. Each question is a call, which keeps the session alive.
	pollEvery = 500 * time.Millisecond
	// settleTimeout bounds how long a query is waited for that has nothing to do.
	settleTimeout = 10 * time.Second
)

// attachment is the session that submit is in, and the query there.
type attachment struct {
	state          sessionState
	session        *spark.Session
	query          *spark.StreamingQuery
	queryElsewhere bool
}

// attend does what decide says until the right query runs, and follows it until it or the session ends. A session whose
// query has failed is ended by the next attend, which finds it noted. It returns nil when the query is to stop, or to run
// again.
func (s *supervisor) attend(ctx context.Context) error {
	if err := s.runs.open(ctx); err != nil {
		return err
	}
	at := attachment{state: sessionNotLookedFor}
	for {
		seen, err := s.observe(ctx, at)
		if err != nil {
			s.leave(ctx, at)
			return err
		}
		switch decide(seen) {
		case stayStopped:
			return s.stayStopped(ctx)
		case findSession:
			err = s.findSession(ctx, &at)
		case adoptQuery:
			err = s.adoptQuery(ctx, &at)
		case openSession:
			err = s.replaceSession(ctx, &at)
		case beginNextRun:
			err = s.beginNextRun(ctx, at.session)
			at.queryElsewhere = false
		case startQuery:
			err = s.startQuery(ctx, &at)
		default:
			err = s.follow(ctx, at.query)
			s.detach(ctx, at.session)
			return err
		}
		if err != nil {
			s.leave(ctx, at)
			return err
		}
	}
}

// observe is what decide needs to know. It asks Spark for the checkpoint only where that matters.
func (s *supervisor) observe(ctx context.Context, at attachment) (observation, error) {
	run := s.runs.current
	seen := observation{
		stopRequested:      s.runs.inTopic.wanted.Stopped,
		runIsOfThisQuery:   !s.runs.queryChanged(),
		runBegan:           run.Began,
		session:            at.state,
		queryElsewhere:     at.queryElsewhere,
		queryRuns:          at.query != nil,
		settingsAreTheSame: run.Session.Settings == s.currentQuery().fingerprint(s.Config),
	}
	var err error
	if seen.needsCheckpoint() {
		seen.checkpointExists, err = s.checkpointExists(ctx, at.session, run.Run)
	}
	return seen, err
}

// currentQuery is the query as this submit would start it for the current run.
func (s *supervisor) currentQuery() query {
	return newQuery(s.runs.current.Partitions, spark.ProcessingTime(s.Trigger))
}

// leave leaves a session after an error. One that was opened for a start is ended; where there is no time for that, it is
// found noted if anything may run in it. In any other session the query goes on.
func (s *supervisor) leave(ctx context.Context, at attachment) {
	switch {
	case at.session == nil:
	case at.state != sessionOpened:
		s.detach(ctx, at.session)
	case ctx.Err() != nil:
		at.session.Close()
	default:
		if err := s.end(ctx, at.session); err != nil {
			s.Log.Debug("end the session without a query", "error", err)
		}
	}
}

// detach leaves a session in which the query goes on.
func (s *supervisor) detach(ctx context.Context, session *spark.Session) {
	if errors.Is(context.Cause(ctx), lease.ErrLost) { // the query may be another's by now
		s.keepSessionAlive(ctx, session)
		return
	}
	session.Close()
}

// findSession looks for the session in which the query was started last, and for the query.
func (s *supervisor) findSession(ctx context.Context, at *attachment) error {
	session, query, err := s.notedSession(ctx)
	switch {
	case errors.Is(err, errQueryElsewhere):
		s.Log.Warn("the next run begins", "error", err)
		at.state, at.queryElsewhere = sessionNotFound, true
		return nil
	case err != nil:
		return err
	case session == nil:
		at.state = sessionNotFound
	default:
		at.state, at.session, at.query = sessionFound, session, query
	}
	return nil
}

func (s *supervisor) adoptQuery(ctx context.Context, at *attachment) error {
	s.Log.Info("adopted the query", "run", s.runs.current.Run, "query", at.query.ID())
	if err := s.runs.announce(ctx, running); err != nil {
		return err
	}
	at.state = sessionFollowed
	return nil
}

// replaceSession ends the session that was found, and with it whatever goes on there, before it opens another.
func (s *supervisor) replaceSession(ctx context.Context, at *attachment) error {
	former := at.session
	at.session, at.query = nil, nil
	if former != nil {
		if err := s.end(ctx, former); err != nil {
			return err
		}
	}
	session, err := s.openSession(ctx)
	if err != nil {
		return err
	}
	at.state, at.session = sessionOpened, session
	return nil
}

// checkpointExists asks Spark for the checkpoint of a run.
func (s *supervisor) checkpointExists(ctx context.Context, session *spark.Session, number int) (bool, error) {
	ctx, cancel := within(ctx, s.answerTimeout)
	defer cancel()
	return exists(ctx, session, run{Run: number}.checkpoint(s.Checkpoints))
}

// beginNextRun takes the next number that no checkpoint has: there may be some of an election before, whose topics are gone.
func (s *supervisor) beginNextRun(ctx context.Context, session *spark.Session) error {
	for number := s.runs.current.Run + 1; ; number++ {
		taken, err := s.checkpointExists(ctx, session, number)
		if err != nil {
			return err
		}
		if !taken {
			return s.runs.next(ctx, number)
		}
	}
}

// startQuery starts the query of the current run. The session is noted before, so that the submit that acts next can end it, and a
// start that comes late with it.
func (s *supervisor) startQuery(ctx context.Context, at *attachment) error {
	wanted := s.currentQuery()
	if err := s.runs.noteSession(ctx, at.session, wanted.fingerprint(s.Config)); err != nil {
		return err
	}
	if err := s.runs.announce(ctx, starting); err != nil {
		return err
	}
	brief, cancel := within(ctx, startTimeout)
	defer cancel()
	query, err := wanted.start(brief, at.session, s.Config, s.installation, s.runs.current)
	if err != nil {
		return err
	}
	s.runs.metrics.starts.Inc()
	s.Log.Info("started the query", "run", s.runs.current.Run, "query", query.ID())
	at.state, at.query = sessionFollowed, query
	return nil
}

// follow reports the query's progress until it ends, or is to end.
func (s *supervisor) follow(ctx context.Context, query *spark.StreamingQuery) error {
	ticker := time.NewTicker(s.pollEvery)
	defer ticker.Stop()
	settled, asked := false, time.Now()
	for {
		progress, status, err := s.askQuery(ctx, query)
		if err != nil {
			return err
		}
		if err := s.runs.report(ctx, progress); err != nil {
			return err
		}
		if status.Active && progress == nil && strings.HasPrefix(status.Message, "Waiting for") && !settled {
			if settled, err = s.settle(ctx, query); err != nil {
				return err
			}
		}
		if !status.Active {
			return s.causeOfEnd(ctx, query)
		}
		if time.Since(asked) > s.wantedEvery {
			if requested, err := s.runs.stopRequested(ctx); err != nil || requested {
				return err
			}
			asked = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// askQuery asks the query what it has done and whether it goes on.
func (s *supervisor) askQuery(ctx context.Context, query *spark.StreamingQuery) (progress *spark.Progress, status spark.QueryStatus, err error) {
	ctx, cancel := within(ctx, s.answerTimeout)
	defer cancel()
	if progress, err = query.LastProgress(ctx); err != nil {
		return nil, status, fmt.Errorf("ask the query for its progress: %w", err)
	}
	if status, err = query.Status(ctx); err != nil {
		return nil, status, fmt.Errorf("ask the query for its status: %w", err)
	}
	return progress, status, nil
}

// causeOfEnd is what ended a query.
func (s *supervisor) causeOfEnd(ctx context.Context, query *spark.StreamingQuery) error {
	ctx, cancel := within(ctx, s.answerTimeout)
	defer cancel()
	cause, err := query.Exception(ctx)
	if err != nil {
		return fmt.Errorf("ask why the query ended: %w", err)
	}
	if cause == nil {
		return errors.New("the query was stopped by somebody else")
	}
	return fmt.Errorf("the query ended: %w", cause)
}

// settle finds out how far a query has counted that has found nothing to do since it was started: Spark reports the
// offsets of a micro-batch, and after a restart it may be that none is needed.
func (s *supervisor) settle(ctx context.Context, query *spark.StreamingQuery) (bool, error) {
	ends, err := kafka.StableEnds(ctx, s.runs.cl, election.VotesTopic)
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
	return true, s.runs.reportSettled(ctx, ends)
}
