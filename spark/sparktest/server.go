// Package sparktest is a Spark Connect server for tests: it runs in the test's process, on a loopback port of its own,
// computes nothing and answers by script.
//
//	server := sparktest.New(t)
//	server.Execute(sparktest.Reply(first), sparktest.Cut(), sparktest.Reply(second), sparktest.Complete())
//	session, err := spark.Dial(ctx, server.URL())
//
// What a script does not say, it does as Spark does: it keeps answers for reattaching, compares the observed server-side
// session id, refuses an operation id twice, holds settings, and reports a version.
package sparktest

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

const service = "/spark.connect.SparkConnectService/"

// Call is one request as it arrived.
type Call struct {
	Method  string // such as ExecutePlan
	Request proto.Message
	Header  metadata.MD
}

// Server is a scripted server. Its methods are safe for concurrent use.
type Server struct {
	t       testing.TB
	address string
	server  *grpc.Server

	mu         sync.Mutex
	sessionID  string // server side
	closed     bool
	restarted  bool // and no call has made the session again
	calls      []Call
	scripts    [][]Step
	execute    func(*wire.Plan) []Step
	unary      func(context.Context, proto.Message) (proto.Message, error)
	operations map[string]*operation
	forgotten  map[string]*operation
	settings   map[string]string
}

// New starts a server that stops with the test. A script that was never asked for fails the test.
func New(t testing.TB) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen for a scripted Spark Connect server: %v", err)
	}
	return NewOn(t, listener)
}

// NewOn is New on a listener of the test's own, such as one in memory (bufconn) for testing/synctest. It closes the listener.
func NewOn(t testing.TB, listener net.Listener) *Server {
	t.Helper()
	s := &Server{
		t: t, address: listener.Addr().String(), sessionID: uuid.NewString(),
		operations: map[string]*operation{}, forgotten: map[string]*operation{}, settings: map[string]string{},
	}
	s.server = grpc.NewServer(grpc.UnknownServiceHandler(s.handle))
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if n := len(s.scripts); n > 0 && !t.Failed() {
			t.Errorf("%d scripted executions were never asked for", n)
		}
	})
	return s
}

// URL is the connection string of the server.
func (s *Server) URL() string { return "sc://" + s.address }

// Execute queues a script for the next ExecutePlan that no earlier script serves.
func (s *Server) Execute(steps ...Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = append(s.scripts, steps)
}

// HandleExecute answers every ExecutePlan for which no script is queued. The function runs on the server's goroutines.
func (s *Server) HandleExecute(handle func(*wire.Plan) []Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.execute = handle
}

// HandleCall answers every other request, or leaves it to the server by returning nil and nil. The function runs on the
// server's goroutines; its context ends with the call.
func (s *Server) HandleCall(handle func(context.Context, proto.Message) (proto.Message, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unary = handle
}

// Stop ends the server, and refuses connections from then on.
func (s *Server) Stop() { s.server.Stop() }

// Restart forgets operations and settings and changes the server-side session, as a restarted Spark does.
func (s *Server) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessionID, s.restarted = uuid.NewString(), true
	s.operations, s.forgotten, s.settings = map[string]*operation{}, map[string]*operation{}, map[string]string{}
}

// CloseSession ends the session, as its timeout does.
func (s *Server) CloseSession() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// SessionID is the server-side id of the session.
func (s *Server) SessionID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessionID
}

// Calls returns what has arrived so far, in order.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Sent returns the requests of one type that have arrived so far, in order.
func Sent[R proto.Message](s *Server) []R {
	var of []R
	for _, call := range s.Calls() {
		if request, ok := call.Request.(R); ok {
			of = append(of, request)
		}
	}
	return of
}

func newRequest(method string) proto.Message {
	switch method {
	case "ExecutePlan":
		return &wire.ExecutePlanRequest{}
	case "ReattachExecute":
		return &wire.ReattachExecuteRequest{}
	case "ReleaseExecute":
		return &wire.ReleaseExecuteRequest{}
	case "AnalyzePlan":
		return &wire.AnalyzePlanRequest{}
	case "Config":
		return &wire.ConfigRequest{}
	case "Interrupt":
		return &wire.InterruptRequest{}
	case "ReleaseSession":
		return &wire.ReleaseSessionRequest{}
	case "FetchErrorDetails":
		return &wire.FetchErrorDetailsRequest{}
	}
	return nil
}

// handle serves every method, under Spark's name of the service.
func (s *Server) handle(_ any, stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	method := ""
	if len(path) > len(service) && path[:len(service)] == service {
		method = path[len(service):]
	}
	request := newRequest(method)
	if request == nil {
		return status.Errorf(codes.Unimplemented, "no method %s", path)
	}
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	header, _ := metadata.FromIncomingContext(stream.Context())
	s.mu.Lock()
	s.calls = append(s.calls, Call{Method: method, Request: request, Header: header})
	err := s.checkSession(request)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	switch request := request.(type) {
	case *wire.ExecutePlanRequest:
		return s.serveExecute(stream, request)
	case *wire.ReattachExecuteRequest:
		return s.serveReattach(stream, request)
	}
	response, err := s.answer(stream.Context(), request)
	if err != nil {
		return err
	}
	s.stamp(request, response)
	return stream.SendMsg(response)
}

// checkSession does what Spark does with the ids of a request.
func (s *Server) checkSession(request proto.Message) error {
	of, _ := request.(interface{ GetSessionId() string })
	if _, err := uuid.Parse(of.GetSessionId()); err != nil {
		return Failure(codes.InvalidArgument, "INVALID_HANDLE.FORMAT", "The session id is no UUID.")
	}
	if s.closed {
		return Failure(codes.Internal, "INVALID_HANDLE.SESSION_CLOSED", "The handle is invalid. Session was closed.")
	}
	switch request.(type) {
	case *wire.ReattachExecuteRequest, *wire.ReleaseExecuteRequest:
		if s.restarted {
			return Failure(codes.Internal, "INVALID_HANDLE.SESSION_NOT_FOUND", "The handle is invalid. Session not found.")
		}
	default:
		s.restarted = false // what is no question about an operation makes the session
	}
	observer, ok := request.(interface {
		GetClientObservedServerSideSessionId() string
	})
	if ok && observer.GetClientObservedServerSideSessionId() != "" && observer.GetClientObservedServerSideSessionId() != s.sessionID {
		return Failure(codes.Internal, "INVALID_HANDLE.SESSION_CHANGED", "The handle is invalid. The existing Spark server driver instance has restarted.")
	}
	return nil
}

// stamp puts the session's ids on an answer.
func (s *Server) stamp(request, response proto.Message) {
	of, _ := request.(interface{ GetSessionId() string })
	message := response.ProtoReflect()
	for name, value := range map[string]string{"session_id": of.GetSessionId(), "server_side_session_id": s.SessionID()} {
		if field := message.Descriptor().Fields().ByTextName(name); field != nil && message.Get(field).String() == "" {
			message.Set(field, protoString(value))
		}
	}
}
