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
	"realtime-election/internal/peer"
	"realtime-election/spark"
)

// oldestSpark is the first major version of Spark that can run the query over Spark Connect.
const oldestSpark = 4

// answerTimeout is how long submit waits for an answer of Spark before the status says that there is none. startTimeout is
// the same for the start of the query, for which Spark reads the definition's tables.
const answerTimeout, startTimeout = time.Minute, 5 * time.Minute

// withAnswerTimeout is a context for questions to Spark. Its error says that Spark has not answered.
func withAnswerTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer from Spark in %s", timeout))
}

// dial connects to the Spark of a connection string.
func (r Remote) dial(ctx context.Context, options ...spark.Option) (*spark.Session, error) {
	options = append(options, spark.WithRetry(retryPolicy()), spark.WithGRPC(grpc.WithConnectParams(connectBackoff())))
	if r.PlainText {
		options = append(options, spark.WithTokenInPlainText())
	}
	if r.OfThisUser {
		options = append(options, spark.WithGRPC(grpc.WithContextDialer(peer.Dial)))
	}
	session, err := spark.Dial(ctx, r.URL, options...)
	if err != nil {
		var answered *spark.Error
		if !errors.As(err, &answered) && ctx.Err() == nil { // Dial has not asked Spark yet
			return nil, &election.Wrong{Setting: "remote", Text: fmt.Sprintf("cannot be used: %v", err)}
		}
		return nil, fmt.Errorf("dial Spark: %w", err)
	}
	return session, nil
}

// openSession opens a new session. It is an error if Spark is older than oldestSpark.
func (s *supervisor) openSession(ctx context.Context) (*spark.Session, error) {
	ctx, cancel := withAnswerTimeout(ctx, s.answerTimeout)
	defer cancel()
	session, err := s.Remote.dial(ctx, spark.WithSessionID(spark.SessionID(uuid.NewString())))
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

// resumeSession connects to an existing session, and returns the query that runs there, or nil where none does. Both are nil
// if the session is gone: it was ended, has timed out, or Spark was started again.
func (r Remote) resumeSession(ctx context.Context, at sessionRef) (*spark.Session, *spark.StreamingQuery, error) {
	if at.ID == "" {
		return nil, nil, nil
	}
	session, err := r.dial(ctx, spark.WithSessionID(at.ID), spark.WithUserID(at.User), spark.WithServerSessionID(at.ServerSessionID))
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

// notedSession resumes the session that the topic of runs names for the current run. It connects only to Remote: a stranger
// who can write the topic could put an address there, which must not be sent the token. The error is errQueryElsewhere if the
// session was opened on a Spark at another address, and Remote does not know it.
func (s *supervisor) notedSession(ctx context.Context) (*spark.Session, *spark.StreamingQuery, error) {
	at := s.runs.current.Session
	asking, cancel := withAnswerTimeout(ctx, s.answerTimeout)
	defer cancel()
	session, query, err := s.Remote.resumeSession(asking, at)
	if err == nil && session == nil && at.Spark != "" && at.Spark != s.Remote.at() {
		return nil, nil, fmt.Errorf("%w on %s, which is not the Spark that submit is given: stop that Spark, or its query goes on until the session times out", errQueryElsewhere, at.Spark)
	}
	return session, query, err
}

// errQueryElsewhere is the error where the query may go on in a Spark that submit does not call.
var errQueryElsewhere = errors.New("the query was last started")

// at is its host:port.
func (r Remote) at() string {
	parsed, err := url.Parse(r.URL)
	if err != nil {
		return ""
	}
	return net.JoinHostPort(parsed.Hostname(), cmp.Or(parsed.Port(), strconv.Itoa(spark.DefaultPort)))
}

// sessionGone reports whether an error says that there is no such session any more.
func sessionGone(err error) bool {
	return errors.Is(err, spark.ErrSessionChanged) || errors.Is(err, spark.ErrSessionClosed) || errors.Is(err, spark.ErrSessionNotFound)
}

// endSession ends a session and the query in it, since the query of an older run would go on writing beside that of the next
// run. It returns when they have ended, so that the old query counts no more when the next run notes how far it must catch up.
func (s *supervisor) endSession(ctx context.Context, session *spark.Session) error {
	defer session.Close()
	if err := s.runs.mayAct(); err != nil {
		return err
	}
	ctx, cancel := withAnswerTimeout(ctx, s.answerTimeout)
	defer cancel()
	if err := session.Release(ctx); err != nil && !sessionGone(err) {
		return fmt.Errorf("end the previous session: %w", err)
	}
	return nil
}

// endQuery ends the session of the query when this program is asked to stop, even if submit has lost its connection to the
// session, or has not looked for it yet. ctx has ended by then.
func (s *supervisor) endQuery(ctx context.Context) {
	ctx, cancel := withAnswerTimeout(context.WithoutCancel(ctx), quitTimeout)
	defer cancel()
	err := s.runs.mayAct()
	if err == nil {
		var session *spark.Session
		if session, _, err = s.notedSession(ctx); err == nil && session != nil {
			err = s.endSession(ctx, session)
		}
	}
	if err != nil {
		s.Log.Warn("the query may go on until its session times out", "error", firstLine(err))
	}
}

// quitTimeout, together with the two seconds of Session.Close, is less than the ten that Docker gives a container to stop.
const quitTimeout = 6 * time.Second

// keepAliveEvery is how often submit calls its session while it may not act in it.
const keepAliveEvery = 10 * time.Second

// keepSessionAlive keeps a session, and the query in it, from timing out while this submit has lost the lock. No other submit
// does so while PostgreSQL is away.
func (s *supervisor) keepSessionAlive(ctx context.Context, session *spark.Session) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	s.stopKeepingAlive = func() { stop(); <-ended }
	go func() {
		defer close(ended)
		defer session.Close()
		if err := session.Heartbeat(ctx, keepAliveEvery); err != nil {
			s.Log.Debug("keep the session", "error", err) // another submit has ended it
		}
	}()
}

// retryPolicy asks a Spark that does not answer every second, for a minute, so that the query starts soon after Spark has
// started.
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
