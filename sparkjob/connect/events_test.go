package connect_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"realtime-election/sparkjob/connect"
	"realtime-election/sparkjob/connect/connecttest"
	"realtime-election/sparkjob/connect/wire"
)

func progressEvent(batch string) *wire.ExecutePlanResponse {
	return connecttest.ListenerEvent(wire.StreamingQueryEventType_QUERY_PROGRESS_EVENT,
		`{"progress":{"id":"id-1","runId":"run-1","batchId":`+batch+`,"sources":[{"numInputRows":3,"inputRowsPerSecond":NaN}]}}`)
}

func terminatedEvent(json string) *wire.ExecutePlanResponse {
	return connecttest.ListenerEvent(wire.StreamingQueryEventType_QUERY_TERMINATED_EVENT, json)
}

// listenTo queues the script of a listener between the removals of an old one and of itself.
func listenTo(server *connecttest.Server, steps ...connecttest.Step) {
	server.Execute(connecttest.Done()...)
	server.Execute(steps...)
	server.Execute(connecttest.Done()...)
}

// listenerCommands are the listener commands that were sent: add or remove.
func listenerCommands(server *connecttest.Server) (commands []string) {
	for _, request := range connecttest.Sent[*wire.ExecutePlanRequest](server) {
		switch bus := request.GetPlan().GetCommand().GetStreamingQueryListenerBusCommand(); {
		case bus.GetAddListenerBusListener():
			commands = append(commands, "add")
		case bus.GetRemoveListenerBusListener():
			commands = append(commands, "remove")
		}
	}
	return commands
}

func TestEveryEventArrivesOnceHoweverTheStreamsEnd(t *testing.T) {
	server := connecttest.New(t)
	listenTo(server, connecttest.Cut(), connecttest.Reply(connecttest.ListenerAdded()), connecttest.Cut(), connecttest.Lose(progressEvent("1")), connecttest.Reply(progressEvent("2")),
		connecttest.End(), connecttest.End(), connecttest.Reply(connecttest.ListenerEvent(99, `what a later Spark reports`)),
		connecttest.Reply(connecttest.ListenerEvent(wire.StreamingQueryEventType_QUERY_IDLE_EVENT, `{"id":"id-1","runId":"run-1","timestamp":"2026-11-22T15:32:40.401Z"}`)),
		connecttest.Reply(terminatedEvent(`{"id":"id-1","runId":"run-1","exception":null,"errorClassOnException":null}`)),
		connecttest.Reply(terminatedEvent(`{"id":"id-2","runId":"run-2","exception":"[DIVIDE_BY_ZERO] No.","errorClassOnException":"DIVIDE_BY_ZERO"}`)), connecttest.Silence())
	var got []connect.Event
	for event, err := range dial(t, server).Streams().Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		switch event := event.(type) {
		case connect.QueryProgress:
			if event.Progress.NumInputRows != 3 || event.Progress.RunID != "run-1" {
				t.Errorf("progress %+v", event.Progress)
			}
			got = append(got, connect.QueryProgress{Progress: &connect.Progress{BatchID: event.Progress.BatchID}})
		default:
			got = append(got, event)
		}
		if len(got) == 6 {
			break
		}
	}
	expected := []connect.Event{
		connect.ListenerAdded{},
		connect.QueryProgress{Progress: &connect.Progress{BatchID: 1}},
		connect.QueryProgress{Progress: &connect.Progress{BatchID: 2}},
		connect.QueryIdle{ID: "id-1", RunID: "run-1", Timestamp: time.Date(2026, 11, 22, 15, 32, 40, 401e6, time.UTC)},
		connect.QueryTerminated{ID: "id-1", RunID: "run-1"},
		connect.QueryTerminated{ID: "id-2", RunID: "run-2", Exception: &connect.Error{Class: "DIVIDE_BY_ZERO", Message: "[DIVIDE_BY_ZERO] No."}},
	}
	if diff := cmp.Diff(expected, got, cmp.AllowUnexported(connect.Error{})); diff != "" {
		t.Errorf("events (-expected +got):\n%s", diff)
	}
	// The add that was cut before its answer had arrived: reattached to, not sent again.
	if diff := cmp.Diff([]string{"remove", "add", "remove"}, listenerCommands(server)); diff != "" {
		t.Errorf("commands (-expected +got):\n%s", diff)
	}
}

// TestStartComesBeforeTheQuerysOtherEvents lets a batch's report overtake the answer to the start.
func TestStartComesBeforeTheQuerysOtherEvents(t *testing.T) {
	server := connecttest.New(t)
	arrived, reported := make(chan struct{}), make(chan struct{})
	server.Execute(connecttest.Done()...)
	server.Execute(connecttest.Reply(connecttest.ListenerAdded()), connecttest.Do(func() { <-arrived }), connecttest.Reply(progressEvent("0")), connecttest.Silence())
	server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
		// The client has the report when it needs the answer before it no more.
		if release, ok := request.(*wire.ReleaseExecuteRequest); ok && strings.HasSuffix(release.GetReleaseUntil().GetResponseId(), "-1") {
			close(reported)
		}
		return nil, nil
	})
	server.HandleExecute(func(plan *wire.Plan) []connecttest.Step {
		if plan.GetCommand().GetWriteStreamOperationStart() == nil {
			return connecttest.Done() // the listener's removal
		}
		return []connecttest.Step{
			connecttest.Do(func() { close(arrived); <-reported }),
			connecttest.Reply(connecttest.StartedEvent("id-1", "run-1", "totals", `{"id":"id-1","runId":"run-1","name":"totals","timestamp":"2026-11-22T15:32:40.401Z","jobTags":["a"]}`)),
			connecttest.Complete(),
		}
	})
	session := dial(t, server)
	started := make(chan error, 1)
	var got []connect.Event
	for event, err := range session.Streams().Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, event)
		if _, ok := event.(connect.ListenerAdded); ok {
			go func() {
				_, err := session.Table("t").WriteStream().Start(t.Context())
				started <- err
			}()
		}
		if len(got) == 3 {
			break
		}
	}
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if _, ok := got[2].(connect.QueryProgress); !ok {
		t.Errorf("events %+v, expected the batch after the start", got)
	}
	expected := connect.QueryStarted{ID: "id-1", RunID: "run-1", Name: "totals", Timestamp: time.Date(2026, 11, 22, 15, 32, 40, 401e6, time.UTC), JobTags: []string{"a"}}
	if diff := cmp.Diff(connect.Event(expected), got[1]); diff != "" {
		t.Errorf("start (-expected +got):\n%s", diff)
	}
}

func TestEventsEndWithTheContextAndWithoutAnError(t *testing.T) {
	server := connecttest.New(t)
	listenTo(server, connecttest.Reply(connecttest.ListenerAdded()), connecttest.Silence())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for event, err := range dial(t, server).Streams().Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := event.(connect.ListenerAdded); !ok {
			t.Errorf("event %+v", event)
		}
		cancel()
	}
	if diff := cmp.Diff([]string{"remove", "add", "remove"}, listenerCommands(server)); diff != "" {
		t.Errorf("commands (-expected +got):\n%s", diff)
	}
}

// endOfEvents is the error that a loop over events ends with.
func endOfEvents(t *testing.T, session *connect.Session) (last error) {
	t.Helper()
	for _, err := range session.Streams().Events(t.Context()) {
		if last != nil {
			t.Errorf("the loop went on after %v", last)
		}
		last = err
	}
	return last
}

func TestOneLoopHasTheEvents(t *testing.T) {
	server := connecttest.New(t)
	session := dial(t, server)
	listenTo(server, connecttest.Reply(connecttest.ListenerAdded()), connecttest.Silence())
	for range session.Streams().Events(t.Context()) {
		if err := endOfEvents(t, session); !errors.Is(err, connect.ErrEventsTaken) {
			t.Errorf("a second loop ended with %v, expected ErrEventsTaken", err)
		}
		break
	}
	// Another client's removal completes the listener; this one must not remove that client's.
	server.Execute(connecttest.Done()...)
	server.Execute(connecttest.Reply(connecttest.ListenerAdded()), connecttest.Complete())
	if err := endOfEvents(t, session); !errors.Is(err, connect.ErrEventsTaken) {
		t.Errorf("the loop ended with %v, expected ErrEventsTaken", err)
	}
	if diff := cmp.Diff([]string{"remove", "add", "remove", "remove", "add"}, listenerCommands(server)); diff != "" {
		t.Errorf("commands (-expected +got):\n%s", diff)
	}
}

// TestLoopRemovesNoListenerButItsOwn has another process take the events over, or not, while the loop that leaves has no stream.
func TestLoopRemovesNoListenerButItsOwn(t *testing.T) {
	const theirs, ours = "remove add", "remove add remove"
	for name, of := range map[string]struct {
		meanwhile []connecttest.Step
		commands  string
	}{
		"taken":                     {[]connecttest.Step{connecttest.Complete()}, theirs},
		"taken after a last event":  {[]connecttest.Step{connecttest.Reply(progressEvent("1")), connecttest.Complete()}, theirs},
		"taken, heard of late":      {[]connecttest.Step{connecttest.Cut(), connecttest.Complete()}, theirs},
		"taken and forgotten":       {[]connecttest.Step{connecttest.Forget()}, theirs},
		"kept":                      {[]connecttest.Step{connecttest.Silence()}, ours},
		"kept, with events waiting": {[]connecttest.Step{connecttest.Reply(progressEvent("1")), connecttest.Silence()}, ours},
		"kept over a cut":           {[]connecttest.Step{connecttest.Cut(), connecttest.Silence()}, ours},
		"kept, the stream ended":    {[]connecttest.Step{connecttest.End()}, ours},
	} {
		t.Run(name, func(t *testing.T) {
			server := connecttest.New(t)
			server.Execute(connecttest.Done()...)
			server.Execute(append([]connecttest.Step{connecttest.Reply(connecttest.ListenerAdded()), connecttest.Silence()}, of.meanwhile...)...)
			server.HandleExecute(func(*wire.Plan) []connecttest.Step { return connecttest.Done() })
			for _, err := range dial(t, server).Streams().Events(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			if got := strings.Join(listenerCommands(server), " "); got != of.commands {
				t.Errorf("commands %s, expected %s", got, of.commands)
			}
		})
	}
}

// TestLoopThatEndsBeforeItListensAddsNoListener has the server not know the operation, and the context end as that is heard.
func TestLoopThatEndsBeforeItListensAddsNoListener(t *testing.T) {
	server := connecttest.New(t)
	server.Execute(connecttest.Done()...)
	server.Execute(connecttest.Forget(), connecttest.Reply(connecttest.ListenerAdded()), connecttest.Silence())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	policy, faults := new(clock).policy(), 0
	policy.Sleep = func(of context.Context, _ time.Duration) error {
		if faults++; faults == 2 {
			cancel()
		}
		return context.Cause(of)
	}
	for event, err := range dial(t, server, connect.WithRetry(policy)).Streams().Events(ctx) {
		t.Errorf("event %v, error %v", event, err)
	}
	if got := strings.Join(listenerCommands(server), " "); got != "remove add" {
		t.Errorf("commands %s, expected remove add", got)
	}
}

func TestFaultsOfTheListenerAreYielded(t *testing.T) {
	for name, steps := range map[string][]connecttest.Step{
		"unreadable report":   {connecttest.Reply(connecttest.ListenerEvent(wire.StreamingQueryEventType_QUERY_PROGRESS_EVENT, `{"progress":7}`)), connecttest.Silence()},
		"unreadable progress": {connecttest.Reply(connecttest.ListenerEvent(wire.StreamingQueryEventType_QUERY_PROGRESS_EVENT, `[]`)), connecttest.Silence()},
		"unreadable idle":     {connecttest.Reply(connecttest.ListenerEvent(wire.StreamingQueryEventType_QUERY_IDLE_EVENT, `{"id":1}`)), connecttest.Silence()},
		"unreadable end":      {connecttest.Reply(terminatedEvent(``)), connecttest.Silence()},
	} {
		t.Run(name, func(t *testing.T) {
			server := connecttest.New(t)
			listenTo(server, steps...)
			if err := endOfEvents(t, dial(t, server)); err == nil || !strings.Contains(err.Error(), "listen to streaming queries") {
				t.Errorf("got %v", err)
			}
		})
	}
	for name, steps := range map[string][]connecttest.Step{
		"no answer": {connecttest.Fail(connecttest.Failure(codes.Internal, "BROKEN", "It broke."))},
		"forgotten": {connecttest.Reply(connecttest.ListenerAdded()), connecttest.Forget()},
	} {
		t.Run(name, func(t *testing.T) {
			server := connecttest.New(t)
			server.Execute(connecttest.Done()...)
			server.Execute(steps...)
			if err := endOfEvents(t, dial(t, server)); err == nil || !strings.Contains(err.Error(), "listen to streaming queries") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("no removal", func(t *testing.T) {
		server := connecttest.New(t)
		server.Execute(connecttest.Fail(connecttest.Failure(codes.Internal, "BROKEN", "It broke.")))
		if err := endOfEvents(t, dial(t, server)); err == nil {
			t.Error("no error")
		}
	})
}
