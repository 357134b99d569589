package protocol_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// collectNumbers runs a plan whose script sends batches of one column and returns what arrived.
func collectNumbers(t *testing.T, session *spark.Session) ([]int64, error) {
	t.Helper()
	rows, err := session.Range(0, 4, 1).Collect(t.Context())
	var numbers []int64
	for _, row := range rows {
		numbers = append(numbers, row.At(0).(int64))
	}
	return numbers, err
}

func TestEveryAnswerArrivesOnceHoweverTheStreamsEnd(t *testing.T) {
	one, two, three := scripted.Batch(t, 0, 0, 1), scripted.Batch(t, 2, 2), scripted.Batch(t, 3, 3)
	for name, script := range map[string][]sparktest.Step{
		"in one stream":           {sparktest.Reply(one), sparktest.Reply(two), sparktest.Reply(three), sparktest.Complete()},
		"cut between answers":     {sparktest.Reply(one), sparktest.Cut(), sparktest.Reply(two), sparktest.Cut(), sparktest.Reply(three), sparktest.Complete()},
		"cut before the first":    {sparktest.Cut(), sparktest.Reply(one), sparktest.Reply(two), sparktest.Reply(three), sparktest.Complete()},
		"cut before the end":      {sparktest.Reply(one), sparktest.Reply(two), sparktest.Reply(three), sparktest.Cut(), sparktest.Complete()},
		"ended early":             {sparktest.Reply(one), sparktest.End(), sparktest.Reply(two), sparktest.End(), sparktest.End(), sparktest.Reply(three), sparktest.Complete()},
		"answers lost on the way": {sparktest.Lose(one), sparktest.Lose(two), sparktest.Reply(three), sparktest.Complete()},
		"request lost":            {sparktest.Forget(), sparktest.Reply(one), sparktest.Reply(two), sparktest.Reply(three), sparktest.Complete()},
		"request lost twice":      {sparktest.Forget(), sparktest.Forget(), sparktest.Reply(one), sparktest.Reply(two), sparktest.Reply(three), sparktest.Complete()},
	} {
		t.Run(name, func(t *testing.T) {
			server := sparktest.New(t)
			server.Execute(script...)
			numbers, err := collectNumbers(t, scripted.Dial(t, server))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]int64{0, 1, 2, 3}, numbers); diff != "" {
				t.Errorf("rows (-expected +got):\n%s", diff)
			}
			for _, id := range scripted.OperationIDs(server) {
				if id != scripted.OperationIDs(server)[0] {
					t.Errorf("operations %v: a request sent again must keep its id, or it runs twice", scripted.OperationIDs(server))
				}
			}
		})
	}
}

// TestQuietStreamIsNotGivenUp has more faults than are retried, but never so many between two signs of life.
func TestQuietStreamIsNotGivenUp(t *testing.T) {
	var script []sparktest.Step
	for range 4 {
		for range spark.DefaultRetry().Retries {
			script = append(script, sparktest.Cut())
		}
		script = append(script, sparktest.End())
	}
	server := sparktest.New(t)
	server.Execute(append(script, sparktest.Reply(scripted.Batch(t, 0, 7)), sparktest.Complete())...)
	if numbers, err := collectNumbers(t, scripted.Dial(t, server)); err != nil || len(numbers) != 1 {
		t.Errorf("got %v and %v, expected the answer after all", numbers, err)
	}
}

func TestReattachAsksForWhatFollowsTheLastAnswer(t *testing.T) {
	server := sparktest.New(t)
	server.Execute(sparktest.Cut(), sparktest.Reply(scripted.Batch(t, 0, 0)), sparktest.Cut(), sparktest.Complete())
	if _, err := collectNumbers(t, scripted.Dial(t, server)); err != nil {
		t.Fatal(err)
	}
	var last []string
	for _, request := range sparktest.Sent[*wire.ReattachExecuteRequest](server) {
		last = append(last, request.GetLastResponseId())
	}
	id := scripted.OperationIDs(server)[0]
	if diff := cmp.Diff([]string{"", id + "-1"}, last); diff != "" {
		t.Errorf("last response ids (-expected +got):\n%s", diff)
	}
}

func TestForgottenOperationIsAnErrorOnceItHasAnswered(t *testing.T) {
	server := sparktest.New(t)
	server.Execute(sparktest.Reply(scripted.Batch(t, 0, 0)), sparktest.Forget())
	_, err := collectNumbers(t, scripted.Dial(t, server))
	if !errors.Is(err, spark.ErrOperationNotFound) || !strings.Contains(err.Error(), "answering in part") {
		t.Errorf("got %v, expected ErrOperationNotFound: running it again would double its answers", err)
	}
	if n := len(scripted.OperationIDs(server)); n != 1 {
		t.Errorf("ExecutePlan was sent %d times, expected once", n)
	}
}

// TestRestartDuringAnExecutionIsSessionChanged has a server that does not know the session any more, of which the old one may have died.
func TestRestartDuringAnExecutionIsSessionChanged(t *testing.T) {
	for name, answers := range map[string][]sparktest.Step{
		"after an answer":   {sparktest.Reply(scripted.Batch(t, 0, 0))},
		"before any answer": nil,
	} {
		t.Run(name, func(t *testing.T) {
			server := sparktest.New(t)
			server.Execute(append(answers, sparktest.Do(server.Restart), sparktest.Cut())...)
			_, err := collectNumbers(t, scripted.Dial(t, server))
			if !errors.Is(err, spark.ErrSessionChanged) || !strings.Contains(err.Error(), "not sent again") {
				t.Errorf("got %v, expected ErrSessionChanged", err)
			}
			if n := len(scripted.OperationIDs(server)); n != 1 {
				t.Errorf("the query was sent %d times, expected once", n)
			}
		})
	}
}

// TestServerThatDiesOfAQueryIsNotAskedForLong has a server that is not started again.
func TestServerThatDiesOfAQueryIsNotAskedForLong(t *testing.T) {
	server := sparktest.New(t)
	const faults = 6 // before the answer: they are over
	var script []sparktest.Step
	for range faults {
		script = append(script, sparktest.Cut())
	}
	server.Execute(append(script, sparktest.Reply(scripted.Batch(t, 0, 0)), sparktest.Silence())...)
	var mu sync.Mutex
	var waits []time.Duration // of the query, not of its release, which goes on beside it
	session := scripted.Dial(t, server, spark.WithRetryHook(func(retry spark.Retry) {
		mu.Lock()
		defer mu.Unlock()
		if retry.Call != "ReleaseExecute" {
			waits = append(waits, retry.Wait)
		}
	}))
	server.HandleCall(func(context.Context, proto.Message) (proto.Message, error) {
		go server.Stop() // the client has the row, and says so
		return nil, nil
	})
	_, err := collectNumbers(t, session)
	if err == nil || !strings.Contains(err.Error(), "may have died") || spark.Retryable(err) {
		t.Errorf("got %v, expected to hear that the server may have died of the query", err)
	}
	var waited time.Duration
	for _, wait := range waits[faults:] {
		waited += wait
	}
	if waited < 30*time.Second || waited > 90*time.Second {
		t.Errorf("waited %s (%v), expected half a minute, and up to the next attempt", waited, waits)
	}
	waits = nil
	if _, err := session.Streams().Attach("id-1", "run-1", "").Status(t.Context()); !spark.Retryable(err) || len(waits) != spark.DefaultRetry().Retries {
		t.Errorf("a question to the server that is away gave %v after %d retries, expected all", err, len(waits))
	}
}

func TestFailureOfTheOperationIsNotTriedAgain(t *testing.T) {
	server := sparktest.New(t)
	server.Execute(sparktest.Fail(sparktest.Failure(codes.Internal, "DIVIDE_BY_ZERO", "Division by zero.")))
	_, err := collectNumbers(t, scripted.Dial(t, server))
	var e *spark.Error
	if !errors.As(err, &e) || e.Class != "DIVIDE_BY_ZERO" {
		t.Errorf("got %v, expected DIVIDE_BY_ZERO", err)
	}
	if n := len(sparktest.Sent[*wire.ReattachExecuteRequest](server)); n != 0 {
		t.Errorf("reattached %d times to a failed operation", n)
	}
}

func TestOperationThatArrivedTwiceIsReattached(t *testing.T) {
	server := sparktest.New(t)
	// The server says that it knows the operation already, as it does when a request sent again overtakes the first.
	server.Execute(sparktest.Fail(sparktest.Failure(codes.Internal, "INVALID_HANDLE.OPERATION_ALREADY_EXISTS", "Operation already exists.")),
		sparktest.Reply(scripted.Batch(t, 0, 7)), sparktest.Complete())
	numbers, err := collectNumbers(t, scripted.Dial(t, server))
	if err != nil || len(numbers) != 1 || numbers[0] != 7 {
		t.Errorf("got %v and %v, expected the answer of the operation that exists", numbers, err)
	}
}

func TestSilentStreamIsReattached(t *testing.T) {
	server := sparktest.New(t)
	server.Execute(sparktest.Reply(scripted.Batch(t, 0, 1)), sparktest.Silence(), sparktest.Reply(scripted.Batch(t, 1, 2)), sparktest.Complete())
	numbers, err := collectNumbers(t, scripted.Dial(t, server, spark.WithSilence(50*time.Millisecond)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{1, 2}, numbers); diff != "" {
		t.Errorf("rows (-expected +got):\n%s", diff)
	}
}

// TestStreamThatSpeaksIsNotSilent has answers that come less than the allowed silence of three minutes apart, for longer than that in all.
func TestStreamThatSpeaksIsNotSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, session := inMemory(t)
		var script []sparktest.Step
		for i := range int64(5) {
			script = append(script, sparktest.Do(func() { time.Sleep(2 * time.Minute) }), sparktest.Reply(scripted.Batch(t, i, i)))
		}
		server.Execute(append(script, sparktest.Complete())...)
		numbers, err := collectNumbers(t, session)
		if n := len(sparktest.Sent[*wire.ReattachExecuteRequest](server)); err != nil || len(numbers) != 5 || n != 0 {
			t.Errorf("got %v and %v over %d more streams, expected all answers on the first", numbers, err, n)
		}
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestCompleteResultIsNotHeldUp has a connection that dies after the last answer without a word.
func TestCompleteResultIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, session := inMemory(t)
		server.Execute(sparktest.Reply(scripted.Batch(t, 0, 1)), sparktest.Complete(), sparktest.Silence())
		began := time.Now()
		numbers, err := collectNumbers(t, session)
		if took := time.Since(began); err != nil || len(numbers) != 1 || took != time.Second {
			t.Errorf("%v and %v after %s, expected the row after a second", numbers, err, took)
		}
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
}
