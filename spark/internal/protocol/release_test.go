package protocol_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// collectCancelled collects a query whose script cancels the context.
func collectCancelled(t *testing.T, session *spark.Session, ctx context.Context) {
	t.Helper()
	if _, err := session.Range(0, 1, 1).Collect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, expected the cancellation", err)
	}
}

// released counts the operations that the server was told are over.
func released(server *sparktest.Server) int {
	n := 0
	for _, request := range sparktest.Sent[*wire.ReleaseExecuteRequest](server) {
		if request.GetReleaseAll() != nil {
			n++
		}
	}
	return n
}

// methods are the calls in the order of their arrival.
func methods(server *sparktest.Server) []string {
	var names []string
	for _, call := range server.Calls() {
		names = append(names, call.Method)
	}
	return names
}

// TestCancelledQueryIsReleasedOnceItsJobRuns is for Spark, where an interrupt before the job's start ends the operation and not the job.
func TestCancelledQueryIsReleasedOnceItsJobRuns(t *testing.T) {
	server := sparktest.New(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("nobody waits any more")
	var early atomic.Int64
	server.Execute(sparktest.Do(func() { cancel(gone) }), sparktest.Silence(),
		sparktest.Reply(sparktest.Running(0)), sparktest.End(), sparktest.Reply(sparktest.Running(0)), sparktest.Cut(),
		sparktest.Do(func() { early.Store(int64(released(server))) }), sparktest.Reply(sparktest.Running(2)), sparktest.Silence())
	session := scripted.Dial(t, server)
	if _, err := session.Range(0, 1, 1).Collect(ctx); !errors.Is(err, gone) {
		t.Errorf("got %v, expected the caller's own cause", err)
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(sparktest.Sent[*wire.ReattachExecuteRequest](server)); n != 3 || early.Load() != 0 || released(server) != 1 {
		t.Errorf("reattached %d times, released %d times before the job ran and %d in all; expected 3, 0 and 1", n, early.Load(), released(server))
	}
	if last := server.Calls()[len(server.Calls())-1].Request.(*wire.ReleaseExecuteRequest); last.GetOperationId() != scripted.OperationIDs(server)[0] {
		t.Errorf("released %v, expected the operation", last)
	}
}

// TestCancelledQueryWhoseJobRunsIsReleasedAtOnce has a job, or rows of one, before the cancellation.
func TestCancelledQueryWhoseJobRunsIsReleasedAtOnce(t *testing.T) {
	for name, sign := range map[string]*wire.ExecutePlanResponse{"tasks": sparktest.Running(1), "rows": scripted.Batch(t, 0, 1)} {
		t.Run(name, func(t *testing.T) {
			server := sparktest.New(t)
			ctx, cancel := context.WithCancel(t.Context())
			server.Execute(sparktest.Reply(sign), sparktest.Silence())
			session := scripted.Dial(t, server)
			server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
				if release, ok := request.(*wire.ReleaseExecuteRequest); ok && release.GetReleaseUntil() != nil {
					cancel() // the client has the rows
				}
				return nil, nil
			})
			if name == "tasks" {
				time.AfterFunc(50*time.Millisecond, cancel)
			}
			collectCancelled(t, session, ctx)
			if err := session.Close(); err != nil {
				t.Fatal(err)
			}
			if n := len(sparktest.Sent[*wire.ReattachExecuteRequest](server)); n != 0 || released(server) != 1 {
				t.Errorf("reattached %d times, released %d times, expected the release alone", n, released(server))
			}
		})
	}
}

func TestCancelledQueryThatEndsIsReleased(t *testing.T) {
	for name, end := range map[string]sparktest.Step{
		"completed": sparktest.Complete(),
		"failed":    sparktest.Fail(sparktest.Failure(codes.Internal, "DIVIDE_BY_ZERO", "Division by zero.")),
	} {
		t.Run(name, func(t *testing.T) {
			server := sparktest.New(t)
			ctx, cancel := context.WithCancel(t.Context())
			server.Execute(sparktest.Do(cancel), sparktest.Silence(), end)
			session := scripted.Dial(t, server)
			collectCancelled(t, session, ctx)
			if err := session.Close(); err != nil {
				t.Fatal(err)
			}
			if got := methods(server); !slices.Equal(got[1:], []string{"ExecutePlan", "ReattachExecute", "ReleaseExecute"}) {
				t.Errorf("calls %v", got)
			}
		})
	}
}

// TestCancelledQueryThatDoesNotArriveIsNotSentAgain asks for an operation for a while, as its request may still be on its way.
func TestCancelledQueryThatDoesNotArriveIsNotSentAgain(t *testing.T) {
	server := sparktest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	server.Execute(sparktest.Do(cancel), sparktest.Forget())
	session := scripted.Dial(t, server)
	collectCancelled(t, session, ctx)
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	expected := []string{"ExecutePlan", "ReattachExecute", "ReattachExecute", "ReattachExecute", "ReattachExecute", "ReleaseExecute"}
	if got := methods(server); !slices.Equal(got[1:], expected) {
		t.Errorf("calls %v, expected %v", got[1:], expected)
	}
}

// TestCancelledQuestionIsReleasedAtOnce is for what runs no job: a program that ends must not wait for it.
func TestCancelledQuestionIsReleasedAtOnce(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	query := session.Streams().Attach("id-1", "run-1", "")
	for name, ask := range map[string]func(context.Context) error{
		"await": query.AwaitTermination,
		"stop":  query.Stop,
		"any":   session.Streams().AwaitAnyTermination,
		"start": func(ctx context.Context) error {
			_, err := session.Table("t").WriteStream().Start(ctx)
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		server.Execute(sparktest.Do(cancel), sparktest.Silence())
		if err := ask(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s gave %v, expected the cancellation", name, err)
		}
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(sparktest.Sent[*wire.ReattachExecuteRequest](server)); n != 0 || released(server) != 4 {
		t.Errorf("reattached %d times, released %d operations, expected four releases alone", n, released(server))
	}
}

// TestReleaseIsTriedAgain is for an operation that would run on: its release is what interrupts it.
func TestReleaseIsTriedAgain(t *testing.T) {
	server := sparktest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	server.Execute(sparktest.Do(cancel), sparktest.Silence(), sparktest.Reply(sparktest.Running(1)), sparktest.Silence())
	session := scripted.Dial(t, server)
	var lost atomic.Int64
	server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
		if _, ok := request.(*wire.ReleaseExecuteRequest); ok && lost.Add(1) <= 2 {
			return nil, status.Error(codes.Unavailable, "connection reset")
		}
		return nil, nil
	})
	collectCancelled(t, session, ctx)
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if n := released(server); n != 3 {
		t.Errorf("released %d times, expected three attempts", n)
	}
}

// TestSessionIsReleasedAfterItsCancelledQueries is for Spark, where the session's end interrupts what it still runs.
func TestSessionIsReleasedAfterItsCancelledQueries(t *testing.T) {
	server := sparktest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	reattached, runs := make(chan struct{}), make(chan struct{})
	server.Execute(sparktest.Do(cancel), sparktest.Silence(),
		sparktest.Do(func() { close(reattached); <-runs }), sparktest.Reply(sparktest.Running(1)), sparktest.Silence())
	session := scripted.Dial(t, server)
	collectCancelled(t, session, ctx)
	select {
	case <-reattached:
	case <-time.After(10 * time.Second):
		t.Fatal("the cancelled query is not followed")
	}
	ended := make(chan error, 1)
	go func() { ended <- session.Release(t.Context()) }()
	select {
	case err := <-ended:
		t.Errorf("the session's release did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
		close(runs)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if got := methods(server); !slices.Equal(got[3:], []string{"ReleaseExecute", "ReleaseSession"}) {
		t.Errorf("calls %v, expected the release of the query, then of the session", got)
	}
}

// inMemory dials a scripted server without a network, for a bubble of testing/synctest.
func inMemory(t *testing.T, opts ...spark.Option) (*sparktest.Server, *spark.Session) {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := sparktest.NewOn(t, listener)
	dialer := grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) })
	session, err := spark.Dial(t.Context(), "sc://127.0.0.1/;user_id=tester", append(opts, spark.WithGRPC(dialer))...)
	if err != nil {
		t.Fatal(err)
	}
	return server, session
}

// TestCancelledQueryWithoutAJobIsReleasedAfterAMinute, in the virtual time of a bubble that ends only when all goroutines have.
func TestCancelledQueryWithoutAJobIsReleasedAfterAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, session := inMemory(t)
		ctx, cancel := context.WithCancel(t.Context())
		server.Execute(sparktest.Do(cancel), sparktest.Silence())
		collectCancelled(t, session, ctx)
		time.Sleep(59 * time.Second)
		if n := released(server); n != 0 {
			t.Error("the query was released before its time")
		}
		time.Sleep(2 * time.Second)
		if n := released(server); n != 1 {
			t.Errorf("released %d times after a minute, expected once", n)
		}
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestCloseWaitsFiveSecondsForCancelledQueries and leaves what is not ended by then to the server, which ends it after five minutes.
func TestCloseWaitsFiveSecondsForCancelledQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, session := inMemory(t)
		ctx, cancel := context.WithCancel(t.Context())
		server.Execute(sparktest.Do(cancel), sparktest.Silence())
		collectCancelled(t, session, ctx)
		began := time.Now()
		if err := session.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 5*time.Second || released(server) != 0 {
			t.Errorf("closing took %s and released %d operations, expected 5 s and none", took, released(server))
		}
	})
}
