package sparkjob

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/spark"
)

const (
	// pollEvery is how often the query is asked for its progress. Each question is a call, which keeps the session alive.
	pollEvery = 500 * time.Millisecond
	// settleTimeout bounds how long a query is waited for that has nothing to do.
	settleTimeout = 10 * time.Second
)

// attend finds the query that runs, or starts it, and follows it until it or the session ends. A session whose query has
// failed is ended by the next attend, which finds it noted. It returns nil when the query is to stop, or to run again.
func (s *supervisor) attend(ctx context.Context) error {
	if err := s.runs.open(ctx); err != nil {
		return err
	}
	if s.runs.noted.wanted.Stopped {
		return s.rest(ctx)
	}
	session, query, err := s.reconcile(ctx)
	if err != nil {
		return err
	}
	defer s.depart(ctx, session)
	return s.follow(ctx, query)
}

// depart leaves a session behind, in which the query goes on.
func (s *supervisor) depart(ctx context.Context, session *spark.Session) {
	if errors.Is(context.Cause(ctx), errLost) { // the query may be another's by now
		s.linger(ctx, session)
		return
	}
	session.Close()
}

// reconcile adopts the query of the session before, if it runs and is what ought to run. Otherwise it ends that session,
// and with it whatever goes on there, before it starts the query in a session of its own.
func (s *supervisor) reconcile(ctx context.Context) (*spark.Session, *spark.StreamingQuery, error) {
	wanted := newQuery(s.runs.current.Partitions, spark.ProcessingTime(s.Trigger))
	session, query, err := s.former(ctx)
	if errors.Is(err, errForsaken) { // it cannot change the totals of another run
		s.Log.Warn("the next run begins", "error", err)
		s.runs.forsaken, err = true, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if query != nil && s.runs.current.Session.Settings == wanted.fingerprint(s.Config) {
		over, err := s.over(ctx, session)
		if err == nil && !over {
			s.Log.Info("adopted the query", "run", s.runs.current.Run, "query", query.ID())
			err = s.runs.announce(ctx, running)
		}
		if err != nil {
			s.depart(ctx, session)
			return nil, nil, err
		}
		if !over {
			return session, query, nil
		}
	}
	if session != nil {
		if err := s.end(ctx, session); err != nil {
			return nil, nil, err
		}
	}
	if session, err = s.begin(ctx); err != nil {
		return nil, nil, err
	}
	if query, err = s.start(ctx, session); err != nil {
		s.abandon(ctx, session)
		return nil, nil, err
	}
	return session, query, nil
}

// abandon ends a session in which the query could not be started. Where there is no time for that, it is found noted if
// anything may run in it.
func (s *supervisor) abandon(ctx context.Context, session *spark.Session) {
	if ctx.Err() != nil {
		session.Close()
		return
	}
	if err := s.end(ctx, session); err != nil {
		s.Log.Debug("end the session without a query", "error", err)
	}
}

// over reports whether the next run must begin: the first, or one for a changed query or after the loss of a checkpoint.
func (s *supervisor) over(ctx context.Context, session *spark.Session) (bool, error) {
	if s.runs.changed() || s.runs.forsaken {
		return true, nil
	}
	if !s.runs.current.Began {
		return false, nil
	}
	there, err := s.there(ctx, session, s.runs.current.Run)
	return !there, err
}

// there reports whether a run's checkpoint exists.
func (s *supervisor) there(ctx context.Context, session *spark.Session, number int) (bool, error) {
	ctx, cancel := within(ctx, s.answerTimeout)
	defer cancel()
	return exists(ctx, session, run{Run: number}.checkpoint(s.Checkpoints))
}

// next begins the next run, with a number that no checkpoint has: there may be some of an election before, whose topics are gone.
func (s *supervisor) next(ctx context.Context, session *spark.Session) error {
	for number := s.runs.current.Run + 1; ; number++ {
		taken, err := s.there(ctx, session, number)
		if err != nil {
			return err
		}
		if !taken {
			return s.runs.next(ctx, number)
		}
	}
}

// start begins the next run where that is due, and starts the query of the current one. The session is noted before, so
// that whoever acts next can end it, and a start that comes late with it.
func (s *supervisor) start(ctx context.Context, session *spark.Session) (*spark.StreamingQuery, error) {
	over, err := s.over(ctx, session)
	if err != nil {
		return nil, err
	}
	if over {
		if err := s.next(ctx, session); err != nil {
			return nil, err
		}
	}
	wanted := newQuery(s.runs.current.Partitions, spark.ProcessingTime(s.Trigger))
	if err := s.runs.occupy(ctx, session, wanted.fingerprint(s.Config)); err != nil {
		return nil, err
	}
	if err := s.runs.announce(ctx, starting); err != nil {
		return nil, err
	}
	brief, cancel := within(ctx, startTimeout)
	defer cancel()
	query, err := wanted.start(brief, session, s.Config, s.record, s.runs.current)
	if err != nil {
		return nil, err
	}
	s.runs.metrics.starts.Inc()
	s.Log.Info("started the query", "run", s.runs.current.Run, "query", query.ID())
	return query, nil
}

// follow reports the query's progress until it ends, or is to end.
func (s *supervisor) follow(ctx context.Context, query *spark.StreamingQuery) error {
	ticker := time.NewTicker(s.pollEvery)
	defer ticker.Stop()
	settled, asked := false, time.Now()
	for {
		progress, status, err := s.look(ctx, query)
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
			return s.why(ctx, query)
		}
		if time.Since(asked) > s.wantedEvery {
			if unwanted, err := s.runs.unwanted(ctx); err != nil || unwanted {
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

// look asks the query what it has done and whether it goes on.
func (s *supervisor) look(ctx context.Context, query *spark.StreamingQuery) (progress *spark.Progress, status spark.QueryStatus, err error) {
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

// why is what ended a query.
func (s *supervisor) why(ctx context.Context, query *spark.StreamingQuery) error {
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
	return true, s.runs.settled(ctx, ends)
}
