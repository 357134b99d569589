package sparkjob

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/health/healthtest"
	"realtime-election/internal/lease"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// scriptedSpark is a server of Spark Connect that runs at most one query.
type scriptedSpark struct {
	*sparktest.Server
	mu              sync.Mutex
	running         bool
	started         int
	queryError      string          // with which each query ends at once
	startError      error           // of each start of a query
	progressError   error           // of each question for the progress
	silent          bool            // questions for the progress get no answer
	callError       error           // of each call
	idle            bool            // the query waits for data
	queryName       string          // of the query that runs
	releaseRefused  bool            // a release fails, and the session stays
	releaseError    error           // of a release, which ends the session all the same
	checkpointError error           // of each look for a checkpoint
	checkpoints     map[string]bool // the metadata files of the checkpoints that exist
	progress        []string        // as JSON
	released        []string        // session ids
}

func newScriptedSpark(t *testing.T) *scriptedSpark {
	s := &scriptedSpark{Server: sparktest.New(t), checkpoints: map[string]bool{}, queryName: election.QueryKey}
	s.HandleExecute(s.execute)
	s.HandleCall(s.call)
	return s
}

func (s *scriptedSpark) call(_ context.Context, request proto.Message) (proto.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.callError != nil {
		return nil, s.callError
	}
	if analyze, ok := request.(*wire.AnalyzePlanRequest); ok && analyze.GetSchema() != nil {
		if s.checkpointError != nil {
			return nil, s.checkpointError
		}
		if paths := analyze.GetSchema().GetPlan().GetRoot().GetRead().GetDataSource().GetPaths(); !s.checkpoints[paths[0]] {
			return nil, sparktest.Failure(codes.Internal, "PATH_NOT_FOUND", "Path does not exist")
		}
		text := &wire.DataType{Kind: &wire.DataType_Struct_{Struct: &wire.DataType_Struct{}}}
		return &wire.AnalyzePlanResponse{Result: &wire.AnalyzePlanResponse_Schema_{Schema: &wire.AnalyzePlanResponse_Schema{Schema: text}}}, nil
	}
	if release, ok := request.(*wire.ReleaseSessionRequest); ok {
		if s.releaseRefused {
			return nil, sparktest.Failure(codes.Unavailable, "", "frozen")
		}
		s.released, s.running = append(s.released, release.GetSessionId()), false
		if s.releaseError != nil {
			return nil, s.releaseError
		}
		return &wire.ReleaseSessionResponse{}, nil
	}
	return nil, nil
}

func (s *scriptedSpark) execute(plan *wire.Plan) []sparktest.Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	command := plan.GetCommand()
	switch {
	case command.GetSqlCommand() != nil:
		return sparktest.Answer(sparktest.SQL(&wire.Relation{}))
	case command.GetWriteStreamOperationStart() != nil:
		if s.startError != nil {
			return []sparktest.Step{sparktest.Fail(s.startError)}
		}
		s.started++
		s.checkpoints[command.GetWriteStreamOperationStart().GetOptions()["checkpointLocation"]+"/metadata"] = true
		s.running = s.queryError == ""
		return sparktest.Answer(sparktest.Started("q", "r", election.QueryKey))
	case command.GetStreamingQueryManagerCommand() != nil:
		if s.running {
			return sparktest.Answer(sparktest.Active(sparktest.Instance("q", "r", s.queryName)))
		}
		return sparktest.Answer(sparktest.Active())
	case command.GetStreamingQueryCommand().GetLastProgress():
		switch {
		case s.progressError != nil:
			return []sparktest.Step{sparktest.Fail(s.progressError)}
		case s.silent:
			return []sparktest.Step{sparktest.Silence()}
		}
		return sparktest.Answer(sparktest.Progress(s.progress...))
	case command.GetStreamingQueryCommand().GetStatus():
		message := "Processing new data"
		if s.idle {
			message = "Waiting for data to arrive"
		}
		return sparktest.Answer(sparktest.Status(message, s.running))
	case command.GetStreamingQueryCommand().GetProcessAllAvailable():
		return sparktest.Answer(sparktest.Query(&wire.StreamingQueryCommandResult{}))
	case command.GetStreamingQueryCommand().GetExplain() != nil:
		return sparktest.Answer(sparktest.Query(&wire.StreamingQueryCommandResult{ResultType: &wire.StreamingQueryCommandResult_Explain{
			Explain: &wire.StreamingQueryCommandResult_ExplainResult{Result: "the plan"},
		}}))
	case command.GetStreamingQueryCommand().GetException():
		return sparktest.Answer(sparktest.Exception("STREAM_FAILED", s.queryError))
	}
	return sparktest.Done()
}

// set changes what Spark does.
func (s *scriptedSpark) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// awaits waits until a condition holds, which may read the fields of s.
func (s *scriptedSpark) awaits(t *testing.T, what string, holds func() bool) {
	t.Helper()
	until(t, what, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return holds()
	})
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("timed out before %s", what)
		}
	}
}

// submit holds the lock until lose or stop is called.
type submit struct {
	ended      chan error
	lose, stop func()
	health     *health.Service
}

// newSubmit starts a submit whose intervals are short, so that no test waits for them.
func newSubmit(t *testing.T, c Config, url, fingerprint string, change ...func(*supervisor)) *submit {
	t.Helper()
	c.Remote.URL, c.Postgres, c.Health = url, "postgres://e:s@127.0.0.1:1/election", health.New("submit")
	installation := &election.Installation{Fingerprint: fingerprint}
	r, err := newRunTracker(c, installation)
	done(t, err)
	ctx, stop := context.WithCancel(t.Context())
	broken, lose := context.WithCancel(context.WithoutCancel(ctx))
	s := newSupervisor(c, installation, r)
	s.answerTimeout, s.pollEvery, s.wantedEvery, r.heartbeatEvery = 5*time.Second, 20*time.Millisecond, 50*time.Millisecond, 100*time.Millisecond
	s.register = c.Kafka.FollowRegister(ctx, installation) // there is none
	for _, f := range change {
		f(s)
	}
	out := &submit{ended: make(chan error, 1), lose: lose, stop: stop, health: c.Health}
	go func() {
		defer close(out.ended)
		held := lease.New(20*time.Millisecond, func(context.Context) error { return broken.Err() })
		if err := r.becomeHolder(ctx, "the PostgreSQL of the test", broken.Err); err != nil {
			out.ended <- err
			return
		}
		out.ended <- held.Hold(ctx, func(ctx context.Context) error { return s.supervise(ctx, held.Held) })
	}()
	t.Cleanup(func() {
		stop()
		lose()
		for range out.ended {
		}
		s.stopKeepingAlive()
		r.close()
	})
	return out
}

// impatient waits a second for an answer of Spark.
func impatient(s *supervisor) { s.answerTimeout = time.Second }

// leaveRunning starts the query by a submit that then loses the lock.
func leaveRunning(t *testing.T, cluster *kfake.Cluster, c Config, url string) {
	t.Helper()
	s := newSubmit(t, c, url, "a")
	s.runs(t, cluster)
	s.lose()
	s.end(t)
}

// end waits for the end of a submit.
func (s *submit) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("submit does not end")
		return nil
	}
}

// runs waits until the query runs and the status says so.
func (s *submit) runs(t *testing.T, cluster *kfake.Cluster) {
	t.Helper()
	until(t, "the query runs", func() bool {
		code, _ := healthtest.Get(s.health, "/readyz")
		return code == http.StatusOK && status(t, cluster).State == running
	})
}

// trap listens at an address to which nothing may connect.
type trap struct {
	net.Listener
	heard chan string // the first bytes of each connection, in the order of the connections
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	done(t, err)
	s := &trap{listener, make(chan string, 1000)}
	go func() {
		for {
			conn, err := s.Accept()
			if err != nil {
				close(s.heard)
				return
			}
			first := make([]byte, 4096)
			n, _ := conn.Read(first)
			conn.Close()
			s.heard <- string(first[:n])
		}
	}()
	t.Cleanup(func() { listener.Close() })
	return s
}

func (s *trap) address() string { return s.Addr().String() }

// caught are the first bytes of each connection so far. Connections are accepted in their order, so the one that caught makes
// is the last.
func (s *trap) caught(t *testing.T) (heard []string) {
	t.Helper()
	const last = "the connection of caught"
	conn, err := net.Dial("tcp", s.address())
	done(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte(last))
	done(t, err)
	for text := range s.heard {
		if text == last {
			break
		}
		heard = append(heard, text)
	}
	return heard
}

// lockedBuffer takes a log that several goroutines write.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
