package spark_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

func progressEvent(batch string) *wire.ExecutePlanResponse {
	return sparktest.ListenerEvent(wire.StreamingQueryEventType_QUERY_PROGRESS_EVENT,
		`{"progress":{"id":"id-1","runId":"run-1","batchId":`+batch+`,"sources":[{"numInputRows":3,"inputRowsPerSecond":NaN}]}}`)
}

func terminatedEvent(json string) *wire.ExecutePlanResponse {
	return sparktest.ListenerEvent(wire.StreamingQueryEventType_QUERY_TERMINATED_EVENT, json)
}

// listenTo queues the script of a listener between the removals of an old one and of itself.
func listenTo(server *sparktest.Server, steps ...sparktest.Step) {
	server.Execute(sparktest.Done()...)
	server.Execute(steps...)
	server.Execute(sparktest.Done()...)
}

// listenerCommands are the listener commands that were sent: add or remove.
func listenerCommands(server *sparktest.Server) (commands []string) {
	for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](server) {
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
	server := sparktest.New(t)
	listenTo(server, sparktest.Cut(), sparktest.Reply(sparktest.ListenerAdded()), sparktest.Cut(), sparktest.Lose(progressEvent("1")), sparktest.Reply(progressEvent("2")),
		sparktest.End(), sparktest.End(), sparktest.Reply(sparktest.ListenerEvent(99, `what a later Spark reports`)),
		sparktest.Reply(sparktest.ListenerEvent(wire.StreamingQueryEventType_QUERY_IDLE_EVENT, `{"id":"id-1","runId":"run-1","timestamp":"2026-11-22T15:32:40.401Z"}`)),
		sparktest.Reply(terminatedEvent(`{"id":"id-1","runId":"run-1","exception":null,"errorClassOnException":null}`)),
		sparktest.Reply(terminatedEvent(`{"id":"id-2","runId":"run-2","exception":"[DIVIDE_BY_ZERO] No.","errorClassOnException":"DIVIDE_BY_ZERO"}`)), sparktest.Silence())
	var got []spark.Event
	for event, err := range scripted.Dial(t, server).Streams().Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		switch event := event.(type) {
		case spark.QueryProgress:
			if event.Progress.NumInputRows != 3 || event.Progress.RunID != "run-1" {
				t.Errorf("progress %+v", event.Progress)
			}
			got = append(got, spark.QueryProgress{Progress: &spark.Progress{BatchID: event.Progress.BatchID}})
		default:
			got = append(got, event)
		}
		if len(got) == 6 {
			break
		}
	}
	expected := []spark.Event{
		spark.ListenerAdded{},
		spark.QueryProgress{Progress: &spark.Progress{BatchID: 1}},
		spark.QueryProgress{Progress: &spark.Progress{BatchID: 2}},
		spark.QueryIdle{ID: "id-1", RunID: "run-1", Timestamp: time.Date(2026, 11, 22, 15, 32, 40, 401e6, time.UTC)},
		spark.QueryTerminated{ID: "id-1", RunID: "run-1"},
		spark.QueryTerminated{ID: "id-2", RunID: "run-2", Exception: &spark.Error{Class: "DIVIDE_BY_ZERO", Message: "[DIVIDE_BY_ZERO] No."}},
	}
	if diff := cmp.Diff(expected, got, cmp.AllowUnexported(spark.Error{})); diff != "" {
		t.Errorf("events (-expected +got):\n%s", diff)
	}
	// The add that was cut before its answer had arrived: reattached to, not sent again.
	if diff := cmp.Diff([]string{"remove", "add", "remove"}, listenerCommands(server)); diff != "" {
		t.Errorf("commands (-expected +got):\n%s", diff)
	}
}

// TestStartComesBeforeTheQuerysOtherEvents lets a batch's report overtake the answer to the start.
func TestStartComesBeforeTheQuerysOtherEvents(t *testing.T) {
	server := sparktest.New(t)
	arrived, reported := make(chan struct{}), make(chan struct{})
	server.Execute(sparktest.Done()...)
	server.Execute(sparktest.Reply(sparktest.ListenerAdded()), sparktest.Do(func() { <-arrived }), sparktest.Reply(progressEvent("0")), sparktest.Silence())
	server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
		// The client has the report when it needs the answer before it no more.
		if release, ok := request.(*wire.ReleaseExecuteRequest); ok && strings.HasSuffix(release.GetReleaseUntil().GetResponseId(), "-1") {
			close(reported)
		}
		return nil, nil
	})
	server.HandleExecute(func(plan *wire.Plan) []sparktest.Step {
		if plan.GetCommand().GetWriteStreamOperationStart() == nil {
			return sparktest.Done() // the listener's removal
		}
		return []sparktest.Step{
			sparktest.Do(func() { close(arrived); <-reported }),
			sparktest.Reply(sparktest.StartedEvent("id-1", "run-1", "totals", `{"id":"id-1","runId":"run-1","name":"totals","timestamp":"2026-11-22T15:32:40.401Z","jobTags":["a"]}`)),
			sparktest.Complete(),
		}
	})
	session := scripted.Dial(t, server)
	started := make(chan error, 1)
	var got []spark.Event
	for event, err := range session.Streams().Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, event)
		if _, ok := event.(spark.ListenerAdded); ok {
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
	if _, ok := got[2].(spark.QueryProgress); !ok {
		t.Errorf("events %+v, expected the batch after the start", got)
	}
	expected := spark.QueryStarted{ID: "id-1", RunID: "run-1", Name: "totals", Timestamp: time.Date(2026, 11, 22, 15, 32, 40, 401e6, time.UTC), JobTags: []string{"a"}}
	if diff := cmp.Diff(spark.Event(expected), got[1]); diff != "" {
		t.Errorf("start (-expected +got):\n%s", diff)
	}
}

func TestEventsEndWithTheContextAndWithoutAnError(t *testing.T) {
	server := sparktest.New(t)
	listenTo(server, sparktest.Reply(sparktest.ListenerAdded()), sparktest.Silence())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for event, err := range scripted.Dial(t, server).Streams().Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := event.(spark.ListenerAdded); !ok {
			t.Errorf("event %+v", event)
		}
		cancel()
	}
	if diff := cmp.Diff([]string{"remove", "add", "remove"}, listenerCommands(server)); diff != "" {
		t.Errorf("commands (-expected +got):\n%s", diff)
	}
}

// endOfEvents is the error that a loop over events ends with.
func endOfEvents(t *testing.T, session *spark.Session) (last error) {
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
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	listenTo(server, sparktest.Reply(sparktest.ListenerAdded()), sparktest.Silence())
	for range session.Streams().Events(t.Context()) {
		if err := endOfEvents(t, session); !errors.Is(err, spark.ErrEventsTaken) {
			t.Errorf("a second loop ended with %v, expected ErrEventsTaken", err)
		}
		break
	}
	// Another client's removal completes the listener; this one must not remove that client's.
	server.Execute(sparktest.Done()...)
	server.Execute(sparktest.Reply(sparktest.ListenerAdded()), sparktest.Complete())
	if err := endOfEvents(t, session); !errors.Is(err, spark.ErrEventsTaken) {
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
		meanwhile []sparktest.Step
		commands  string
	}{
		"taken":                     {[]sparktest.Step{sparktest.Complete()}, theirs},
		"taken after a last event":  {[]sparktest.Step{sparktest.Reply(progressEvent("1")), sparktest.Complete()}, theirs},
		"taken, heard of late":      {[]sparktest.Step{sparktest.Cut(), sparktest.Complete()}, theirs},
		"taken and forgotten":       {[]sparktest.Step{sparktest.Forget()}, theirs},
		"kept":                      {[]sparktest.Step{sparktest.Silence()}, ours},
		"kept, with events waiting": {[]sparktest.Step{sparktest.Reply(progressEvent("1")), sparktest.Silence()}, ours},
		"kept over a cut":           {[]sparktest.Step{sparktest.Cut(), sparktest.Silence()}, ours},
		"kept, the stream ended":    {[]sparktest.Step{sparktest.End()}, ours},
	} {
		t.Run(name, func(t *testing.T) {
			server := sparktest.New(t)
			server.Execute(sparktest.Done()...)
			server.Execute(append([]sparktest.Step{sparktest.Reply(sparktest.ListenerAdded()), sparktest.Silence()}, of.meanwhile...)...)
			server.HandleExecute(func(*wire.Plan) []sparktest.Step { return sparktest.Done() })
			for _, err := range scripted.Dial(t, server).Streams().Events(t.Context()) {
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
	server := sparktest.New(t)
	server.Execute(sparktest.Done()...)
	server.Execute(sparktest.Forget(), sparktest.Reply(sparktest.ListenerAdded()), sparktest.Silence())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	policy, faults := new(scripted.Clock).Policy(), 0
	policy.Sleep = func(of context.Context, _ time.Duration) error {
		if faults++; faults == 2 {
			cancel()
		}
		return context.Cause(of)
	}
	for event, err := range scripted.Dial(t, server, spark.WithRetry(policy)).Streams().Events(ctx) {
		t.Errorf("event %v, error %v", event, err)
	}
	if got := strings.Join(listenerCommands(server), " "); got != "remove add" {
		t.Errorf("commands %s, expected remove add", got)
	}
}

func TestFaultsOfTheListenerAreYielded(t *testing.T) {
	for name, steps := range map[string][]sparktest.Step{
		"unreadable report":   {sparktest.Reply(sparktest.ListenerEvent(wire.StreamingQueryEventType_QUERY_PROGRESS_EVENT, `{"progress":7}`)), sparktest.Silence()},
		"unreadable progress": {sparktest.Reply(sparktest.ListenerEvent(wire.StreamingQueryEventType_QUERY_PROGRESS_EVENT, `[]`)), sparktest.Silence()},
		"unreadable idle":     {sparktest.Reply(sparktest.ListenerEvent(wire.StreamingQueryEventType_QUERY_IDLE_EVENT, `{"id":1}`)), sparktest.Silence()},
		"unreadable end":      {sparktest.Reply(terminatedEvent(``)), sparktest.Silence()},
	} {
		t.Run(name, func(t *testing.T) {
			server := sparktest.New(t)
			listenTo(server, steps...)
			if err := endOfEvents(t, scripted.Dial(t, server)); err == nil || !strings.Contains(err.Error(), "listen to streaming queries") {
				t.Errorf("got %v", err)
			}
		})
	}
	for name, steps := range map[string][]sparktest.Step{
		"no answer": {sparktest.Fail(sparktest.Failure(codes.Internal, "BROKEN", "It broke."))},
		"forgotten": {sparktest.Reply(sparktest.ListenerAdded()), sparktest.Forget()},
	} {
		t.Run(name, func(t *testing.T) {
			server := sparktest.New(t)
			server.Execute(sparktest.Done()...)
			server.Execute(steps...)
			if err := endOfEvents(t, scripted.Dial(t, server)); err == nil || !strings.Contains(err.Error(), "listen to streaming queries") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("no removal", func(t *testing.T) {
		server := sparktest.New(t)
		server.Execute(sparktest.Fail(sparktest.Failure(codes.Internal, "BROKEN", "It broke.")))
		if err := endOfEvents(t, scripted.Dial(t, server)); err == nil {
			t.Error("no error")
		}
	})
}
