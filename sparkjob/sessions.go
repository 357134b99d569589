package sparkjob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"realtime-election/election"
	"realtime-election/spark"
)

// oldestSpark is the first major version whose Spark Connect has what the query needs.
const oldestSpark = 4

// answerTimeout is how long Spark is waited for that is away, or that is there and does not answer, before that is what
// the status says; startTimeout is the same for the start of the query, before which Spark reads the definition's tables.
const answerTimeout, startTimeout = time.Minute, 5 * time.Minute

// within is a context for questions to Spark.
func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer from Spark in %s", timeout))
}

// dial connects to the Spark of a connection string.
func dial(ctx context.Context, remote string, plainText bool, options ...spark.Option) (*spark.Session, error) {
	options = append(options, spark.WithRetry(retryPolicy()), spark.WithGRPC(grpc.WithConnectParams(connectBackoff())))
	if plainText {
		options = append(options, spark.WithTokenInPlainText())
	}
	session, err := spark.Dial(ctx, remote, options...)
	if err != nil {
		var answered *spark.Error
		if !errors.As(err, &answered) && ctx.Err() == nil { // nobody was asked yet
			return nil, &election.Wrong{Setting: "remote", Text: fmt.Sprintf("will not do: %v", err)}
		}
		return nil, fmt.Errorf("dial Spark: %w", err)
	}
	return session, nil
}

// openSession makes a new session, on a Spark that is new enough.
func (s *supervisor) openSession(ctx context.Context) (*spark.Session, error) {
	ctx, cancel := within(ctx, s.answerTimeout)
	defer cancel()
	session, err := dial(ctx, s.Remote, s.PlainText, spark.WithSessionID(spark.SessionID(uuid.NewString())))
	if err != nil {
		return nil, err
	}
	version, err := session.Version(ctx)
	if err == nil {
		major, _, _ := strings.Cut(version, ".")
		if number, not := strconv.Atoi(major); not != nil || number < oldestSpark {
			err = &election.Wrong{Setting: "remote", Text: fmt.Sprintf("is Spark %s, which is too old; the query needs Spark %d.0 or later", version, oldestSpark)}
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
func find(ctx context.Context, remote string, plainText bool, at sessionRef) (*spark.Session, *spark.StreamingQuery, error) {
	if at.ID == "" {
		return nil, nil, nil
	}
	session, err := dial(ctx, remote, plainText, spark.WithSessionID(at.ID), spark.WithUserID(at.User), spark.WithServerSessionID(at.Server))
	if sessionGone(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	queries, err := session.Streams().Active(ctx)
	if err != nil {
		session.Close()
		if sessionGone(err) {
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

// notedSession finds the session in which the query was started last, and the query where it runs. Nobody but Remote is asked:
// the noted address comes from a topic, and a stranger who can write there must not be sent the token. The error is errQueryElsewhere
// where the session was made on a Spark of another address, and Remote does not know it.
func (s *supervisor) notedSession(ctx context.Context) (*spark.Session, *spark.StreamingQuery, error) {
	at := s.runs.current.Session
	asking, cancel := within(ctx, s.answerTimeout)
	defer cancel()
	session, query, err := find(asking, s.Remote, s.PlainText, at)
	if err == nil && session == nil && at.Spark != "" && at.Spark != sparkAt(s.Remote) {
		return nil, nil, fmt.Errorf("%w on %s, which is not the Spark that submit is given: stop that Spark, or it counts on until the session times out", errQueryElsewhere, at.Spark)
	}
	return session, query, err
}

// errQueryElsewhere is of a query that may go on where nobody ends it.
var errQueryElsewhere = errors.New("the query was last started")

// sparkAt is the host:port of a connection string.
func sparkAt(remote string) string {
	parsed, err := url.Parse(remote)
	if err != nil {
		return ""
	}
	return net.JoinHostPort(parsed.Hostname(), cmp.Or(parsed.Port(), strconv.Itoa(spark.DefaultPort)))
}

// sessionGone reports whether an error says that there is no such session any more.
func sessionGone(err error) bool {
	return errors.Is(err, spark.ErrSessionChanged) || errors.Is(err, spark.ErrSessionClosed) || errors.Is(err, spark.ErrSessionNotFound)
}

// end ends a session, and with it the query that goes on in it: it may be that of an older run, which would write beside
// the new one. The next run counts as far as this one has by then, so it must have ended.
func (s *supervisor) end(ctx context.Context, session *spark.Session) error {
	defer session.Close()
	if err := s.runs.mayAct(); err != nil {
		return err
	}
	ctx, cancel := within(ctx, s.answerTimeout)
	defer cancel()
	if err := session.Release(ctx); err != nil && !sessionGone(err) {
		return fmt.Errorf("end the session before: %w", err)
	}
	return nil
}

// endQuery ends the session in which the query was started last, when this program is asked to stop: also where it has lost
// touch with it, or has not found it yet. ctx is over by then.
func (s *supervisor) endQuery(ctx context.Context) {
	ending, cancel := within(context.WithoutCancel(ctx), quitTimeout)
	defer cancel()
	err := s.runs.mayAct()
	if err == nil {
		var session *spark.Session
		if session, _, err = s.notedSession(ending); err == nil && session != nil {
			err = s.end(ending, session)
		}
	}
	if err != nil {
		s.Log.Warn("the query may go on until its session times out", "error", firstLine(err))
	}
}

// quitTimeout and the two seconds of Session.Close are within the ten that Docker gives a container to stop.
const quitTimeout = 6 * time.Second

// keepAliveEvery is how often submit calls its session while it may not act in it.
const keepAliveEvery = 10 * time.Second

// keepSessionAlive keeps a session from timing out, and with it the query, while this submit has lost the lock: for as long as
// PostgreSQL is away nobody else does.
func (s *supervisor) keepSessionAlive(ctx context.Context, session *spark.Session) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	s.stopKeepingAlive = func() { stop(); <-ended }
	go func() {
		defer close(ended)
		defer session.Close()
		if err := session.Heartbeat(ctx, keepAliveEvery); err != nil {
			s.Log.Debug("keep the session", "error", err) // somebody else has it by now
		}
	}()
}

// retryPolicy is for a Spark that is away for a while: it is asked every second, for a minute, so that the query is started
// again soon after Spark is.
func retryPolicy() spark.RetryPolicy {
	policy := spark.DefaultRetry()
	policy.Retries, policy.Max, policy.Jitter = 60, time.Second, 0
	return policy
}

func connectBackoff() grpc.ConnectParams {
	params := grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: 5 * time.Second}
	params.Backoff.BaseDelay, params.Backoff.MaxDelay = 200*time.Millisecond, time.Second
	return params
}
