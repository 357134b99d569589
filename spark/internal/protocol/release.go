package protocol

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
	// closeLimit is how long Conn.Close waits for releases that are on their way to the server.
	closeLimit = 5 * time.Second
	// arriveRetries is how often the client asks again for an operation that the server does not know, as the request may still be on
	// its way: about a second.
	arriveRetries = 3
)

// Consumed tells the server, in the background, that no answer handed out so far will be asked for again.
func (e *Execution) Consumed() { e.consumedUntil(e.lastID) }

// ConsumedButLast is Consumed without the last answer, which StillRuns asks for again.
func (e *Execution) ConsumedButLast() { e.consumedUntil(e.beforeID) }

func (e *Execution) consumedUntil(id string) {
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

// Close frees the operation on the server, and ends it if it still runs, both in the background. The caller must not use the execution
// any more.
func (e *Execution) Close() {
	e.closeOnce.Do(func() {
		e.closeStream()
		if e.releaseStarted {
			e.conn.addUnreleased(e)
		}
		close(e.consumed)
	})
}

// release runs beside the operation. It tells the server which answers are consumed, and at last that the operation is over, which
// interrupts an operation that still runs: only this last call is tried again, for ten seconds. A server interrupts and forgets an
// abandoned operation by itself after five minutes.
func (e *Execution) release() {
	defer e.conn.removeUnreleased(e)
	for id := range e.consumed {
		e.releaseBy(e.conn.callOnce, &wire.ReleaseExecuteRequest{Release: &wire.ReleaseExecuteRequest_ReleaseUntil_{
			ReleaseUntil: &wire.ReleaseExecuteRequest_ReleaseUntil{ResponseId: id},
		}})
	}
	e.awaitJob()
	e.releaseBy(e.conn.call, &wire.ReleaseExecuteRequest{Release: &wire.ReleaseExecuteRequest_ReleaseAll_{
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
func (e *Execution) awaitJob() {
	ctx, cancel := context.WithTimeout(e.conn.background, abandonLimit)
	defer cancel()
	e.ctx, e.retry = ctx, e.conn.startRetry("ReattachExecute")
	unknown := 0
	for e.sent && runsJobs(e.request.GetPlan()) && !e.complete && !e.failed && !e.hasJob {
		answer, err := e.receive()
		if err == nil {
			e.retry.reset()
			e.lastID = answer.GetResponseId()
			e.update(answer)
			continue
		}
		e.closeStream()
		switch {
		case errors.Is(err, io.EOF): // the server's time limit on streams
			err = e.conn.retry.sleep(ctx, e.conn.retry.Initial)
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
	e.closeStream()
}

func (e *Execution) releaseBy(call func(context.Context, string, proto.Message, answer) error, request *wire.ReleaseExecuteRequest) {
	request.SessionId, request.UserContext = e.request.GetSessionId(), e.request.GetUserContext()
	request.ClientType, request.OperationId = e.request.ClientType, e.request.GetOperationId()
	request.ClientObservedServerSideSessionId = e.conn.observedSession()
	ctx, cancel := context.WithTimeout(e.conn.background, 10*time.Second)
	defer cancel()
	_ = call(ctx, "ReleaseExecute", request, &wire.ReleaseExecuteResponse{})
}
