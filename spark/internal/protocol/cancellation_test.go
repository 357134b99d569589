package protocol_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
)

// TestCancellationIsToldByCauseAndByKind has a context end with a cause of the caller's own, as that of every errgroup does.
func TestCancellationIsToldByCauseAndByKind(t *testing.T) {
	mine := errors.New("another part of the program failed")
	for name, do := range map[string]func(*testing.T, context.CancelCauseFunc, context.Context) error{
		"stream": func(t *testing.T, cancel context.CancelCauseFunc, ctx context.Context) error {
			server := sparktest.New(t)
			server.Execute(sparktest.Do(func() { cancel(mine) }), sparktest.Silence(), sparktest.Reply(sparktest.Running(1)), sparktest.Silence())
			_, err := scripted.Dial(t, server).Range(0, 1, 1).Collect(ctx)
			return err
		},
		"call": func(t *testing.T, cancel context.CancelCauseFunc, ctx context.Context) error {
			server := sparktest.New(t)
			session := scripted.Dial(t, server)
			server.HandleCall(func(of context.Context, _ proto.Message) (proto.Message, error) {
				cancel(mine)
				<-of.Done()
				return nil, of.Err()
			})
			return session.Config().Set(ctx, "k", "v")
		},
		"retry": func(t *testing.T, cancel context.CancelCauseFunc, ctx context.Context) error {
			server := sparktest.New(t)
			failConfig(server, 1, status.Error(codes.Unavailable, "gone"))
			policy := new(scripted.Clock).Policy()
			policy.Sleep = func(of context.Context, _ time.Duration) error { cancel(mine); return of.Err() }
			return scripted.Dial(t, server, spark.WithRetry(policy)).Config().Set(ctx, "k", "v")
		},
		"retry of the real clock": func(t *testing.T, cancel context.CancelCauseFunc, ctx context.Context) error {
			server := sparktest.New(t)
			failConfig(server, 1, status.Error(codes.Unavailable, "gone"))
			policy := spark.DefaultRetry()
			policy.Initial, policy.Max = time.Hour, time.Hour
			policy.JitterFrom, policy.Random = 0, func() float64 { cancel(mine); return 0 }
			return scripted.Dial(t, server, spark.WithRetry(policy)).Config().Set(ctx, "k", "v")
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if err := do(t, cancel, ctx); !errors.Is(err, mine) || !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, expected both the cause and the cancellation", err)
			}
		})
	}
}

// TestReleaseThatWasCancelledIsNoRelease has the cause be what a released session would answer.
func TestReleaseThatWasCancelledIsNoRelease(t *testing.T) {
	session := scripted.Dial(t, sparktest.New(t))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(spark.ErrSessionClosed)
	if err := session.Release(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, expected the cancellation", err)
	}
}

func TestDeadlineReadsAsItsCause(t *testing.T) {
	server := sparktest.New(t)
	server.Execute(sparktest.Silence(), sparktest.Reply(sparktest.Running(1)), sparktest.Silence())
	slow := errors.New("no answer from Spark in 50ms")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, slow)
	defer cancel()
	_, err := scripted.Dial(t, server).Range(0, 1, 1).Collect(ctx)
	if !errors.Is(err, slow) || !errors.Is(err, context.DeadlineExceeded) || err.Error() != "run the plan: "+slow.Error() {
		t.Errorf("got %v, expected the cause's text, and the deadline in it", err)
	}
}

// TestCauseIsNotTakenForTheServersFault has a cause that, from the server, would be worth another attempt.
func TestCauseIsNotTakenForTheServersFault(t *testing.T) {
	for _, cause := range []error{&spark.Error{Code: codes.Unavailable, Message: "gone"}, spark.ErrOperationLost, spark.ErrSessionNotFound} {
		server, clock := sparktest.New(t), new(scripted.Clock)
		ctx, cancel := context.WithCancelCause(t.Context())
		server.Execute(sparktest.Do(func() { cancel(cause) }), sparktest.Silence(), sparktest.Reply(sparktest.Running(1)), sparktest.Silence())
		_, err := scripted.Dial(t, server, spark.WithRetry(clock.Policy())).Range(0, 1, 1).Collect(ctx)
		if err == nil || err.Error() != "run the plan: "+cause.Error() || len(clock.Waits) != 0 {
			t.Errorf("got %v after waits %v, expected the caller's cause alone", err, clock.Waits)
		}
	}
}
