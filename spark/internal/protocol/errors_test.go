package protocol_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

func TestErrorIsFilledFromTheFetchedDetails(t *testing.T) {
	st, err := status.New(codes.Internal, "[TABLE_OR_VIEW_NOT_FOUND] The table …").WithDetails(&errdetails.ErrorInfo{
		Reason:   "org.apache.spark.sql.AnalysisException",
		Metadata: map[string]string{"errorId": "e-1", "errorClass": "TABLE_OR_VIEW_NOT_FOUND", "messageParameters": `{"cut`},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := sparktest.New(t)
	var lost atomic.Bool
	server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
		switch request := request.(type) {
		case *wire.ConfigRequest:
			return nil, st.Err()
		case *wire.FetchErrorDetailsRequest:
			if !lost.Swap(true) {
				return nil, status.Error(codes.Unavailable, "connection reset")
			}
			if request.GetErrorId() != "e-1" {
				t.Errorf("asked for error %q", request.GetErrorId())
			}
			return &wire.FetchErrorDetailsResponse{RootErrorIdx: proto.Int32(0), Errors: []*wire.FetchErrorDetailsResponse_Error{
				{
					ErrorTypeHierarchy: []string{"org.apache.spark.sql.AnalysisException", "java.lang.Exception"},
					Message:            "[TABLE_OR_VIEW_NOT_FOUND] The table `t` cannot be found.", CauseIdx: proto.Int32(1),
					StackTrace: []*wire.FetchErrorDetailsResponse_StackTraceElement{{DeclaringClass: "a.B", MethodName: "c", FileName: proto.String("B.scala"), LineNumber: 7}},
					SparkThrowable: &wire.FetchErrorDetailsResponse_SparkThrowable{
						ErrorClass: proto.String("TABLE_OR_VIEW_NOT_FOUND"), SqlState: proto.String("42P01"), MessageParameters: map[string]string{"relationName": "`t`"},
						QueryContexts: []*wire.FetchErrorDetailsResponse_QueryContext{
							{ContextType: wire.FetchErrorDetailsResponse_QueryContext_SQL, ObjectType: "VIEW", ObjectName: "v", StartIndex: 14, StopIndex: 16, Fragment: "`t`", Summary: "== SQL of VIEW v =="},
							{ContextType: wire.FetchErrorDetailsResponse_QueryContext_DATAFRAME, Fragment: "col", CallSite: "main.go:7"},
						},
					},
				},
				{Message: "a cause that is its own cause", CauseIdx: proto.Int32(1)},
			}}, nil
		}
		return nil, nil
	})
	var e *spark.Error
	if err := scripted.Dial(t, server).Config().Set(t.Context(), "k", "v"); !errors.As(err, &e) {
		t.Fatalf("got %v, expected a *spark.Error", err)
	}
	if e.Code != codes.Internal || e.Class != "TABLE_OR_VIEW_NOT_FOUND" || e.SQLState != "42P01" || !strings.Contains(e.Message, "`t` cannot be found") {
		t.Errorf("error %+v", e)
	}
	if diff := cmp.Diff(map[string]string{"relationName": "`t`"}, e.Parameters); diff != "" {
		t.Errorf("parameters (-expected +got):\n%s", diff)
	}
	contexts := []spark.QueryContext{
		{ContextType: "SQL", ObjectType: "VIEW", ObjectName: "v", StartIndex: 14, StopIndex: 16, Fragment: "`t`", Summary: "== SQL of VIEW v =="},
		{ContextType: "DATAFRAME", Fragment: "col", CallSite: "main.go:7"},
	}
	if diff := cmp.Diff(contexts, e.QueryContexts); diff != "" {
		t.Errorf("query contexts (-expected +got):\n%s", diff)
	}
	if e.StackTrace != "a.B.c(B.scala:7)\n" || len(e.Causes) == 0 || len(e.Exceptions) != 2 {
		t.Errorf("trace %q, causes %q, exceptions %q", e.StackTrace, e.Causes, e.Exceptions)
	}
}

// TestDetailsThatDoNotComeHoldAnErrorUpForTenSeconds at most.
func TestDetailsThatDoNotComeHoldAnErrorUpForTenSeconds(t *testing.T) {
	st, err := status.New(codes.Internal, "[SOME.CLASS] It broke.").WithDetails(&errdetails.ErrorInfo{Metadata: map[string]string{"errorId": "e-1"}})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		server, session := inMemory(t)
		server.HandleCall(func(ctx context.Context, request proto.Message) (proto.Message, error) {
			if _, ok := request.(*wire.FetchErrorDetailsRequest); ok {
				<-ctx.Done()
			}
			return nil, st.Err()
		})
		began := time.Now()
		var e *spark.Error
		if err := session.Config().Set(t.Context(), "k", "v"); !errors.As(err, &e) || e.Class != "SOME.CLASS" || time.Since(began) != 10*time.Second {
			t.Errorf("got %v after %s, expected what the status said after ten seconds", err, time.Since(began))
		}
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestErrorWithoutDetailsKeepsWhatTheStatusSaid(t *testing.T) {
	server := sparktest.New(t)
	for name, sent := range map[string]error{
		"with error info": sparktest.Failure(codes.Internal, "SOME.CLASS", "It broke."),
		"message only":    status.Error(codes.Unknown, "[SOME.CLASS] It broke."),
	} {
		t.Run(name, func(t *testing.T) {
			failConfig(server, 1, sent)
			var e *spark.Error
			if err := scripted.Dial(t, server).Config().Set(t.Context(), "k", "v"); !errors.As(err, &e) || e.Class != "SOME.CLASS" {
				t.Errorf("got %v, expected the class", err)
			}
		})
	}
}

func TestSentinelsAreToldApart(t *testing.T) {
	sentinels := map[string]error{
		"INVALID_HANDLE.SESSION_CHANGED":                       spark.ErrSessionChanged,
		"INVALID_HANDLE.SESSION_CLOSED":                        spark.ErrSessionClosed,
		"INVALID_HANDLE.SESSION_NOT_FOUND":                     spark.ErrSessionNotFound,
		"INVALID_HANDLE.OPERATION_NOT_FOUND":                   spark.ErrOperationNotFound,
		"CONNECT_INVALID_PLAN.STREAMING_QUERY_NOT_FOUND":       spark.ErrQueryNotFound,
		"CONNECT_INVALID_PLAN.STREAMING_QUERY_RUN_ID_MISMATCH": spark.ErrQueryRestarted,
	}
	for class := range sentinels {
		for other, sentinel := range sentinels {
			if got := errors.Is(&spark.Error{Class: class}, sentinel); got != (class == other) {
				t.Errorf("%s is %v: %v", class, sentinel, got)
			}
			if got := errors.Is(&spark.Error{Message: "[" + class + "] text"}, sentinel); got != (class == other) {
				t.Errorf("a message of %s is %v: %v", class, sentinel, got)
			}
		}
	}
}

func TestRetryableIsOnlyWhatMayPass(t *testing.T) {
	for err, expected := range map[error]bool{
		&spark.Error{Code: codes.Unavailable}:                                        true,
		&spark.Error{Code: codes.Internal, Message: "[INVALID_CURSOR.DISCONNECTED]"}: true,
		&spark.Error{Code: codes.Internal}:                                           false,
		&spark.Error{Code: codes.Unauthenticated}:                                    false,
		context.Canceled:    false,
		errors.New("other"): false,
	} {
		if spark.Retryable(err) != expected {
			t.Errorf("Retryable(%v) is %v", err, !expected)
		}
	}
	if spark.Retryable(nil) {
		t.Error("no error is retryable")
	}
}
