package spark

import (
	"context"
	"fmt"
	"time"

	"realtime-election/spark/wire"
)

type (
	// QueryID names a streaming query for as long as its checkpoint lives.
	QueryID string
	// RunID names one run of a streaming query, from a start to its end.
	RunID string
)

// terminationPoll is how long one question for a query's end may block on the server: a longer one could hang on a
// connection that died without a word.
const terminationPoll = 5 * time.Second

// StreamingQuery is a handle on a query that runs on the server. A query that ended stays readable, from its own session,
// for an hour; after that its methods return ErrQueryNotFound.
type StreamingQuery struct {
	session *Session
	id      QueryID
	runID   RunID
	name    string
}

// QueryStatus is what a streaming query is doing right now.
type QueryStatus struct {
	Message       string // such as "Processing new data"
	Active        bool
	DataAvailable bool
	TriggerActive bool
}

func newQuery(s *Session, id *wire.StreamingQueryInstanceId, name string) *StreamingQuery {
	return &StreamingQuery{session: s, id: QueryID(id.GetId()), runID: RunID(id.GetRunId()), name: name}
}

// ID is the same over restarts from one checkpoint.
func (q *StreamingQuery) ID() QueryID { return q.id }

// RunID is new with each start.
func (q *StreamingQuery) RunID() RunID { return q.runID }

// Name is the name the query was given, or empty.
func (q *StreamingQuery) Name() string { return q.name }

// String names the query for people.
func (q *StreamingQuery) String() string {
	if q.name != "" {
		return q.name
	}
	return string(q.id)
}

// Status returns what the query is doing.
func (q *StreamingQuery) Status(ctx context.Context) (QueryStatus, error) {
	result, err := q.ask(ctx, "status", &wire.StreamingQueryCommand{Command: &wire.StreamingQueryCommand_Status{Status: true}})
	status := result.GetStatus()
	return QueryStatus{
		Message: status.GetStatusMessage(), Active: status.GetIsActive(),
		DataAvailable: status.GetIsDataAvailable(), TriggerActive: status.GetIsTriggerActive(),
	}, err
}

// LastProgress returns the report of the latest batch, or nil before the first.
func (q *StreamingQuery) LastProgress(ctx context.Context) (*Progress, error) {
	all, err := q.progress(ctx, &wire.StreamingQueryCommand{Command: &wire.StreamingQueryCommand_LastProgress{LastProgress: true}})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[len(all)-1], nil
}

// RecentProgress returns the reports the server still holds, oldest first; spark.sql.streaming.numRecentProgressUpdates
// says how many, 100 by default.
func (q *StreamingQuery) RecentProgress(ctx context.Context) ([]*Progress, error) {
	return q.progress(ctx, &wire.StreamingQueryCommand{Command: &wire.StreamingQueryCommand_RecentProgress{RecentProgress: true}})
}

func (q *StreamingQuery) progress(ctx context.Context, command *wire.StreamingQueryCommand) ([]*Progress, error) {
	result, err := q.ask(ctx, "progress", command)
	if err != nil {
		return nil, err
	}
	texts := result.GetRecentProgress().GetRecentProgressJson()
	reports := make([]*Progress, len(texts))
	for i, text := range texts {
		if reports[i], err = ParseProgress([]byte(text)); err != nil {
			return nil, fmt.Errorf("progress of streaming query %s: %w", q, err)
		}
	}
	return reports, nil
}

// Exception returns what ended the query, or nil while it runs or after it was stopped. The second value is about the asking.
func (q *StreamingQuery) Exception(ctx context.Context) (*Error, error) {
	result, err := q.ask(ctx, "exception", &wire.StreamingQueryCommand{Command: &wire.StreamingQueryCommand_Exception{Exception: true}})
	if err != nil {
		return nil, err
	}
	exception := result.GetException()
	if exception == nil || exception.ExceptionMessage == nil {
		return nil, nil
	}
	failure := &Error{Class: exception.GetErrorClass(), Message: exception.GetExceptionMessage(), StackTrace: exception.GetStackTrace()}
	q.session.conn.Token().Redact(failure)
	return failure, nil
}

// Explain returns the plan of the latest batch as Spark prints it, extended by the logical plans if asked.
func (q *StreamingQuery) Explain(ctx context.Context, extended bool) (string, error) {
	result, err := q.ask(ctx, "plan", &wire.StreamingQueryCommand{Command: &wire.StreamingQueryCommand_Explain{
		Explain: &wire.StreamingQueryCommand_ExplainCommand{Extended: extended},
	}})
	return result.GetExplain().GetResult(), err
}

// Stop ends the run and blocks until it has ended. The query can be started again from its checkpoint.
func (q *StreamingQuery) Stop(ctx context.Context) error {
	_, err := q.ask(ctx, "stop", &wire.StreamingQueryCommand{Command: &wire.StreamingQueryCommand_Stop{Stop: true}})
	return err
}

// ProcessAllAvailable blocks until everything the source had is in the sink, or the query failed. For tests: on a source
// that never pauses it may never return.
func (q *StreamingQuery) ProcessAllAvailable(ctx context.Context) error {
	_, err := q.ask(ctx, "process all available", &wire.StreamingQueryCommand{Command: &wire.StreamingQueryCommand_ProcessAllAvailable{ProcessAllAvailable: true}})
	return err
}

// AwaitTermination blocks until the query ends: nil after a stop, the *Error it failed with, or ctx's error. It asks
// again every few seconds, which keeps the session alive as well.
func (q *StreamingQuery) AwaitTermination(ctx context.Context) error {
	timeout := terminationPoll.Milliseconds()
	for {
		result, err := q.ask(ctx, "await the end", &wire.StreamingQueryCommand{Command: &wire.StreamingQueryCommand_AwaitTermination{
			AwaitTermination: &wire.StreamingQueryCommand_AwaitTerminationCommand{TimeoutMs: &timeout},
		}})
		if err != nil {
			return err
		}
		if result.GetAwaitTermination().GetTerminated() {
			return nil
		}
	}
}

func (q *StreamingQuery) ask(ctx context.Context, what string, command *wire.StreamingQueryCommand) (*wire.StreamingQueryCommandResult, error) {
	command.QueryId = &wire.StreamingQueryInstanceId{Id: string(q.id), RunId: string(q.runID)}
	answers, err := q.session.conn.Run(ctx, &wire.Command{CommandType: &wire.Command_StreamingQueryCommand{StreamingQueryCommand: command}})
	if err != nil {
		return nil, fmt.Errorf("%s of streaming query %s: %w", what, q, err)
	}
	for _, answer := range answers {
		if result := answer.GetStreamingQueryCommandResult(); result != nil {
			return result, nil
		}
	}
	return nil, fmt.Errorf("%s of streaming query %s: the server ended the command without an answer", what, q)
}
