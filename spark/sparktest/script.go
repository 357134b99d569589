package sparktest

import (
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// Step is one thing that happens in an execution. A script's steps are played in order over as many streams as the client
// opens: a step that ends a stream leaves the rest to the next reattaching one.
type Step struct {
	kind     kind
	response *wire.ExecutePlanResponse
	err      error
	do       func()
}

type kind int

const (
	reply kind = iota
	lose
	end
	fail
	hang
	forget
	do
)

// Reply sends an answer.
func Reply(response *wire.ExecutePlanResponse) Step { return Step{kind: reply, response: response} }

// Complete sends the answer that says that no other will follow.
func Complete() Step {
	return Reply(&wire.ExecutePlanResponse{ResponseType: &wire.ExecutePlanResponse_ResultComplete_{
		ResultComplete: &wire.ExecutePlanResponse_ResultComplete{},
	}})
}

// Lose loses an answer on its way, with the connection: it is there for a client that reattaches.
func Lose(response *wire.ExecutePlanResponse) Step { return Step{kind: lose, response: response} }

// Cut breaks the stream, as a lost connection does.
func Cut() Step { return Fail(status.Error(codes.Unavailable, "connection reset")) }

// End ends the stream in good order before its time, as the server's time limit does.
func End() Step { return Step{kind: end} }

// Fail ends the stream with an error; the rest of the script follows if the client comes back, or the error again.
func Fail(err error) Step { return Step{kind: fail, err: err} }

// Silence sends nothing until the client leaves; as the last step, however often the client comes back.
func Silence() Step { return Step{kind: hang} }

// Forget breaks the stream and forgets the operation, as if its request had never arrived; the script goes on when the
// client sends it again.
func Forget() Step { return Step{kind: forget} }

// Do runs a function at this point of the script, on the server's goroutine.
func Do(f func()) Step { return Step{kind: do, do: f} }

// operation is a script being played.
type operation struct {
	mu       sync.Mutex
	steps    []Step // yet to be played
	sent     []*wire.ExecutePlanResponse
	complete bool
	failure  error // that ended it
}

func (s *Server) serveExecute(stream grpc.ServerStream, request *wire.ExecutePlanRequest) error {
	id := request.GetOperationId()
	s.mu.Lock()
	if s.operations[id] != nil {
		s.mu.Unlock()
		return Failure(codes.Internal, "INVALID_HANDLE.OPERATION_ALREADY_EXISTS", "The handle "+id+" is invalid. Operation already exists.")
	}
	op := s.forgotten[id]
	delete(s.forgotten, id)
	handle := s.execute
	if op == nil && len(s.scripts) > 0 {
		op = &operation{steps: s.scripts[0]}
		s.scripts = s.scripts[1:]
	}
	s.mu.Unlock()
	if op == nil && handle != nil {
		op = &operation{steps: handle(request.GetPlan())}
	}
	if op == nil {
		s.t.Errorf("unexpected ExecutePlan, no script is left: %v", request.GetPlan())
		return status.Error(codes.Unimplemented, "no script is left")
	}
	s.mu.Lock()
	s.operations[id] = op
	s.mu.Unlock()
	return s.play(stream, request, id, op)
}

func (s *Server) serveReattach(stream grpc.ServerStream, request *wire.ReattachExecuteRequest) error {
	id := request.GetOperationId()
	s.mu.Lock()
	op := s.operations[id]
	s.mu.Unlock()
	if op == nil {
		return Failure(codes.Internal, "INVALID_HANDLE.OPERATION_NOT_FOUND", "The handle "+id+" is invalid. Operation not found.")
	}
	op.mu.Lock()
	missed, ok := op.after(request.GetLastResponseId())
	op.mu.Unlock()
	if !ok {
		s.t.Errorf("reattached after response %q, which was never sent", request.GetLastResponseId())
		return Failure(codes.Internal, "INVALID_CURSOR.POSITION_NOT_AVAILABLE", "The cursor position is not available.")
	}
	for _, response := range missed {
		if err := stream.SendMsg(response); err != nil {
			return err
		}
	}
	return s.play(stream, request, id, op)
}

// after returns the answers that follow the one of that id, all for the empty id.
func (op *operation) after(id string) ([]*wire.ExecutePlanResponse, bool) {
	if id == "" {
		return append([]*wire.ExecutePlanResponse(nil), op.sent...), true
	}
	for i, response := range op.sent {
		if response.GetResponseId() == id {
			return append([]*wire.ExecutePlanResponse(nil), op.sent[i+1:]...), true
		}
	}
	return nil, false
}

func (op *operation) next() (Step, bool) {
	op.mu.Lock()
	defer op.mu.Unlock()
	if len(op.steps) == 0 {
		return Step{}, false
	}
	step := op.steps[0]
	if step.kind != hang || len(op.steps) > 1 {
		op.steps = op.steps[1:]
	}
	if step.kind == fail && status.Code(step.err) != codes.Unavailable {
		op.failure = step.err
	}
	return step, true
}

// keep numbers an answer and holds it for reattaching.
func (op *operation) keep(s *Server, request proto.Message, id string, response *wire.ExecutePlanResponse) *wire.ExecutePlanResponse {
	op.mu.Lock()
	defer op.mu.Unlock()
	response = proto.Clone(response).(*wire.ExecutePlanResponse)
	response.OperationId = id
	response.ResponseId = fmt.Sprintf("%s-%d", id, len(op.sent)+1)
	s.stamp(request, response)
	op.sent = append(op.sent, response)
	op.complete = op.complete || response.GetResultComplete() != nil
	return response
}

// play goes on with a script until a step ends the stream.
func (s *Server) play(stream grpc.ServerStream, request proto.Message, id string, op *operation) error {
	for {
		step, ok := op.next()
		if !ok {
			op.mu.Lock()
			defer op.mu.Unlock()
			if op.failure != nil {
				return op.failure
			}
			if !op.complete {
				s.t.Errorf("the script of operation %s ran out without Complete or a final Fail", id)
				return status.Error(codes.Unimplemented, "the script ran out")
			}
			return nil
		}
		switch step.kind {
		case reply:
			if err := stream.SendMsg(op.keep(s, request, id, step.response)); err != nil {
				return err
			}
		case lose:
			op.keep(s, request, id, step.response)
			return status.Error(codes.Unavailable, "connection reset")
		case end:
			return nil
		case fail:
			return step.err
		case hang:
			<-stream.Context().Done()
			return status.FromContextError(stream.Context().Err()).Err()
		case forget:
			s.mu.Lock()
			delete(s.operations, id)
			s.forgotten[id] = &operation{steps: op.steps}
			s.mu.Unlock()
			return status.Error(codes.Unavailable, "connection reset")
		case do:
			step.do()
		}
	}
}

// release drops an operation whose client has all it wanted of it.
func (s *Server) release(request *wire.ReleaseExecuteRequest) (*wire.ReleaseExecuteResponse, error) {
	id := request.GetOperationId()
	s.mu.Lock()
	defer s.mu.Unlock()
	if request.GetReleaseAll() != nil {
		delete(s.operations, id)
	}
	return &wire.ReleaseExecuteResponse{OperationId: &id}, nil
}
