package protocol_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// failConfig makes the first n Config calls fail.
func failConfig(server *sparktest.Server, n int, err error) {
	left := make(chan struct{}, n)
	for range n {
		left <- struct{}{}
	}
	server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
		if _, ok := request.(*wire.ConfigRequest); !ok {
			return nil, nil
		}
		select {
		case <-left:
			return nil, err
		default:
			return nil, nil
		}
	})
}

func TestRetriesWaitAsSparksOwnClientsDo(t *testing.T) {
	server, clock := sparktest.New(t), new(scripted.Clock)
	failConfig(server, 100, status.Error(codes.Unavailable, "gone"))
	session := scripted.Dial(t, server, spark.WithRetry(clock.Policy()))
	err := session.Config().Set(t.Context(), "k", "v")
	if !spark.Retryable(err) || !strings.Contains(err.Error(), "give up after 16 attempts") {
		t.Errorf("got %v, expected to give up after 16 attempts", err)
	}
	// 50 ms times 4 each up to a minute, and from 2 s on half of the jitter of half a second.
	expected := []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, 800 * time.Millisecond, 3450 * time.Millisecond, 13050 * time.Millisecond, 51450 * time.Millisecond}
	for len(expected) < 15 {
		expected = append(expected, 60250*time.Millisecond)
	}
	if diff := cmp.Diff(expected, clock.Waits); diff != "" {
		t.Errorf("waits (-expected +got):\n%s", diff)
	}
}

func TestPolicyOfRetriesAloneWaitsAsTheDefault(t *testing.T) {
	server, clock := sparktest.New(t), new(scripted.Clock)
	session := scripted.Dial(t, server, spark.WithRetry(spark.RetryPolicy{Retries: 2, Sleep: clock.Sleep}))
	server.Execute(sparktest.End(), sparktest.Reply(scripted.Batch(t, 0, 7)), sparktest.Complete())
	if _, err := collectNumbers(t, session); err != nil {
		t.Fatal(err)
	}
	failConfig(server, 2, status.Error(codes.Unavailable, "gone"))
	if err := session.Config().Set(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	expected := []time.Duration{50 * time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond}
	if diff := cmp.Diff(expected, clock.Waits); diff != "" {
		t.Errorf("waits (-expected +got):\n%s", diff)
	}
}

func TestPassingFaultIsNotSeen(t *testing.T) {
	server := sparktest.New(t)
	failConfig(server, 3, status.Error(codes.Unavailable, "gone"))
	if err := scripted.Dial(t, server).Config().Set(t.Context(), "k", "v"); err != nil {
		t.Errorf("got %v after three passing faults", err)
	}
}

func TestServersOwnDelayIsHeeded(t *testing.T) {
	st, err := status.New(codes.ResourceExhausted, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(20 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	server, clock := sparktest.New(t), new(scripted.Clock)
	failConfig(server, 1, st.Err())
	if err := scripted.Dial(t, server, spark.WithRetry(clock.Policy())).Config().Set(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	if len(clock.Waits) != 1 || clock.Waits[0] != 20250*time.Millisecond {
		t.Errorf("waited %v, expected the server's 20 s and jitter", clock.Waits)
	}
}

func TestServersOwnDelayIsBounded(t *testing.T) {
	st, err := status.New(codes.ResourceExhausted, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	server, clock := sparktest.New(t), new(scripted.Clock)
	failConfig(server, 1, st.Err())
	if err := scripted.Dial(t, server, spark.WithRetry(clock.Policy())).Config().Set(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	if len(clock.Waits) != 1 || clock.Waits[0] != 10*time.Minute+250*time.Millisecond {
		t.Errorf("waited %v, expected ten minutes and jitter where the server asks for an hour", clock.Waits)
	}
}

// TestRetriesBeginAnewAfterAnAnswer has more faults than are retried, but never so many between two answers.
func TestRetriesBeginAnewAfterAnAnswer(t *testing.T) {
	var script []sparktest.Step
	for i := range int64(3) {
		for range spark.DefaultRetry().Retries {
			script = append(script, sparktest.Cut())
		}
		script = append(script, sparktest.Reply(scripted.Batch(t, i, i)))
	}
	server, clock := sparktest.New(t), new(scripted.Clock)
	server.Execute(append(script, sparktest.Complete())...)
	numbers, err := collectNumbers(t, scripted.Dial(t, server, spark.WithRetry(clock.Policy())))
	if err != nil || len(numbers) != 3 {
		t.Fatalf("got %v and %v, expected three rows", numbers, err)
	}
	for i := 0; i < len(clock.Waits); i += spark.DefaultRetry().Retries {
		if clock.Waits[i] != 50*time.Millisecond {
			t.Errorf("wait %d is %s, expected the first again after an answer", i, clock.Waits[i])
		}
	}
}

func TestRetriesAreToldToTheHook(t *testing.T) {
	server := sparktest.New(t)
	failConfig(server, 2, status.Error(codes.Unavailable, "gone"))
	var told []spark.Retry
	session := scripted.Dial(t, server, spark.WithRetryHook(func(retry spark.Retry) { told = append(told, retry) }))
	if err := session.Config().Set(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	server.Execute(sparktest.Cut(), sparktest.Cut(), sparktest.Reply(scripted.Batch(t, 0, 7)), sparktest.Complete())
	if _, err := collectNumbers(t, session); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, retry := range told {
		got = append(got, fmt.Sprint(retry.Call, " ", retry.Attempt, " ", retry.Wait, " ", retry.Err))
	}
	expected := []string{
		"Config 1 50ms spark: gone", "Config 2 200ms spark: gone",
		"ExecutePlan 1 50ms spark: connection reset", "ReattachExecute 2 200ms spark: connection reset",
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("told (-expected +got):\n%s", diff)
	}
}

func TestLastingFaultIsNotRetried(t *testing.T) {
	server, clock := sparktest.New(t), new(scripted.Clock)
	failConfig(server, 1, sparktest.Failure(codes.Internal, "CANNOT_MODIFY_STATIC_CONFIG", "Cannot modify."))
	err := scripted.Dial(t, server, spark.WithRetry(clock.Policy())).Config().Set(t.Context(), "k", "v")
	var e *spark.Error
	if !errors.As(err, &e) || e.Class != "CANNOT_MODIFY_STATIC_CONFIG" || len(clock.Waits) != 0 {
		t.Errorf("got %v after waits %v, expected the class at once", err, clock.Waits)
	}
}

func TestCallThatHangsIsTriedAgain(t *testing.T) {
	server := sparktest.New(t)
	hung := make(chan struct{}, 1)
	hung <- struct{}{}
	server.HandleCall(func(ctx context.Context, request proto.Message) (proto.Message, error) {
		if _, ok := request.(*wire.ConfigRequest); !ok {
			return nil, nil
		}
		select {
		case <-hung:
			<-ctx.Done()
			return nil, ctx.Err()
		default:
			return nil, nil
		}
	})
	session := scripted.Dial(t, server, spark.WithCallTimeout(100*time.Millisecond))
	if err := session.Config().Set(t.Context(), "k", "v"); err != nil {
		t.Errorf("got %v after one call without an answer", err)
	}
	if n := len(sparktest.Sent[*wire.ConfigRequest](server)); n != 2 {
		t.Errorf("%d attempts, expected 2", n)
	}
}

func TestContextEndsTheRetries(t *testing.T) {
	server := sparktest.New(t)
	failConfig(server, 100, status.Error(codes.Unavailable, "gone"))
	ctx, cancel := context.WithCancel(t.Context())
	policy := new(scripted.Clock).Policy()
	policy.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return context.Cause(ctx) }
	err := scripted.Dial(t, server, spark.WithRetry(policy)).Config().Set(ctx, "k", "v")
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "gone") {
		t.Errorf("got %v, expected the cancellation and the fault behind it", err)
	}
}

func TestDeadlineEndsAHangingCall(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	server.HandleCall(func(ctx context.Context, _ proto.Message) (proto.Message, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := session.Version(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, expected the deadline", err)
	}
}

func TestUnreachableServerNamesItsAddress(t *testing.T) {
	policy := new(scripted.Clock).Policy()
	policy.Retries = 2
	_, err := spark.Dial(t.Context(), "sc://127.0.0.1:1", spark.WithRetry(policy))
	if !spark.Retryable(err) || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("got %v, expected an error with the address", err)
	}
}
