package spark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// service is Spark's name for the gRPC service; our own messages live under another package.
const service = "/spark.connect.SparkConnectService/"

// errSilent ends a stream on which the server has gone quiet.
var errSilent = errors.New("the server went silent")

// answer is what every response of the service has.
type answer interface {
	proto.Message
	GetSessionId() string
	GetServerSideSessionId() string
}

// call makes a unary call, again as long as its faults are of the kind that pass.
func (s *Session) call(ctx context.Context, method string, request proto.Message, response answer) error {
	retry := s.startRetry(method)
	for {
		err := s.callOnce(ctx, method, request, response)
		if err == nil {
			return nil
		}
		if err := retry.wait(ctx, err); err != nil {
			return err
		}
	}
}

func (s *Session) callOnce(ctx context.Context, method string, request proto.Message, response answer) error {
	attempt, cancel := context.WithTimeout(s.target.outgoing(ctx), s.callTimeout)
	defer cancel()
	proto.Reset(response)
	if err := s.conn.Invoke(attempt, service+method, request, response); err != nil {
		awaitDeadline(attempt, err)
		if ctx.Err() == nil && attempt.Err() != nil {
			return &Error{Code: codes.Unavailable, Message: fmt.Sprintf("no answer to %s within %s", method, s.callTimeout)}
		}
		return s.fault(ctx, err)
	}
	return s.observe(response)
}

// fault turns what gRPC returned into the caller's own cancellation or an *Error with all the server can say about it.
func (s *Session) fault(ctx context.Context, err error) error {
	awaitDeadline(ctx, err)
	if ctx.Err() != nil {
		return ended(ctx)
	}
	e := s.read(err)
	if e.errorID == "" {
		return e
	}
	request := &wire.FetchErrorDetailsRequest{
		SessionId: string(s.ID()), UserContext: s.user(), ClientType: s.clientType(),
		ClientObservedServerSideSessionId: s.observedID(), ErrorId: e.errorID,
	}
	details := &wire.FetchErrorDetailsResponse{}
	attempt, cancel := context.WithTimeout(s.target.outgoing(ctx), 10*time.Second)
	defer cancel()
	// The status already says enough: without the details, which a server gives once, the error is shorter, not another.
	for retry := s.startRetry("FetchErrorDetails"); ; {
		err := s.conn.Invoke(attempt, service+"FetchErrorDetails", request, details)
		if err == nil {
			e.readDetails(details, s.target.token)
			return e
		}
		if retry.wait(attempt, s.read(err)) != nil {
			return e
		}
	}
}

// read reads what a call failed with. A connection that was never made, for a mistake in the set-up of TLS, says so.
func (s *Session) read(err error) *Error {
	e := newError(err, s.target.token)
	if mistake := s.handshakes.mistake(); mistake != "" && e.Code == codes.Unavailable {
		e.Message, e.lasting = mistake, true
	}
	return e
}

// awaitDeadline waits out the last moment of a deadline that the server, which is told of it, has seen pass first: its
// cancellation may overtake our own clock, and is then no error of Spark's.
func awaitDeadline(ctx context.Context, err error) {
	deadline, ok := ctx.Deadline()
	code := status.Code(err)
	if ok && (code == codes.Canceled || code == codes.DeadlineExceeded) && time.Until(deadline) < time.Second {
		<-ctx.Done()
	}
}

// observe checks that an answer is for this session, and remembers or compares the server-side session id.
func (s *Session) observe(response answer) error {
	if id := response.GetSessionId(); id != "" && id != string(s.ID()) {
		return &Error{Code: codes.Internal, Message: fmt.Sprintf("the server answered for session %s, not for %s", id, s.ID())}
	}
	id := response.GetServerSideSessionId()
	if id == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.observed == "" {
		s.observed = id
	}
	if s.observed != id {
		return &Error{
			Code: codes.Internal, Class: "INVALID_HANDLE.SESSION_CHANGED", SQLState: "HY000",
			Message: fmt.Sprintf("[INVALID_HANDLE.SESSION_CHANGED] The server-side session is now %s, was %s: the server restarted. Connect with a new session id.", id, s.observed),
		}
	}
	return nil
}

// stream is one attempt at receiving the answers of an operation.
type stream struct {
	session  *Session
	caller   context.Context
	ctx      context.Context
	cancel   context.CancelCauseFunc
	watchdog *time.Timer
	client   grpc.ClientStream
}

func (s *Session) openStream(ctx context.Context, method string, request proto.Message) (*stream, error) {
	st := &stream{session: s, caller: ctx}
	st.ctx, st.cancel = context.WithCancelCause(s.target.outgoing(ctx))
	st.watchdog = time.AfterFunc(s.silence, func() { st.cancel(errSilent) })
	client, err := s.conn.NewStream(st.ctx, &grpc.StreamDesc{StreamName: method, ServerStreams: true}, service+method)
	if err == nil {
		st.client = client
		if err = client.SendMsg(request); err == nil {
			err = client.CloseSend()
		}
	}
	// io.EOF from SendMsg means that the stream has ended and that its status is to be received.
	if err != nil && (client == nil || !errors.Is(err, io.EOF)) {
		st.close()
		return nil, st.fault(err)
	}
	return st, nil
}

// receive blocks for the next answer; io.EOF when the server ended the stream.
func (st *stream) receive() (*wire.ExecutePlanResponse, error) {
	response := &wire.ExecutePlanResponse{}
	if err := st.client.RecvMsg(response); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, st.fault(err)
	}
	st.watchdog.Reset(st.session.silence)
	return response, st.session.observe(response)
}

// drain receives the end of the stream, which follows the last answer at once: a server that is cut off before it
// complains. A connection that dies in this moment does not hold up what is complete.
func (st *stream) drain() {
	st.watchdog.Reset(time.Second)
	for {
		if _, err := st.receive(); err != nil {
			return
		}
	}
}

func (st *stream) fault(err error) error {
	if st.caller.Err() == nil && errors.Is(context.Cause(st.ctx), errSilent) {
		return &Error{Code: codes.Unavailable, Message: fmt.Sprintf("%v: no answer for %s", errSilent, st.session.silence)}
	}
	return st.session.fault(st.caller, err)
}

func (st *stream) close() {
	st.watchdog.Stop()
	st.cancel(nil)
}
