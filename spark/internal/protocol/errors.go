package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"realtime-election/spark/wire"
)

// What callers branch on, for errors.Is; package spark says what to do about each.
var (
	ErrSessionChanged    = errors.New("the server-side session was replaced")
	ErrSessionClosed     = errors.New("the session is closed")
	ErrSessionNotFound   = errors.New("the session is unknown to the server")
	ErrOperationNotFound = errors.New("the operation is unknown to the server")
	ErrOperationLost     = errors.New("the server lost the operation, which may or may not have run")
	ErrQueryNotFound     = errors.New("the streaming query is unknown to the session")
	ErrQueryRestarted    = errors.New("the streaming query was restarted")
)

// Error is what Spark said went wrong.
type Error struct {
	Code       codes.Code        // of the call
	Class      string            // Spark's error condition, such as TABLE_OR_VIEW_NOT_FOUND; empty if Spark named none
	SQLState   string            // five characters, or empty
	Message    string            // for people; may be several lines
	Parameters map[string]string // the values inside Message, by name
	Exceptions []string          // Java class names of the exception, from the thrown one up its hierarchy
	StackTrace string            // on the server, if it sends one
	Causes     []string          // messages of the exceptions behind this one
	// QueryContexts are the places in the query that the error is about, the innermost first; empty if Spark named none.
	QueryContexts []QueryContext
	errorID       string
	retryAfter    time.Duration
	retryInfo     bool
	lasting       bool // the next attempt would fail as well
}

// QueryContext is a place in a query, in Spark's words.
type QueryContext struct {
	ContextType string // SQL or DATAFRAME
	ObjectType  string // such as VIEW; empty for the main query
	ObjectName  string // such as the view's name; empty for the main query
	StartIndex  int    // in the text of the query, from 0; -1 where Spark knows none
	StopIndex   int    // of the last character
	Fragment    string // of the query's text, or the name of a DataFrame's method
	CallSite    string // of a DataFrame's method
	Summary     string // for people; several lines
}

// Error gives Spark's message, led by its class where the message does not already carry it.
func (e *Error) Error() string {
	message := e.Message
	if message == "" {
		message = e.Code.String()
	}
	if e.Class != "" && !strings.Contains(message, e.Class) {
		return fmt.Sprintf("spark: [%s] %s", e.Class, message)
	}
	return "spark: " + message
}

// Is reports whether the error is one of this package's sentinels.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrSessionChanged:
		return e.isOfClass("INVALID_HANDLE.SESSION_CHANGED")
	case ErrSessionClosed:
		return e.isOfClass("INVALID_HANDLE.SESSION_CLOSED")
	case ErrSessionNotFound:
		return e.isOfClass("INVALID_HANDLE.SESSION_NOT_FOUND")
	case ErrOperationNotFound:
		return e.isOfClass("INVALID_HANDLE.OPERATION_NOT_FOUND")
	case ErrOperationLost:
		// Before 4.2, an orphaned operation has no class.
		return e.isOfClass("INVALID_HANDLE.OPERATION_ABANDONED") || e.isOfClass("SPARK_CONNECT_ILLEGAL_STATE.EXECUTION_STATE_OPERATION_ORPHANED") ||
			e.Class == "" && strings.Contains(e.Message, "Operation was orphaned")
	case ErrQueryNotFound:
		return e.isOfClass("CONNECT_INVALID_PLAN.STREAMING_QUERY_NOT_FOUND")
	case ErrQueryRestarted:
		return e.isOfClass("CONNECT_INVALID_PLAN.STREAMING_QUERY_RUN_ID_MISMATCH")
	}
	return false
}

// isOfClass tells whether the error is of a class. Older servers put the class into the message only.
func (e *Error) isOfClass(class string) bool {
	return e.Class == class || e.Class == "" && strings.Contains(e.Message, "["+class+"]")
}

// Retryable reports whether the same call may succeed if it is simply made again: the server was unreachable, the
// connection broke, or the server asked for a retry. What is retryable has already been retried by the time a caller sees it.
func Retryable(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.lasting {
		return false
	}
	return e.retryInfo || e.Code == codes.Unavailable ||
		e.Code == codes.Internal && strings.Contains(e.Message, "INVALID_CURSOR.DISCONNECTED")
}

func serverDelay(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.retryAfter
	}
	return 0
}

// newError reads what a gRPC status carries. The token is cut out of anything a server may echo.
func newError(err error, token Token) *Error {
	st := status.Convert(err)
	e := &Error{Code: st.Code(), Message: st.Message()}
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			e.readInfo(detail)
		case *errdetails.RetryInfo:
			e.retryInfo, e.retryAfter = true, detail.GetRetryDelay().AsDuration()
		}
	}
	if e.Class == "" {
		e.Class = classInBrackets(e.Message)
	}
	token.Redact(e)
	return e
}

func (e *Error) readInfo(info *errdetails.ErrorInfo) {
	meta := info.GetMetadata()
	e.Class, e.SQLState, e.StackTrace, e.errorID = meta["errorClass"], meta["sqlState"], meta["stackTrace"], meta["errorId"]
	// Both are JSON text. A server that cuts them off leaves them unreadable: FetchErrorDetails has them whole.
	_ = json.Unmarshal([]byte(meta["classes"]), &e.Exceptions)
	_ = json.Unmarshal([]byte(meta["messageParameters"]), &e.Parameters)
	if len(e.Exceptions) == 0 && info.GetReason() != "" {
		e.Exceptions = []string{info.GetReason()}
	}
}

// readDetails replaces what the status said, which is cut to fit a header, by the whole.
func (e *Error) readDetails(details *wire.FetchErrorDetailsResponse, token Token) {
	all := details.GetErrors()
	index := int(details.GetRootErrorIdx())
	if details.RootErrorIdx == nil || index < 0 || index >= len(all) {
		return
	}
	root := all[index]
	e.Exceptions = root.GetErrorTypeHierarchy()
	if root.GetMessage() != "" {
		e.Message = root.GetMessage()
	}
	if spark := root.GetSparkThrowable(); spark != nil {
		e.Class, e.Parameters = spark.GetErrorClass(), spark.GetMessageParameters()
		e.QueryContexts = queryContexts(spark.GetQueryContexts())
		if spark.GetSqlState() != "" {
			e.SQLState = spark.GetSqlState()
		}
	}
	if e.Class == "" {
		e.Class = classInBrackets(e.Message)
	}
	if trace := stackTrace(root); trace != "" {
		e.StackTrace = trace
	}
	// A chain of causes is at most as long as the list: a server's loop must not become ours.
	e.Causes = nil
	for range all {
		if root.CauseIdx == nil || int(root.GetCauseIdx()) < 0 || int(root.GetCauseIdx()) >= len(all) {
			break
		}
		root = all[root.GetCauseIdx()]
		e.Causes = append(e.Causes, root.GetMessage())
	}
	token.Redact(e)
}

func queryContexts(sent []*wire.FetchErrorDetailsResponse_QueryContext) []QueryContext {
	var contexts []QueryContext
	for _, c := range sent {
		contexts = append(contexts, QueryContext{
			ContextType: c.GetContextType().String(), ObjectType: c.GetObjectType(), ObjectName: c.GetObjectName(),
			StartIndex: int(c.GetStartIndex()), StopIndex: int(c.GetStopIndex()), Fragment: c.GetFragment(), CallSite: c.GetCallSite(), Summary: c.GetSummary(),
		})
	}
	return contexts
}

func stackTrace(of *wire.FetchErrorDetailsResponse_Error) string {
	var b strings.Builder
	for _, frame := range of.GetStackTrace() {
		fmt.Fprintf(&b, "%s.%s(%s:%d)\n", frame.GetDeclaringClass(), frame.GetMethodName(), frame.GetFileName(), frame.GetLineNumber())
	}
	return b.String()
}

// classInBrackets finds the condition in a message such as "[TABLE_OR_VIEW_NOT_FOUND] The table …".
func classInBrackets(message string) string {
	rest, ok := strings.CutPrefix(message, "[")
	if !ok {
		return ""
	}
	class, _, ok := strings.Cut(rest, "]")
	if !ok || class == "" || strings.Trim(class, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") != "" {
		return ""
	}
	return class
}
