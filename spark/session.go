package spark

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"realtime-election/spark/internal/protocol"
)

type (
	// SessionID is a UUID that a client chooses for its session.
	SessionID string
	// UserID is whose session it is.
	UserID string
	// OperationID names one execution on the server; it is also the key under which a request sent twice runs once.
	OperationID string
)

// Session is one Spark session on a server. It lives there until it is released or no call has come for the server's
// session timeout (60 minutes by default): closing the connection, or losing it, ends neither the session nor its streaming
// queries. Its methods are safe for concurrent use.
type Session struct {
	conn    *protocol.Conn
	planIDs atomic.Int64
	starts  starts
}

// ID is the session id to Dial with to come back to this session.
func (s *Session) ID() SessionID { return SessionID(s.conn.SessionID()) }

// UserID is whose session it is; coming back takes the same user.
func (s *Session) UserID() UserID { return UserID(s.conn.UserID()) }

// ServerSessionID names the session as this run of the server knows it. A restarted server gives another.
func (s *Session) ServerSessionID() string { return s.conn.ServerSessionID() }

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
		if s.conn.Pause(ctx, every) != nil {
			return nil
		}
	}
}

// InterruptAll cancels everything the session runs, its streaming queries included, and returns the ids of the
// operations it cancelled.
func (s *Session) InterruptAll(ctx context.Context) ([]OperationID, error) {
	return s.interrupted(s.conn.InterruptAll(ctx))
}

// InterruptTag cancels what runs in the session under the tag (WithTag), streaming queries included, and returns the ids of the
// operations it cancelled; a streaming query's is that of its start.
func (s *Session) InterruptTag(ctx context.Context, tag string) ([]OperationID, error) {
	return s.interrupted(s.conn.InterruptTag(ctx, tag))
}

func (s *Session) interrupted(operations []string, err error) ([]OperationID, error) {
	if err != nil {
		return nil, fmt.Errorf("interrupt session %s: %w", s.ID(), err)
	}
	ids := make([]OperationID, len(operations))
	for i, id := range operations {
		ids[i] = OperationID(id)
	}
	return ids, nil
}

// Release ends the session on the server: its streaming queries stop at once, its views and settings go, and its id
// cannot be used again. A program that means to come back must not release. Operations whose context was cancelled are ended first,
// which takes some seconds, and a minute at most: with the session Spark would lose hold of a job that is about to begin.
func (s *Session) Release(ctx context.Context) error {
	if err := s.conn.ReleaseSession(ctx); err != nil {
		return fmt.Errorf("release session %s: %w", s.ID(), err)
	}
	return nil
}

// Close closes the connection and leaves the session and its streaming queries running. It waits at most five seconds for the
// server to be told which results are no longer needed, and for queries whose context was cancelled to be ended; the server ends
// what is left of them after five minutes. Call it when the session's other methods have returned; once is enough, and again does
// nothing.
func (s *Session) Close() error { return s.conn.Close() }
