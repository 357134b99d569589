package protocol

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// Execution is one operation on the server; the package comment has its states. Its methods are for one goroutine.
type Execution struct {
	conn     *Conn
	ctx      context.Context
	request  *wire.ExecutePlanRequest
	invalid  error // why the request is not sent
	retry    *retrier
	stream   *stream // nil while disconnected
	sent     bool    // ExecutePlan was sent, so reattach
	accepted bool    // the server has answered
	lastID   string  // of the last answer handed out
	beforeID string  // of the answer before it
	complete bool
	failed   bool // it ended without completing
	hasJob   bool // Spark has a job of it, which an interrupt ends

	consumed       chan string // newest answer that the server may forget
	releaseStarted bool
	closeOnce      sync.Once
	released       chan struct{} // closed when the server has been told that the operation is over, or cannot be told
}

// Execute prepares an operation; the first call of Next sends it. The caller must close it.
func (c *Conn) Execute(ctx context.Context, plan *wire.Plan) *Execution {
	id := uuid.NewString()
	var invalid error
	for _, tag := range tags(ctx) {
		invalid = cmp.Or(invalid, checkTag(tag))
	}
	return &Execution{
		invalid: invalid,
		conn:    c, ctx: ctx, retry: c.startRetry("ExecutePlan"), consumed: make(chan string, 1), released: make(chan struct{}),
		request: &wire.ExecutePlanRequest{
			SessionId: c.SessionID(), UserContext: c.userContext(), ClientType: c.clientType(),
			OperationId: &id, Plan: plan, Tags: tagsOf(ctx, plan),
			RequestOptions: []*wire.ExecutePlanRequest_RequestOption{{
				RequestOption: &wire.ExecutePlanRequest_RequestOption_ReattachOptions{
					ReattachOptions: &wire.ReattachOptions{Reattachable: true},
				},
			}},
		},
	}
}

// Run executes a command to its end and returns its answers.
func (c *Conn) Run(ctx context.Context, command *wire.Command) ([]*wire.ExecutePlanResponse, error) {
	e := c.Execute(ctx, &wire.Plan{OpType: &wire.Plan_Command{Command: command}})
	defer e.Close()
	var answers []*wire.ExecutePlanResponse
	for {
		answer, err := e.Next()
		if errors.Is(err, io.EOF) {
			return answers, nil
		}
		if err != nil {
			return nil, err
		}
		answers = append(answers, answer)
	}
}

// Next blocks for the next answer; io.EOF after the last.
func (e *Execution) Next() (*wire.ExecutePlanResponse, error) {
	for !e.complete {
		response, err := e.receive()
		if err == nil {
			e.retry.reset()
			e.beforeID, e.lastID = e.lastID, response.GetResponseId()
			e.update(response)
			if e.complete {
				e.stream.drain()
				break
			}
			return response, nil
		}
		if err := e.recoverFrom(err); err != nil {
			e.failed = e.ctx.Err() == nil
			return nil, err
		}
	}
	return nil, io.EOF
}

// update sets what an answer says about the state of the operation.
func (e *Execution) update(answer *wire.ExecutePlanResponse) {
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

func (e *Execution) receive() (*wire.ExecutePlanResponse, error) {
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

// open opens the first stream of the operation, or reattaches to it.
func (e *Execution) open() (err error) {
	if !e.sent {
		e.sent, e.retry.call = true, "ExecutePlan"
		if !e.releaseStarted {
			e.releaseStarted = true
			e.conn.releases.Go(e.release)
		}
		e.request.ClientObservedServerSideSessionId = e.conn.observedSession()
		e.stream, err = e.conn.openStream(e.ctx, "ExecutePlan", e.request)
		return err
	}
	e.retry.call = "ReattachExecute"
	request := &wire.ReattachExecuteRequest{
		SessionId: e.request.GetSessionId(), UserContext: e.request.GetUserContext(), ClientType: e.request.ClientType,
		ClientObservedServerSideSessionId: e.conn.observedSession(), OperationId: e.request.GetOperationId(),
	}
	if e.lastID != "" {
		request.LastResponseId = proto.String(e.lastID)
	}
	e.stream, err = e.conn.openStream(e.ctx, "ReattachExecute", request)
	return err
}
