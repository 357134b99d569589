package protocol_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// lost are the ways in which Spark says that it lost an operation.
var lost = map[string]error{
	"orphaned":            sparktest.Failure(codes.Internal, "SPARK_CONNECT_ILLEGAL_STATE.EXECUTION_STATE_OPERATION_ORPHANED", "Operation has been orphaned."),
	"orphaned before 4.2": status.Error(codes.Internal, "Operation was orphaned because of an internal error."),
	"abandoned":           sparktest.Failure(codes.Internal, "INVALID_HANDLE.OPERATION_ABANDONED", "Operation was considered abandoned."),
}

func TestLostQueryIsSentAgainUnderAnotherID(t *testing.T) {
	query := func(ctx context.Context, session *spark.Session) error {
		rows, err := session.Range(0, 1, 1).Collect(ctx)
		if err == nil && len(rows) != 1 {
			return errors.New("not one row")
		}
		return err
	}
	ask := func(about func(*spark.StreamingQuery, context.Context) error) func(context.Context, *spark.Session) error {
		return func(ctx context.Context, session *spark.Session) error {
			return about(session.Streams().Attach("id-1", "run-1", ""), ctx)
		}
	}
	for name, of := range map[string]struct {
		answer *wire.ExecutePlanResponse
		do     func(context.Context, *spark.Session) error
	}{
		"query": {scripted.Batch(t, 0, 7), query},
		"status": {sparktest.Status("", true), ask(func(q *spark.StreamingQuery, ctx context.Context) error {
			_, err := q.Status(ctx)
			return err
		})},
		"stop": {sparktest.Query(&wire.StreamingQueryCommandResult{}), ask((*spark.StreamingQuery).Stop)},
		"active": {sparktest.Active(), func(ctx context.Context, session *spark.Session) error {
			_, err := session.Streams().Active(ctx)
			return err
		}},
	} {
		for how, err := range lost {
			t.Run(name+" "+how, func(t *testing.T) {
				server := sparktest.New(t)
				server.Execute(sparktest.Cut(), sparktest.Fail(err))
				server.Execute(sparktest.Fail(err))
				server.Execute(sparktest.Answer(of.answer)...)
				if err := of.do(t.Context(), scripted.Dial(t, server)); err != nil {
					t.Fatal(err)
				}
				ids := map[string]bool{}
				for _, id := range scripted.OperationIDs(server) {
					ids[id] = true
				}
				if len(ids) != 3 {
					t.Errorf("operations %v, expected three: Spark refuses the id of an operation that it lost", scripted.OperationIDs(server))
				}
			})
		}
	}
}

func TestLostCommandIsNotSentAgain(t *testing.T) {
	for name, do := range map[string]func(context.Context, *spark.Session) error{
		"start": func(ctx context.Context, session *spark.Session) error {
			_, err := session.Table("t").WriteStream().Start(ctx)
			return err
		},
		"sql": func(ctx context.Context, session *spark.Session) error {
			_, err := session.SQL(ctx, "INSERT INTO t VALUES (1)")
			return err
		},
		"write": func(ctx context.Context, session *spark.Session) error {
			return session.Range(0, 1, 1).Write().InsertInto(ctx, "t")
		},
		"view": func(ctx context.Context, session *spark.Session) error {
			return session.Range(0, 1, 1).CreateOrReplaceTempView(ctx, "v")
		},
		"reset": func(ctx context.Context, session *spark.Session) error {
			return session.Streams().ResetTerminated(ctx)
		},
	} {
		for how, err := range lost {
			t.Run(name+" "+how, func(t *testing.T) {
				server := sparktest.New(t)
				server.Execute(sparktest.Cut(), sparktest.Fail(err))
				err := do(t.Context(), scripted.Dial(t, server))
				if !errors.Is(err, spark.ErrOperationLost) || !strings.Contains(err.Error(), "may or may not have run") {
					t.Errorf("got %v, expected ErrOperationLost", err)
				}
				if n := len(scripted.OperationIDs(server)); n != 1 {
					t.Errorf("sent %d times, expected once", n)
				}
			})
		}
	}
}

func TestLostAfterAnAnswerIsAnError(t *testing.T) {
	server := sparktest.New(t)
	server.Execute(sparktest.Reply(scripted.Batch(t, 0, 0)), sparktest.Cut(), sparktest.Fail(lost["abandoned"]))
	if _, err := collectNumbers(t, scripted.Dial(t, server)); !errors.Is(err, spark.ErrOperationLost) {
		t.Errorf("got %v, expected ErrOperationLost: running it again would double its answers", err)
	}
	if n := len(scripted.OperationIDs(server)); n != 1 {
		t.Errorf("sent %d times, expected once", n)
	}
}
