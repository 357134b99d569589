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
	// settleTimeout bounds how long settle waits for the query.
	settleTimeout = 10 * time.Second
)

// attachment is the session that submit is in, and the query there.
type attachment struct {
	state          sessionState
	session        *spark.Session
	query          *spark.StreamingQuery
	queryElsewhere bool
}

// reconcile carries out decisions of decide until the right query runs, and follows it until the query or the session ends.
// The session of a query that has failed is in the topic of runs, and the next reconcile ends it. reconcile returns nil when
// the query is to stop, or to run again.
func (s *supervisor) reconcile(ctx context.Context) error {
	if err := s.runs.fenceAndRead(ctx); err != nil {
		return err
	}
	at := attachment{state: sessionNotLookedFor}
	for {
		seen, err := s.observe(ctx, at)
		if err != nil {
			s.leaveAfterError(ctx, at)
			return err
		}
		switch decide(seen) {
		case stayStopped:
			return s.stayStopped(ctx)
		case findSession:
			err = s.findSession(ctx, &at)
		case adoptQuery:
			err = s.adoptQuery(ctx, &at)
		case awaitRegister:
			err = s.awaitRegister(ctx, &at)
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
			s.leaveAfterError(ctx, at)
			return err
		}
	}
}

// observe collects what decide needs to know. It asks Spark for the checkpoint only if the decision depends on it.
func (s *supervisor) observe(ctx context.Context, at attachment) (observation, error) {
	run := s.runs.current
	seen := observation{
		registerClosed:     s.register.Closed(),
		stopRequested:      s.runs.inTopic.wanted.Stopped,
		runIsOfThisQuery:   !s.runs.queryChanged(),
		runHasCommitted:    run.Committed,
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
	return newQuery(s.runs.current.StatePartitions, s.registerEnd(), spark.ProcessingTime(s.Trigger))
}

// registerEnd is where ballot_commitments ends, or 0 if that is not known or there is no register.
func (s *supervisor) registerEnd() int64 {
	if !s.register.Closed() {
		return 0
	}
	return s.register.End
}

// leaveAfterError leaves a session after an error. It ends a session that was opened to start the query. If there is no time
// for that and the query may run there, the session is in the topic of runs, and the next holder finds it. In any other
// session the query goes on.
func (s *supervisor) leaveAfterError(ctx context.Context, at attachment) {
	switch {
	case at.session == nil:
	case at.state != sessionOpened:
		s.detach(ctx, at.session)
	case ctx.Err() != nil:
		at.session.Close()
	default:
		if err := s.endSession(ctx, at.session); err != nil {
			s.Log.Debug("end the session without a query", "error", err)
		}
	}
}

// detach leaves a session in which the query goes on.
func (s *supervisor) detach(ctx context.Context, session *spark.Session) {
	if errors.Is(context.Cause(ctx), lease.ErrLost) { // another submit may have the query by now
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

// awaitRegister returns when the register is closed, or somebody stops the query. Then it ends the session that was opened to start
// the query. Until then it makes calls, which keep the session alive.
func (s *supervisor) awaitRegister(ctx context.Context, at *attachment) error {
	s.Log.Info("waiting until the register is closed: it says which ballots may be counted")
	if err := s.runs.reportRegisterOpen(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.register.Done:
			return s.register.Err
		case <-time.After(s.wantedEvery):
		}
		if requested, err := s.runs.stopRequested(ctx); err != nil {
			return err
		} else if requested {
			session := at.session
			at.state, at.session = sessionNotFound, nil
			return s.endSession(ctx, session)
		}
		if err := s.ask(ctx, at.session); err != nil {
			return err
		}
		if err := s.runs.heartbeat(ctx); err != nil {
			return err
		}
	}
}

// ask makes a call that changes nothing.
func (s *supervisor) ask(ctx context.Context, session *spark.Session) error {
	ctx, cancel := withAnswerTimeout(ctx, s.answerTimeout)
	defer cancel()
	if _, err := session.Version(ctx); err != nil {
		return fmt.Errorf("ask Spark whether it is there: %w", err)
	}
	return nil
}

// replaceSession ends the session that was found, with all that runs in it, and opens another.
func (s *supervisor) replaceSession(ctx context.Context, at *attachment) error {
	previous := at.session
	at.session, at.query = nil, nil
	if previous != nil {
		if err := s.endSession(ctx, previous); err != nil {
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

// checkpointExists asks Spark whether the checkpoint of a run exists.
func (s *supervisor) checkpointExists(ctx context.Context, session *spark.Session, number int) (bool, error) {
	ctx, cancel := withAnswerTimeout(ctx, s.answerTimeout)
	defer cancel()
	return lookForCheckpoint(ctx, session, run{Run: number}.checkpoint(s.Checkpoints))
}

// beginNextRun takes the next number that no checkpoint has. An earlier election, whose topics are gone, may have left some.
func (s *supervisor) beginNextRun(ctx context.Context, session *spark.Session) error {
	for number := s.runs.current.Run + 1; ; number++ {
		taken, err := s.checkpointExists(ctx, session, number)
		if err != nil {
			return err
		}
		if !taken {
			return s.runs.beginRun(ctx, number)
		}
	}
}

// startQuery starts the query of the current run. It first writes the session to the topic of runs, so that the next holder
// can end the session, even if the query starts there later.
func (s *supervisor) startQuery(ctx context.Context, at *attachment) error {
	wanted := s.currentQuery()
	if err := s.runs.noteSession(ctx, at.session, wanted.fingerprint(s.Config)); err != nil {
		return err
	}
	if err := s.runs.announce(ctx, starting); err != nil {
		return err
	}
	bounded, cancel := withAnswerTimeout(ctx, startTimeout)
	defer cancel()
	query, err := wanted.start(bounded, at.session, s.Config, s.installation, s.runs.current)
	if err != nil {
		return err
	}
	s.runs.metrics.starts.Inc()
	s.Log.Info("started the query", "run", s.runs.current.Run, "query", query.ID())
	at.state, at.query = sessionFollowed, query
	return nil
}

// follow reports the query's progress until the query ends, or somebody stops it.
func (s *supervisor) follow(ctx context.Context, query *spark.StreamingQuery) error {
	ticker := time.NewTicker(s.pollEvery)
	defer ticker.Stop()
	settled, lastAsked := false, time.Now()
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
		if time.Since(lastAsked) > s.wantedEvery {
			if requested, err := s.runs.stopRequested(ctx); err != nil || requested {
				return err
			}
			lastAsked = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// askQuery asks the query for its last progress and its status.
func (s *supervisor) askQuery(ctx context.Context, query *spark.StreamingQuery) (progress *spark.Progress, status spark.QueryStatus, err error) {
	ctx, cancel := withAnswerTimeout(ctx, s.answerTimeout)
	defer cancel()
	if progress, err = query.LastProgress(ctx); err != nil {
		return nil, status, fmt.Errorf("ask the query for its progress: %w", err)
	}
	if status, err = query.Status(ctx); err != nil {
		return nil, status, fmt.Errorf("ask the query for its status: %w", err)
	}
	return progress, status, nil
}

// causeOfEnd is the error that ended a query.
func (s *supervisor) causeOfEnd(ctx context.Context, query *spark.StreamingQuery) error {
	ctx, cancel := withAnswerTimeout(ctx, s.answerTimeout)
	defer cancel()
	cause, err := query.Exception(ctx)
	if err != nil {
		return fmt.Errorf("ask why the query ended: %w", err)
	}
	if cause == nil {
		return errors.New("somebody else stopped the query")
	}
	return fmt.Errorf("the query ended: %w", cause)
}

// settle finds out how far a query has counted that has run no micro-batch since its start. Spark reports offsets with a
// micro-batch only, and after a restart there may be nothing left to count. It reports false if the query has work to do.
func (s *supervisor) settle(ctx context.Context, query *spark.StreamingQuery) (bool, error) {
	ends, err := kafka.StableEnds(ctx, s.runs.reader, election.VotesTopic)
	if err != nil {
		return false, err
	}
	settling, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := query.ProcessAllAvailable(settling); err != nil {
		if settling.Err() != nil && ctx.Err() == nil {
			return false, nil // there is something to do after all
		}
		return false, fmt.Errorf("wait for the query to settle: %w", err)
	}
	return true, s.runs.reportSettled(ctx, ends)
}
