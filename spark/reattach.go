package spark

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// OperationID names one execution on the server; it is also the key under which a request sent twice runs once.
type OperationID string

// execution is one operation, whose answers arrive each exactly once and in order over as many streams as it takes:
// servers cut a stream after two minutes, connections break, and the operation runs on.
//
//	ExecutePlan ─► answers … cut or early end ─► ReattachExecute(last answer) ─► answers … ResultComplete ─► ReleaseExecute
//
// An operation that the server does not know on reattaching never arrived there: ExecutePlan is sent again, under the same
// operation id, so that a request which did arrive after all is not run twice. One that the server has lost (ErrOperationLost) is
// sent again, under a new id, only if running it twice does no harm. One whose server was restarted, or does not come back, is not sent
// again: the server may have died of it.
type execution struct {
	session  *Session
	ctx      context.Context
	request  *wire.ExecutePlanRequest
	invalid  error // why the request is not sent
	retry    *retrier
	stream   *stream
	sent     bool   // ExecutePlan was sent, so reattach
	accepted bool   // the server has answered
	lastID   string // of the last answer handed out
	beforeID string // of the answer before it
	complete bool
	failed   bool // it ended without completing
	hasJob   bool // Spark has a job of it, which an interrupt ends

	consumed  chan string // newest answer that the server may forget
	releasing bool        // release runs
	closeOnce sync.Once
	released  chan struct{} // closed when the server has been told that the operation is over, or cannot be told
}

// execute prepares an operation; the first call of next sends it. The caller must close it.
func (s *Session) execute(ctx context.Context, plan *wire.Plan) *execution {
	id := uuid.NewString()
	var invalid error
	for _, tag := range tags(ctx) {
		invalid = cmp.Or(invalid, checkTag(tag))
	}
	return &execution{
		invalid: invalid,
		session: s, ctx: ctx, retry: s.startRetry("ExecutePlan"), consumed: make(chan string, 1), released: make(chan struct{}),
		request: &wire.ExecutePlanRequest{
			SessionId: string(s.ID()), UserContext: s.user(), ClientType: s.clientType(),
			OperationId: &id, Plan: plan, Tags: tagsOf(ctx, plan),
			RequestOptions: []*wire.ExecutePlanRequest_RequestOption{{
				RequestOption: &wire.ExecutePlanRequest_RequestOption_ReattachOptions{
					ReattachOptions: &wire.ReattachOptions{Reattachable: true},
				},
			}},
		},
	}
}

// next blocks for the next answer; io.EOF after the last.
func (e *execution) next() (*wire.ExecutePlanResponse, error) {
	for !e.complete {
		response, err := e.receive()
		if err == nil {
			e.retry.reset()
			e.beforeID, e.lastID = e.lastID, response.GetResponseId()
			e.note(response)
			if e.complete {
				e.stream.drain()
				break
			}
			return response, nil
		}
		if err := e.recover(err); err != nil {
			e.failed = e.ctx.Err() == nil
			return nil, err
		}
	}
	return nil, io.EOF
}

// note keeps what an answer says about the state of the operation.
func (e *execution) note(answer *wire.ExecutePlanResponse) {
	e.accepted = true
	switch answer.GetResponseType().(type) {
	case *wire.ExecutePlanResponse_ResultComplete_:
		e.complete = true
	case *wire.ExecutePlanResponse_ArrowBatch_:
		e.hasJob = true
	case *wire.ExecutePlanResponse_ExecutionProgress_:
		stages := answer.GetExecutionProgress().GetStages() // of jobs that Spark has, also where their tasks wait for room
		e.hasJob = slices.ContainsFunc(stages, func(s *wire.ExecutePlanResponse_ExecutionProgress_StageInfo) bool { return !s.GetDone() })
	}
}

func (e *execution) receive() (*wire.ExecutePlanResponse, error) {
	if e.invalid != nil {
		return nil, e.invalid
	}
	if e.stream == nil {
		if err := e.open(); err != nil {
			return nil, err
		}
	}
	return e.stream.receive()
}

func (e *execution) open() (err error) {
	if !e.sent {
		e.sent, e.retry.call = true, "ExecutePlan"
		if !e.releasing {
			e.releasing = true
			e.session.releases.Go(e.release)
		}
		e.request.ClientObservedServerSideSessionId = e.session.observedID()
		e.stream, err = e.session.openStream(e.ctx, "ExecutePlan", e.request)
		return err
	}
	e.retry.call = "ReattachExecute"
	request := &wire.ReattachExecuteRequest{
		SessionId: e.request.GetSessionId(), UserContext: e.request.GetUserContext(), ClientType: e.request.ClientType,
		ClientObservedServerSideSessionId: e.session.observedID(), OperationId: e.request.GetOperationId(),
	}
	if e.lastID != "" {
		request.LastResponseId = proto.String(e.lastID)
	}
	e.stream, err = e.session.openStream(e.ctx, "ReattachExecute", request)
	return err
}

// recover makes the next receive go on where this one failed, or returns the error that ends the operation.
func (e *execution) recover(err error) error {
	e.drop()
	switch {
	case cancelled(err):
	case errors.Is(err, io.EOF):
		// A clean end before ResultComplete is the server's time limit on streams, not a fault: it is not counted, and the faults
		// before it are over. A quiet stream, as of a listener, meets many in its life.
		e.retry.reset()
		return e.session.retry.sleep(e.ctx, e.session.retry.Initial)
	case errors.Is(err, ErrSessionNotFound) && e.session.ServerSessionID() != "":
		// Only a server that was restarted does not know a session that has answered. It would run what is sent again in an empty
		// session, or die of it as the one before.
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
	case e.accepted && runsJobs(e.request.GetPlan()) && refused(err) && e.retry.waited >= goneLimit:
		return &Error{Code: codes.Unavailable, lasting: true, Message: fmt.Sprintf("the server is gone since it ran operation %s, of which it may have died: "+
			"see its log, start it again, and repeat only what it can bear (%v)", e.request.GetOperationId(), err)}
	}
	return e.retry.wait(e.ctx, err)
}

// goneLimit is how long, in all, an operation that was under way is asked for on a server that refuses connections: with the server the
// operation has ended.
const goneLimit = 30 * time.Second

// refused tells whether nobody listens at the server's address.
func refused(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == codes.Unavailable && strings.Contains(e.Message, "connection refused")
}

// repeatable tells whether running a plan twice is as good as once: a query, or a command to streaming queries that changes nothing
// or stops one run.
func repeatable(plan *wire.Plan) bool {
	switch plan.GetCommand().GetStreamingQueryCommand().GetCommand().(type) {
	case *wire.StreamingQueryCommand_Status, *wire.StreamingQueryCommand_LastProgress, *wire.StreamingQueryCommand_RecentProgress,
		*wire.StreamingQueryCommand_Explain, *wire.StreamingQueryCommand_Exception, *wire.StreamingQueryCommand_AwaitTermination,
		*wire.StreamingQueryCommand_ProcessAllAvailable, *wire.StreamingQueryCommand_Stop:
		return true
	}
	switch plan.GetCommand().GetStreamingQueryManagerCommand().GetCommand().(type) {
	case *wire.StreamingQueryManagerCommand_Active, *wire.StreamingQueryManagerCommand_GetQuery,
		*wire.StreamingQueryManagerCommand_AwaitAnyTermination:
		return true
	}
	return plan.GetRoot() != nil
}

func hasClass(err error, class string) bool {
	var e *Error
	return errors.As(err, &e) && e.names(class)
}

// drop abandons the current stream, not the operation.
func (e *execution) drop() {
	if e.stream != nil {
		e.stream.close()
		e.stream = nil
	}
}

// endFollows is how long an operation that has ended may take, after the repeated answer, to say so: both are sent at once.
const endFollows = 100 * time.Millisecond

// goesOn reports whether an operation has not ended on the server: it asks for the newest answer again, which it must not have
// released, and sees whether the end follows. It is for an operation that next is no longer called of.
func (e *execution) goesOn(ctx context.Context) bool {
	if !e.sent { // the server said that it did not arrive
		return false
	}
	e.ctx, e.lastID = ctx, e.beforeID
	for retry := e.session.startRetry("ReattachExecute"); ; {
		e.drop()
		ended, err := e.repeat()
		if err == nil {
			return !ended
		}
		if retry.wait(ctx, err) != nil {
			return false
		}
	}
}

func (e *execution) repeat() (ended bool, err error) {
	answer, err := e.receive()
	for until := time.Now().Add(endFollows); err == nil && answer.GetResultComplete() == nil; {
		e.stream.watchdog.Reset(time.Until(until))
		answer, err = e.receive()
		if errors.Is(err, io.EOF) || err != nil && errors.Is(context.Cause(e.stream.ctx), errSilent) {
			return false, nil
		}
	}
	return err == nil, err
}
