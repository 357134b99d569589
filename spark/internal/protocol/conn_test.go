package protocol_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

const someSession = "0b0c5a5e-8b1f-4d0e-9a55-2f6a1c3d4e5f"

func TestEveryCallCarriesTheObservedServerSession(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server, spark.WithSessionID(someSession))
	if session.ServerSessionID() != server.SessionID() {
		t.Fatalf("observed %q, expected %q", session.ServerSessionID(), server.SessionID())
	}
	server.Execute(sparktest.Reply(sparktest.Active()), sparktest.Cut(), sparktest.Complete())
	if _, err := session.Streams().Active(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := session.Config().Set(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	if _, err := session.InterruptAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, call := range server.Calls()[1:] {
		seen[call.Method] = true
		request := call.Request.(interface {
			GetSessionId() string
			GetUserContext() *wire.UserContext
			GetClientObservedServerSideSessionId() string
		})
		if request.GetSessionId() != someSession || request.GetUserContext().GetUserId() != "tester" ||
			request.GetClientObservedServerSideSessionId() != server.SessionID() {
			t.Errorf("%s carries %v", call.Method, request)
		}
	}
	for _, method := range []string{"ExecutePlan", "ReattachExecute", "ReleaseExecute", "Config", "Interrupt"} {
		if !seen[method] {
			t.Errorf("%s was not called", method)
		}
	}
}

func TestRestartedServerIsNoticed(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	server.Restart()
	if _, err := session.Version(t.Context()); !errors.Is(err, spark.ErrSessionChanged) {
		t.Errorf("Version gave %v, expected ErrSessionChanged", err)
	}
	if _, err := session.Streams().Active(t.Context()); !errors.Is(err, spark.ErrSessionChanged) {
		t.Errorf("Active gave %v, expected ErrSessionChanged", err)
	}
	if err := session.Heartbeat(t.Context(), time.Hour); !errors.Is(err, spark.ErrSessionChanged) || spark.Retryable(err) {
		t.Errorf("Heartbeat gave %v, expected ErrSessionChanged, not to be retried", err)
	}
}

// TestServerThatDoesNotCompareIsCompared is for servers before 4.0, which ignore the observed id.
func TestServerThatDoesNotCompareIsCompared(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
		if _, ok := request.(*wire.ConfigRequest); ok {
			return &wire.ConfigResponse{ServerSideSessionId: "another"}, nil
		}
		return nil, nil
	})
	if err := session.Config().Set(t.Context(), "k", "v"); !errors.Is(err, spark.ErrSessionChanged) {
		t.Errorf("got %v, expected ErrSessionChanged", err)
	}
}

func TestAnswerForAnotherSessionIsRefused(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	server.HandleCall(func(context.Context, proto.Message) (proto.Message, error) {
		return &wire.ConfigResponse{SessionId: "another"}, nil
	})
	if err := session.Config().Set(t.Context(), "k", "v"); err == nil || !strings.Contains(err.Error(), "answered for session another") {
		t.Errorf("got %v, expected an error about the other session", err)
	}
}

func TestClosedSessionIsTyped(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	server.CloseSession()
	if _, err := session.Version(t.Context()); !errors.Is(err, spark.ErrSessionClosed) {
		t.Errorf("got %v, expected ErrSessionClosed", err)
	}
}

func TestReleaseThatFailsAfterClosingTheSessionIsDone(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
		if _, ok := request.(*wire.ReleaseSessionRequest); ok {
			server.CloseSession()
			return nil, status.Error(codes.Internal, "org/apache/spark/ml/util/ConnectHelper")
		}
		return nil, nil
	})
	if err := session.Release(t.Context()); err != nil {
		t.Errorf("got %v for a session that is closed", err)
	}
}

func TestReleaseThatFailsIsAnError(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
		if _, ok := request.(*wire.ReleaseSessionRequest); ok {
			return nil, status.Error(codes.Internal, "no")
		}
		return nil, nil
	})
	if err := session.Release(t.Context()); err == nil {
		t.Error("a session that still answers counts as released")
	}
}

func TestCloseLeavesTheSession(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	for _, call := range server.Calls() {
		if call.Method == "ReleaseSession" || call.Method == "Interrupt" {
			t.Errorf("Close sent %s, which stops the session's queries", call.Method)
		}
	}
}

func TestTokenUserAgentAndHeadersAreSent(t *testing.T) {
	server := sparktest.New(t)
	scripted.Dial(t, server, spark.WithToken("s3cret"), spark.WithUserAgent("election"))
	header := server.Calls()[0].Header
	if got := header.Get("authorization"); len(got) != 1 || got[0] != "Bearer s3cret" {
		t.Errorf("authorization %v", got)
	}
	if got := header.Get("user-agent"); len(got) != 1 || !strings.HasPrefix(got[0], "election ") {
		t.Errorf("user agent %v", got)
	}
	request := sparktest.Sent[*wire.AnalyzePlanRequest](server)[0]
	if !strings.HasPrefix(request.GetClientType(), "election ") {
		t.Errorf("client type %q", request.GetClientType())
	}
	session, err := spark.Dial(t.Context(), server.URL()+"/;x-team=counting;user_id=me")
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if got := server.Calls()[1].Header.Get("x-team"); len(got) != 1 || got[0] != "counting" || session.UserID() != "me" {
		t.Errorf("x-team %v, user %s", got, session.UserID())
	}
}

func TestTokenNeverReachesAnError(t *testing.T) {
	server := sparktest.New(t)
	server.HandleCall(func(context.Context, proto.Message) (proto.Message, error) {
		return nil, sparktest.Failure(codes.Unauthenticated, "AUTH", "Bearer s3cret is not known here")
	})
	_, err := spark.Dial(t.Context(), server.URL()+"/;token=s3cret")
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "not known here") {
		t.Errorf("got %v, expected the server's words without the token", err)
	}
	for _, bad := range []string{"sc://h/;tokn=s3cret", "sc://h/;token=%zzs3cret", "h/;token=s3cret", "sc://h;token=s3cret", "sc://h:x/;token=s3cret", "sc://far/;token=s3cret;use_ssl=false"} {
		if _, err := spark.Dial(t.Context(), bad); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s gave %v, expected an error without the token", bad, err)
		}
	}
}
