package sparkjob

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"realtime-election/election"
	"realtime-election/sparkjob/connect"
)

// oldestSpark is the first major version whose Spark Connect has what the query needs.
const oldestSpark = 4

// dial connects, waiting up to a minute for a Spark that is away.
func (s *supervisor) dial(ctx context.Context, options ...connect.Option) (*connect.Session, error) {
	options = append(options, connect.WithRetry(patience()), connect.WithGRPC(grpc.WithConnectParams(reconnect())))
	if s.PlainText {
		options = append(options, connect.WithTokenInPlainText())
	}
	session, err := connect.Dial(ctx, s.Remote, options...)
	if err != nil {
		var answered *connect.Error
		if !errors.As(err, &answered) && ctx.Err() == nil { // nobody was asked yet
			return nil, &election.InputError{Text: fmt.Sprintf("--remote will not do: %v", err)}
		}
		return nil, fmt.Errorf("dial Spark: %w", err)
	}
	return session, nil
}

// begin makes a new session, on a Spark that is new enough.
func (s *supervisor) begin(ctx context.Context) (*connect.Session, error) {
	session, err := s.dial(ctx, connect.WithSessionID(connect.SessionID(uuid.NewString())))
	if err != nil {
		return nil, err
	}
	version, err := session.Version(ctx)
	if err == nil {
		major, _, _ := strings.Cut(version, ".")
		if number, not := strconv.Atoi(major); not != nil || number < oldestSpark {
			err = &election.InputError{Text: fmt.Sprintf("--remote is Spark %s, which is too old; the query needs Spark %d.0 or later", version, oldestSpark)}
		}
	}
	if err != nil {
		session.Close()
		return nil, err
	}
	return session, nil
}

// find comes back to a noted session, and to the query that runs in it. Both are nil where there is none any more: it was
// ended, has timed out, or Spark was started again.
func (s *supervisor) find(ctx context.Context, at place) (*connect.Session, *connect.StreamingQuery, error) {
	if at.ID == "" {
		return nil, nil, nil
	}
	session, err := s.dial(ctx, connect.WithSessionID(at.ID), connect.WithUserID(at.User), connect.WithServerSessionID(at.Server))
	if gone(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	queries, err := session.Streams().Active(ctx)
	if err != nil {
		session.Close()
		if gone(err) {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	for _, query := range queries {
		if query.Name() == election.QueryKey {
			return session, query, nil
		}
	}
	return session, nil, nil
}

// gone reports whether an error says that there is no such session any more.
func gone(err error) bool {
	return errors.Is(err, connect.ErrSessionChanged) || errors.Is(err, connect.ErrSessionClosed) || errors.Is(err, connect.ErrSessionNotFound)
}

// end ends a session, and with it the query that goes on in it: it may be that of an older run, which would write beside
// the new one. The next run counts as far as this one has by then, so it must have ended.
func (s *supervisor) end(ctx context.Context, session *connect.Session) error {
	defer session.Close()
	if err := s.runs.alone(); err != nil {
		return err
	}
	if err := session.Release(ctx); err != nil && !gone(err) {
		return fmt.Errorf("end the session before: %w", err)
	}
	return nil
}

// leave releases the session, and with it ends the query, when this program is asked to stop; ctx is over by then.
// When the query could not be started it clears away what is left of it.
func (s *supervisor) leave(ctx context.Context, session *connect.Session) {
	if s.runs.alone() != nil {
		return
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := session.Release(ending); err != nil {
		s.Log.Debug("release the session", "error", err)
	}
}

// lingerEvery is how often a session hears of who may not act in it.
const lingerEvery = 10 * time.Second

// linger keeps a session from timing out, and with it the query, while this submit has lost the lock: for as long as
// PostgreSQL is away nobody else does.
func (s *supervisor) linger(ctx context.Context, session *connect.Session) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	s.forget = func() { stop(); <-ended }
	go func() {
		defer close(ended)
		defer session.Close()
		if err := session.Heartbeat(ctx, lingerEvery); err != nil {
			s.Log.Debug("keep the session", "error", err) // somebody else has it by now
		}
	}()
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
