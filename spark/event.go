package spark

import (
	"encoding/json"
	"fmt"
	"time"

	"realtime-election/spark/internal/protocol"
	"realtime-election/spark/wire"
)

// Event is what happened to a streaming query: one of ListenerAdded, QueryStarted, QueryProgress, QueryIdle and
// QueryTerminated, for a type switch. They are the events of Spark's StreamingQueryListener.
type Event interface{ event() }

type (
	// ListenerAdded is the first event that the server sends: from here on nothing that happens is missed. A start through
	// this Session while the loop begins may come before it.
	ListenerAdded struct{}

	// QueryStarted is a query that was started through this Session. Spark reports a start to the client that made it, and
	// to no other.
	QueryStarted struct {
		ID        QueryID   `json:"id"`
		RunID     RunID     `json:"runId"`
		Name      string    `json:"name"`
		Timestamp time.Time `json:"timestamp"`
		JobTags   []string  `json:"jobTags"`
	}

	// QueryProgress is the report of a batch.
	QueryProgress struct{ Progress *Progress }

	// QueryIdle is a query that found nothing to do. Spark repeats it every ten seconds, the setting
	// spark.sql.streaming.noDataProgressEventInterval.
	QueryIdle struct {
		ID        QueryID   `json:"id"`
		RunID     RunID     `json:"runId"`
		Timestamp time.Time `json:"timestamp"`
	}

	// QueryTerminated is the end of a run.
	QueryTerminated struct {
		ID        QueryID
		RunID     RunID
		Exception *Error // nil after a stop, or when all of a bounded trigger's work was done
	}
)

func (ListenerAdded) event()   {}
func (QueryStarted) event()    {}
func (QueryProgress) event()   {}
func (QueryIdle) event()       {}
func (QueryTerminated) event() {}

func parseStarted(text string) (Event, error) {
	var started QueryStarted
	if err := json.Unmarshal([]byte(text), &started); err != nil {
		return nil, fmt.Errorf("read a started event: %w", err)
	}
	return started, nil
}

// parseEvent reads an event of the listener's stream; nil for a kind that this client does not know.
func parseEvent(of *wire.StreamingQueryListenerEvent, token protocol.Token) (Event, error) {
	text := []byte(of.GetEventJson())
	switch of.GetEventType() {
	case wire.StreamingQueryEventType_QUERY_PROGRESS_EVENT:
		progress, err := parseProgressEvent(text)
		if err != nil {
			return nil, err
		}
		return QueryProgress{progress}, nil
	case wire.StreamingQueryEventType_QUERY_IDLE_EVENT:
		var idle QueryIdle
		if err := json.Unmarshal(text, &idle); err != nil {
			return nil, fmt.Errorf("read an idle event: %w", err)
		}
		return idle, nil
	case wire.StreamingQueryEventType_QUERY_TERMINATED_EVENT:
		return parseTerminated(text, token)
	}
	return nil, nil
}

func parseProgressEvent(text []byte) (*Progress, error) {
	var wrapped struct {
		Progress json.RawMessage `json:"progress"`
	}
	if err := json.Unmarshal(quoteBareNumbers(text), &wrapped); err != nil {
		return nil, fmt.Errorf("read a progress event: %w", err)
	}
	return ParseProgress(wrapped.Progress)
}

func parseTerminated(text []byte, token protocol.Token) (Event, error) {
	var sent struct {
		ID        QueryID `json:"id"`
		RunID     RunID   `json:"runId"`
		Exception *string `json:"exception"`
		Class     string  `json:"errorClassOnException"`
	}
	if err := json.Unmarshal(text, &sent); err != nil {
		return nil, fmt.Errorf("read a terminated event: %w", err)
	}
	terminated := QueryTerminated{ID: sent.ID, RunID: sent.RunID}
	if sent.Exception != nil {
		terminated.Exception = &Error{Class: sent.Class, Message: *sent.Exception}
		token.Redact(terminated.Exception)
	}
	return terminated, nil
}
