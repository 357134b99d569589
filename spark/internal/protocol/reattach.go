package protocol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// recoverFrom makes the next receive go on where this one failed, or returns the error that ends the operation.
//
// An operation that the server does not know on reattaching never arrived there: ExecutePlan is sent again, under the same operation id,
// so that a request which did arrive after all is not run twice. An operation that the server has lost (ErrOperationLost) is sent again,
// under a new id, only if running it twice does no harm. An operation whose server was restarted, or does not come back, is not sent
// again: the server may have died of it.
func (e *Execution) recoverFrom(err error) error {
	e.closeStream()
	switch {
	case cancelled(err):
	case errors.Is(err, io.EOF):
		// A clean end before ResultComplete is the server's time limit on streams, not a fault: it is not counted, and the faults
		// before it are over. A stream without answers, such as a listener's, meets many such ends in its life.
		e.retry.reset()
		return e.conn.retry.sleep(e.ctx, e.conn.retry.Initial)
	case errors.Is(err, ErrSessionNotFound) && e.conn.ServerSessionID() != "":
		// Only a server that was restarted does not know a session that has answered. It would run what is sent again in an empty
		// session, or die of it as the server before it did.
		return fmt.Errorf("the server restarted while it ran operation %s, which is not sent again: %w (%w)", e.request.GetOperationId(), ErrSessionChanged, err)
	case errors.Is(err, ErrOperationNotFound), errors.Is(err, ErrSessionNotFound):
		if e.lastID != "" {
			return fmt.Errorf("the server forgot operation %s after answering in part: %w", e.request.GetOperationId(), err)
		}
		e.sent = false
		return e.retry.waitAnyway(e.ctx, err)
	case errors.Is(err, ErrOperationLost):
		if e.lastID != "" || !repeatable(e.request.GetPlan()) {
			return fmt.Errorf("the server lost operation %s, which may or may not have run: %w", e.request.GetOperationId(), err)
		}
		e.sent, e.request.OperationId = false, proto.String(uuid.NewString())
		return e.retry.waitAnyway(e.ctx, err)
	case hasClass(err, "INVALID_HANDLE.OPERATION_ALREADY_EXISTS"):
		// The ExecutePlan that seemed lost had arrived: reattach to it.
		return e.retry.waitAnyway(e.ctx, err)
	case e.accepted && runsJobs(e.request.GetPlan()) && connectionRefused(err) && e.retry.waited >= goneLimit:
		return &Error{Code: codes.Unavailable, lasting: true, Message: fmt.Sprintf("the server is gone since it ran operation %s, of which it may have died: "+
			"see its log, start it again, and repeat only what it can bear (%v)", e.request.GetOperationId(), err)}
	}
	return e.retry.wait(e.ctx, err)
}

// goneLimit is how long, in all, the client waits for a server that refuses connections after it had an operation under way: the
// operation has ended with the server.
const goneLimit = 30 * time.Second

// connectionRefused tells whether nobody listens at the server's address.
func connectionRefused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == codes.Unavailable && strings.Contains(e.Message, "connection refused")
}

func hasClass(err error, class string) bool {
	var e *Error
	return errors.As(err, &e) && e.isOfClass(class)
}

// closeStream abandons the current stream, not the operation.
func (e *Execution) closeStream() {
	if e.stream != nil {
		e.stream.close()
		e.stream = nil
	}
}

// endLimit is how long the end of an operation may take to follow the repeated answer: a server that has both sends both at once.
const endLimit = 100 * time.Millisecond

// StillRuns reports whether the operation has not ended on the server: it asks for the newest answer again, which must not be consumed,
// and sees whether the end follows. Next must not be called any more.
func (e *Execution) StillRuns(ctx context.Context) bool {
	if !e.sent { // the server said that it did not arrive
		return false
	}
	e.ctx, e.lastID = ctx, e.beforeID
	for retry := e.conn.startRetry("ReattachExecute"); ; {
		e.closeStream()
		ended, err := e.repeatLastAnswer()
		if err == nil {
			return !ended
		}
		if retry.wait(ctx, err) != nil {
			return false
		}
	}
}

// repeatLastAnswer receives the last answer again, and reports whether the end of the operation follows.
func (e *Execution) repeatLastAnswer() (ended bool, err error) {
	answer, err := e.receive()
	for until := time.Now().Add(endLimit); err == nil && answer.GetResultComplete() == nil; {
		e.stream.watchdog.Reset(time.Until(until))
		answer, err = e.receive()
		if errors.Is(err, io.EOF) || err != nil && errors.Is(context.Cause(e.stream.ctx), errSilent) {
			return false, nil
		}
	}
	return err == nil, err
}
