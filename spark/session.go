package spark

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"realtime-election/spark/wire"
)

type (
	// SessionID is a UUID that a client chooses for its session.
	SessionID string
	// UserID is whose session it is.
	UserID string
)

// Session is one Spark session on a server. It lives there until it is released or no call has come for the server's
// session timeout (60 minutes by default): closing the connection, or losing it, ends neither the session nor its streaming
// queries. Its methods are safe for concurrent use.
type Session struct {
	conn        *grpc.ClientConn
	target      target
	handshakes  *handshakes
	retry       RetryPolicy
	retryHook   func(Retry)
	callTimeout time.Duration
	silence     time.Duration
	planIDs     atomic.Int64
	version     string // of Spark, as the server said when it was dialled
	starts      starts

	mu       sync.Mutex
	observed string                  // the server-side session id, once known; sent with every call
	leaving  map[*execution]struct{} // closed by their callers, and not yet released

	background     context.Context // of releases still on their way
	stopBackground context.CancelFunc
	releases       sync.WaitGroup
	closeOnce      sync.Once
}

func newSession(conn *grpc.ClientConn, o *options) *Session {
	s := &Session{
		conn: conn, target: o.target, handshakes: &o.handshakes, retry: o.retry, retryHook: o.retryHook,
		callTimeout: o.callTimeout, silence: o.silence, observed: o.observed,
		starts: starts{changed: make(chan struct{}, 1)}, leaving: map[*execution]struct{}{},
	}
	s.background, s.stopBackground = context.WithCancel(context.Background())
	return s
}

// ID is the session id to Dial with to come back to this session.
func (s *Session) ID() SessionID { return s.target.sessionID }

// UserID is whose session it is; coming back takes the same user.
func (s *Session) UserID() UserID { return s.target.userID }

// ServerSessionID names the session as this run of the server knows it. A restarted server gives another.
func (s *Session) ServerSessionID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.observed
}

// Heartbeat keeps the session from timing out by asking for its active queries, at once and then every so often. It
// blocks until ctx ends, which it answers with nil, or until the session cannot be reached or is gone.
func (s *Session) Heartbeat(ctx context.Context, every time.Duration) error {
	for {
		if _, err := s.Streams().Active(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("refresh session %s: %w", s.ID(), err)
		}
		if s.retry.sleep(ctx, every) != nil {
			return nil
		}
	}
}

// InterruptAll cancels everything the session runs, its streaming queries included, and returns the ids of the
// operations it cancelled.
func (s *Session) InterruptAll(ctx context.Context) ([]OperationID, error) {
	request := s.interruptRequest(wire.InterruptRequest_INTERRUPT_TYPE_ALL)
	return s.interrupt(ctx, request)
}

// InterruptTag cancels what runs in the session under the tag (WithTag), streaming queries included, and returns the ids of the
// operations it cancelled; a streaming query's is that of its start.
func (s *Session) InterruptTag(ctx context.Context, tag string) ([]OperationID, error) {
	if err := checkTag(tag); err != nil {
		return nil, fmt.Errorf("interrupt session %s: %w", s.ID(), err)
	}
	request := s.interruptRequest(wire.InterruptRequest_INTERRUPT_TYPE_TAG)
	request.Interrupt = &wire.InterruptRequest_OperationTag{OperationTag: tag}
	return s.interrupt(ctx, request)
}

func (s *Session) interruptRequest(kind wire.InterruptRequest_InterruptType) *wire.InterruptRequest {
	return &wire.InterruptRequest{
		SessionId: string(s.ID()), UserContext: s.user(), ClientType: s.clientType(),
		ClientObservedServerSideSessionId: s.observedID(), InterruptType: kind,
	}
}

func (s *Session) interrupt(ctx context.Context, request *wire.InterruptRequest) ([]OperationID, error) {
	response := &wire.InterruptResponse{}
	if err := s.call(ctx, "Interrupt", request, response); err != nil {
		return nil, fmt.Errorf("interrupt session %s: %w", s.ID(), err)
	}
	ids := make([]OperationID, len(response.GetInterruptedIds()))
	for i, id := range response.GetInterruptedIds() {
		ids[i] = OperationID(id)
	}
	return ids, nil
}

// Release ends the session on the server: its streaming queries stop at once, its views and settings go, and its id
// cannot be used again. A program that means to come back must not release. Operations whose context was cancelled are ended first,
// which takes some seconds, and a minute at most: with the session Spark would lose hold of a job that is about to begin.
func (s *Session) Release(ctx context.Context) error {
	s.awaitLeaving(ctx)
	request := &wire.ReleaseSessionRequest{SessionId: string(s.ID()), UserContext: s.user(), ClientType: s.clientType()}
	if err := s.call(ctx, "ReleaseSession", request, &wire.ReleaseSessionResponse{}); err != nil {
		// A server without spark-mllib on its class path fails in the last step of a release, when the session is
		// closed already: what counts is whether it still answers.
		if _, after := s.Version(ctx); !cancelled(after) && errors.Is(after, ErrSessionClosed) {
			return nil
		}
		return fmt.Errorf("release session %s: %w", s.ID(), err)
	}
	return nil
}

// Close closes the connection and leaves the session and its streaming queries running. It waits at most five seconds for the
// server to be told which results are no longer needed, and for queries whose context was cancelled to be ended; the server ends
// what is left of them after five minutes. Call it when the session's other methods have returned; once is enough, and again does
// nothing.
func (s *Session) Close() (err error) {
	s.closeOnce.Do(func() {
		timer := time.AfterFunc(closeLimit, s.stopBackground)
		s.releases.Wait()
		timer.Stop()
		s.stopBackground()
		err = s.conn.Close()
	})
	return err
}

// leave notes an execution that its caller has closed.
func (s *Session) leave(e *execution) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaving[e] = struct{}{}
}

// left forgets an execution that the server need not know of any more.
func (s *Session) left(e *execution) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.leaving, e)
	close(e.released)
}

// awaitLeaving waits for the executions that were closed before, or for the context's end.
func (s *Session) awaitLeaving(ctx context.Context) {
	s.mu.Lock()
	leaving := slices.Collect(maps.Keys(s.leaving))
	s.mu.Unlock()
	for _, e := range leaving {
		select {
		case <-e.released:
		case <-ctx.Done():
		}
	}
}

func (s *Session) user() *wire.UserContext {
	return &wire.UserContext{UserId: string(s.UserID()), UserName: string(s.UserID())}
}

func (s *Session) clientType() *string {
	agent := s.target.clientType()
	return &agent
}

// observedID is what Spark needs to notice that it was restarted; nil before the first answer.
func (s *Session) observedID() *string {
	id := s.ServerSessionID()
	if id == "" {
		return nil
	}
	return &id
}
