package spark

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

const (
	// abandonLimit is how long an operation that nobody waits for any more may take until it runs a job.
	abandonLimit = time.Minute
	// closeLimit is how long Session.Close waits for what is on its way to the server.
	closeLimit = 5 * time.Second
	// arriveRetries is how often an operation is asked for again that the server does not know, as its request may still be on
	// its way: about a second.
	arriveRetries = 3
)

// consumedUntil tells the server that nothing up to an answer will be asked for again.
func (e *execution) consumedUntil(id string) {
	for id != "" {
		select {
		case e.consumed <- id:
			return
		default:
		}
		select { // an older id still waits: the newest covers it
		case <-e.consumed:
		default:
		}
	}
}

// close frees the operation on the server, and ends it if it still runs, both in the background. The caller must not use the execution
// any more.
func (e *execution) close() {
	e.closeOnce.Do(func() {
		e.drop()
		if e.releasing {
			e.session.leave(e)
		}
		close(e.consumed)
	})
}

// release runs beside the operation and passes on what was consumed, and at last that the operation is over, which interrupts it
// where it still runs: only this is tried again, for ten seconds. A server drops, and interrupts, an abandoned operation by itself
// after five minutes.
func (e *execution) release() {
	defer e.session.left(e)
	for id := range e.consumed {
		e.releaseBy(e.session.callOnce, &wire.ReleaseExecuteRequest{Release: &wire.ReleaseExecuteRequest_ReleaseUntil_{
			ReleaseUntil: &wire.ReleaseExecuteRequest_ReleaseUntil{ResponseId: id},
		}})
	}
	e.awaitJob()
	e.releaseBy(e.session.call, &wire.ReleaseExecuteRequest{Release: &wire.ReleaseExecuteRequest_ReleaseAll_{
		ReleaseAll: &wire.ReleaseExecuteRequest_ReleaseAll{},
	}})
}

// awaitJob follows an abandoned operation until an interrupt will end all of it. Spark takes one interrupt for an operation. If it
// comes while the job is about to be submitted, the operation ends as cancelled, but the job, which its shuffle submits on another
// thread a moment later, runs on, and nothing that a client can send ends it:
//
//	ExecutePlan ─► planning ─► interrupt ─► operation cancelled, its jobs too: none yet ─► job submitted, runs for ever
//
// A progress report with stages that are not done tells that the job is there. The server sends one every two seconds.
func (e *execution) awaitJob() {
	ctx, cancel := context.WithTimeout(e.session.background, abandonLimit)
	defer cancel()
	e.ctx, e.retry = ctx, e.session.startRetry("ReattachExecute")
	unknown := 0
	for e.sent && runsJobs(e.request.GetPlan()) && !e.complete && !e.failed && !e.hasJob {
		answer, err := e.receive()
		if err == nil {
			e.retry.reset()
			e.lastID = answer.GetResponseId()
			e.note(answer)
			continue
		}
		e.drop()
		switch {
		case errors.Is(err, io.EOF): // the server's time limit on streams
			err = e.session.retry.sleep(ctx, e.session.retry.Initial)
		case errors.Is(err, ErrOperationNotFound) && unknown < arriveRetries:
			unknown++
			err = e.retry.waitAnyway(ctx, err)
		default:
			err = e.retry.wait(ctx, err)
		}
		if err != nil {
			return
		}
	}
	e.drop()
}

// runsJobs tells whether a plan may run Spark's jobs as part of its operation: what asks streaming queries, or starts or stops them,
// does not.
func runsJobs(plan *wire.Plan) bool {
	switch plan.GetCommand().GetCommandType().(type) {
	case *wire.Command_StreamingQueryCommand, *wire.Command_StreamingQueryManagerCommand, *wire.Command_StreamingQueryListenerBusCommand,
		*wire.Command_WriteStreamOperationStart:
		return false
	}
	return true
}

func (e *execution) releaseBy(call func(context.Context, string, proto.Message, answer) error, request *wire.ReleaseExecuteRequest) {
	request.SessionId, request.UserContext = e.request.GetSessionId(), e.request.GetUserContext()
	request.ClientType, request.OperationId = e.request.ClientType, e.request.GetOperationId()
	request.ClientObservedServerSideSessionId = e.session.observedID()
	ctx, cancel := context.WithTimeout(e.session.background, 10*time.Second)
	defer cancel()
	_ = call(ctx, "ReleaseExecute", request, &wire.ReleaseExecuteResponse{})
}
