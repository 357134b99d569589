package protocol

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// service is Spark's name for the gRPC service; our own messages live under another package.
const service = "/spark.connect.SparkConnectService/"

// answer is what every response of the service has.
type answer interface {
	proto.Message
	GetSessionId() string
	GetServerSideSessionId() string
}

// call makes a unary call, and makes it again as long as its faults may pass.
func (c *Conn) call(ctx context.Context, method string, request proto.Message, response answer) error {
	retry := c.startRetry(method)
	for {
		err := c.callOnce(ctx, method, request, response)
		if err == nil {
			return nil
		}
		if err := retry.wait(ctx, err); err != nil {
			return err
		}
	}
}

func (c *Conn) callOnce(ctx context.Context, method string, request proto.Message, response answer) error {
	attempt, cancel := context.WithTimeout(c.target.outgoing(ctx), c.callTimeout)
	defer cancel()
	proto.Reset(response)
	if err := c.client.Invoke(attempt, service+method, request, response); err != nil {
		awaitDeadline(attempt, err)
		if ctx.Err() == nil && attempt.Err() != nil {
			return &Error{Code: codes.Unavailable, Message: fmt.Sprintf("no answer to %s within %s", method, c.callTimeout)}
		}
		return c.fault(ctx, err)
	}
	return c.checkSession(response)
}

// fault turns an error of gRPC into the caller's own cancellation, or into an *Error with all that the server can say about it.
func (c *Conn) fault(ctx context.Context, err error) error {
	awaitDeadline(ctx, err)
	if ctx.Err() != nil {
		return cancellationOf(ctx)
	}
	e := c.readError(err)
	if e.errorID == "" {
		return e
	}
	request := &wire.FetchErrorDetailsRequest{
		SessionId: c.SessionID(), UserContext: c.userContext(), ClientType: c.clientType(),
		ClientObservedServerSideSessionId: c.observedSession(), ErrorId: e.errorID,
	}
	details := &wire.FetchErrorDetailsResponse{}
	attempt, cancel := context.WithTimeout(c.target.outgoing(ctx), 10*time.Second)
	defer cancel()
	// The status already says enough: without the details, which a server gives once, the error is shorter, not another.
	for retry := c.startRetry("FetchErrorDetails"); ; {
		err := c.client.Invoke(attempt, service+"FetchErrorDetails", request, details)
		if err == nil {
			e.readDetails(details, c.target.Token)
			return e
		}
		if retry.wait(attempt, c.readError(err)) != nil {
			return e
		}
	}
}

// readError reads what a call failed with. Where a mistake in the set-up of TLS kept the connection from being made, the error says so.
func (c *Conn) readError(err error) *Error {
	e := newError(err, c.target.Token)
	if mistake := c.handshakes.mistake(); mistake != "" && e.Code == codes.Unavailable {
		e.Message, e.lasting = mistake, true
	}
	return e
}

// awaitDeadline waits for a deadline that passes within a second, if the server has ended the call: the server knows the deadline and may
// see it pass before our own clock does. Its cancellation is then no error of Spark's.
func awaitDeadline(ctx context.Context, err error) {
	deadline, ok := ctx.Deadline()
	code := status.Code(err)
	if ok && (code == codes.Canceled || code == codes.DeadlineExceeded) && time.Until(deadline) < time.Second {
		<-ctx.Done()
	}
}

// checkSession checks that an answer is for this session, and remembers or compares the server-side session id.
func (c *Conn) checkSession(response answer) error {
	if id := response.GetSessionId(); id != "" && id != c.SessionID() {
		return &Error{Code: codes.Internal, Message: fmt.Sprintf("the server answered for session %s, not for %s", id, c.SessionID())}
	}
	id := response.GetServerSideSessionId()
	if id == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.serverSessionID == "" {
		c.serverSessionID = id
	}
	if c.serverSessionID != id {
		return &Error{
			Code: codes.Internal, Class: "INVALID_HANDLE.SESSION_CHANGED", SQLState: "HY000",
			Message: fmt.Sprintf("[INVALID_HANDLE.SESSION_CHANGED] The server-side session is now %s, was %s: the server restarted. Connect with a new session id.", id, c.serverSessionID),
		}
	}
	return nil
}
