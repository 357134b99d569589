package spark

import (
	"errors"

	"realtime-election/spark/internal/protocol"
)

// What callers branch on, for errors.Is. The text behind each is in the *Error it is found in.
var (
	// ErrSessionChanged: the server restarted; the session id now names a new, empty session. Dial with a new id.
	ErrSessionChanged = protocol.ErrSessionChanged
	// ErrSessionClosed: the session timed out or was released; its id cannot be used again. Dial with a new id.
	ErrSessionClosed = protocol.ErrSessionClosed
	// ErrSessionNotFound: the server does not know the session.
	ErrSessionNotFound = protocol.ErrSessionNotFound
	// ErrOperationNotFound: the server does not know, or no longer knows, the operation.
	ErrOperationNotFound = protocol.ErrOperationNotFound
	// ErrOperationLost: the server lost track of a command, most likely because the connection broke as the command began, which
	// may or may not have run. What only asks has then been sent again already; whether to repeat what writes, starts or defines is
	// the caller's decision. After a lost start of a streaming query, look at Streams().Active first.
	ErrOperationLost = protocol.ErrOperationLost
	// ErrQueryNotFound: the session has no such streaming query, or forgot it an hour after its end.
	ErrQueryNotFound = protocol.ErrQueryNotFound
	// ErrQueryRestarted: another run of the streaming query took the place of the handle's run.
	ErrQueryRestarted = protocol.ErrQueryRestarted
	// ErrEventsTaken: a session has one loop over its events, and another has taken the place of this, or has not left it.
	ErrEventsTaken = errors.New("another loop has the session's streaming events")
)

// Error is what Spark said went wrong. Its text is Spark's message, led by its class where the message does not already carry it, and
// errors.Is finds this package's sentinels in it. Its fields are
//
//	Code          codes.Code         of the call, in gRPC
//	Class         string             Spark's error condition, such as TABLE_OR_VIEW_NOT_FOUND; empty if Spark named none
//	SQLState      string             five characters, or empty
//	Message       string             for people; may be several lines
//	Parameters    map[string]string  the values inside Message, by name
//	Exceptions    []string           Java class names of the exception, from the thrown one up its hierarchy
//	StackTrace    string             on the server, if it sends one
//	Causes        []string           messages of the exceptions behind this one
//	QueryContexts []QueryContext     the places in the query that the error is about, the innermost first; empty if Spark named none
type Error = protocol.Error

// QueryContext is a place in a query, in Spark's words. Its fields are
//
//	ContextType string  SQL or DATAFRAME
//	ObjectType  string  such as VIEW; empty for the main query
//	ObjectName  string  such as the view's name; empty for the main query
//	StartIndex  int     in the text of the query, from 0; -1 where Spark knows none
//	StopIndex   int     of the last character
//	Fragment    string  of the query's text, or the name of a DataFrame's method
//	CallSite    string  of a DataFrame's method
//	Summary     string  for people; several lines
type QueryContext = protocol.QueryContext

// Retryable reports whether the same call may succeed if it is simply made again: the server was unreachable, the
// connection broke, or the server asked for a retry. What is retryable has already been retried by the time a caller sees it.
func Retryable(err error) bool { return protocol.Retryable(err) }
