package protocol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// errSilent ends a stream on which the server has gone silent.
var errSilent = errors.New("the server went silent")

// stream is one attempt at receiving the answers of an operation.
type stream struct {
	conn     *Conn
	caller   context.Context
	ctx      context.Context
	cancel   context.CancelCauseFunc
	watchdog *time.Timer
	client   grpc.ClientStream
}

func (c *Conn) openStream(ctx context.Context, method string, request proto.Message) (*stream, error) {
	st := &stream{conn: c, caller: ctx}
	st.ctx, st.cancel = context.WithCancelCause(c.target.outgoing(ctx))
	st.watchdog = time.AfterFunc(c.silence, func() { st.cancel(errSilent) })
	client, err := c.client.NewStream(st.ctx, &grpc.StreamDesc{StreamName: method, ServerStreams: true}, service+method)
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
	st.watchdog.Reset(st.conn.silence)
	return response, st.conn.checkSession(response)
}

// drain receives the end of the stream, which follows the last answer at once: a server whose stream is closed before that complains. A
// connection that dies in this moment delays the complete result by a second at most.
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
		return &Error{Code: codes.Unavailable, Message: fmt.Sprintf("%v: no answer for %s", errSilent, st.conn.silence)}
	}
	return st.conn.fault(st.caller, err)
}

func (st *stream) close() {
	st.watchdog.Stop()
	st.cancel(nil)
}
