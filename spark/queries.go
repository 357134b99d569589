package spark

import (
	"context"
	"errors"
	"fmt"

	"realtime-election/spark/wire"
)

// StreamingQueries are the streaming queries of a session: spark.streams in Spark's documentation.
type StreamingQueries struct{ session *Session }

// Streams gives access to the session's streaming queries.
func (s *Session) Streams() StreamingQueries { return StreamingQueries{session: s} }

// Active returns the queries that run in the session, also those an earlier connection started.
func (m StreamingQueries) Active(ctx context.Context) ([]*StreamingQuery, error) {
	result, err := m.ask(ctx, "list the active streaming queries", &wire.StreamingQueryManagerCommand{
		Command: &wire.StreamingQueryManagerCommand_Active{Active: true},
	})
	if err != nil {
		return nil, err
	}
	instances := result.GetActive().GetActiveQueries()
	queries := make([]*StreamingQuery, len(instances))
	for i, instance := range instances {
		queries[i] = newQuery(m.session, instance.GetId(), instance.GetName())
	}
	return queries, nil
}

// Get returns the active query of that id, or ErrQueryNotFound.
func (m StreamingQueries) Get(ctx context.Context, id QueryID) (*StreamingQuery, error) {
	result, err := m.ask(ctx, "find streaming query "+string(id), &wire.StreamingQueryManagerCommand{
		Command: &wire.StreamingQueryManagerCommand_GetQuery{GetQuery: string(id)},
	})
	if err != nil {
		return nil, err
	}
	instance := result.GetQuery()
	if instance == nil {
		return nil, fmt.Errorf("find streaming query %s: %w", id, ErrQueryNotFound)
	}
	return newQuery(m.session, instance.GetId(), instance.GetName()), nil
}

// Attach makes a handle on a query known from before, active or ended, without asking the server. It is how a program
// that was restarted still reads why its query ended.
func (m StreamingQueries) Attach(id QueryID, run RunID, name string) *StreamingQuery {
	return &StreamingQuery{session: m.session, id: id, runID: run, name: name}
}

// ResetTerminated forgets past ends, so that AwaitAnyTermination waits for the next.
func (m StreamingQueries) ResetTerminated(ctx context.Context) error {
	_, err := m.ask(ctx, "forget ended streaming queries", &wire.StreamingQueryManagerCommand{
		Command: &wire.StreamingQueryManagerCommand_ResetTerminated{ResetTerminated: true},
	})
	return err
}

// AwaitAnyTermination blocks until any query of the session has ended since the last ResetTerminated: nil after a stop, the
// *Error one failed with, or ctx's error. It asks again every few seconds.
func (m StreamingQueries) AwaitAnyTermination(ctx context.Context) error {
	timeout := terminationPoll.Milliseconds()
	for {
		result, err := m.ask(ctx, "await the end of any streaming query", &wire.StreamingQueryManagerCommand{
			Command: &wire.StreamingQueryManagerCommand_AwaitAnyTermination{
				AwaitAnyTermination: &wire.StreamingQueryManagerCommand_AwaitAnyTerminationCommand{TimeoutMs: &timeout},
			},
		})
		if err != nil {
			return err
		}
		if result.GetAwaitAnyTermination().GetTerminated() {
			return nil
		}
	}
}

func (m StreamingQueries) ask(ctx context.Context, what string, command *wire.StreamingQueryManagerCommand) (*wire.StreamingQueryManagerCommandResult, error) {
	answers, err := m.session.conn.Run(ctx, &wire.Command{CommandType: &wire.Command_StreamingQueryManagerCommand{StreamingQueryManagerCommand: command}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	for _, answer := range answers {
		if result := answer.GetStreamingQueryManagerCommandResult(); result != nil {
			return result, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", what, errors.New("the server ended the command without an answer"))
}
