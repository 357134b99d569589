package sparkjob

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/health/healthtest"
	"realtime-election/sparkjob/connect"
	"realtime-election/sparkjob/connect/connecttest"
	"realtime-election/sparkjob/connect/wire"
)

// spark is a scripted Spark that runs at most one query.
type spark struct {
	*connecttest.Server
	mu       sync.Mutex
	running  bool
	started  int
	fails    string   // what each query ends with, at once
	refuse   error    // of the start
	released []string // session ids
}

func newSpark(t *testing.T) *spark {
	s := &spark{Server: connecttest.New(t)}
	s.HandleExecute(s.execute)
	s.HandleCall(s.call)
	return s
}

func (s *spark) call(_ context.Context, request proto.Message) (proto.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if release, ok := request.(*wire.ReleaseSessionRequest); ok {
		s.released, s.running = append(s.released, release.GetSessionId()), false
		return &wire.ReleaseSessionResponse{}, nil
	}
	return nil, nil
}

func (s *spark) execute(plan *wire.Plan) []connecttest.Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	command := plan.GetCommand()
	switch {
	case command.GetSqlCommand() != nil:
		return connecttest.Answer(connecttest.SQL(&wire.Relation{}))
	case command.GetWriteStreamOperationStart() != nil:
		if s.refuse != nil {
			return []connecttest.Step{connecttest.Fail(s.refuse)}
		}
		s.started++
		s.running = s.fails == ""
		return connecttest.Answer(connecttest.Started("q", "r", election.QueryKey))
	case command.GetStreamingQueryManagerCommand() != nil:
		if s.running {
			return connecttest.Answer(connecttest.Active(connecttest.Instance("q", "r", election.QueryKey)))
		}
		return connecttest.Answer(connecttest.Active())
	case command.GetStreamingQueryCommand().GetLastProgress():
		return connecttest.Answer(connecttest.Progress())
	case command.GetStreamingQueryCommand().GetStatus():
		return connecttest.Answer(connecttest.Status("Processing new data", s.running))
	case command.GetStreamingQueryCommand().GetException():
		return connecttest.Answer(connecttest.Exception("STREAM_FAILED", s.fails))
	}
	return connecttest.Done()
}

// set changes what Spark does.
func (s *spark) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// sees waits until what Spark has seen is so.
func (s *spark) sees(t *testing.T, what string, holds func() bool) {
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
			t.Fatalf("it did not come to pass that %s", what)
		}
	}
}

// submit is one that holds the lock until lose is called, or that is asked to stop.
type submit struct {
	ended      chan error
	lose, stop func()
	health     *health.Service
}

func newSubmit(t *testing.T, c Config, url, fingerprint string) *submit {
	t.Helper()
	c.Remote, c.Postgres, c.Health = url, "postgres://e:s@127.0.0.1:1/election", health.New("submit")
	record := &election.Record{Fingerprint: fingerprint}
	r, err := openRuns(c, record)
	done(t, err)
	ctx, stop := context.WithCancel(t.Context())
	broken, lose := context.WithCancel(context.WithoutCancel(ctx))
	s := &supervisor{Config: c, record: record, runs: r, forget: func() {}}
	out := &submit{ended: make(chan error, 1), lose: lose, stop: stop, health: c.Health}
	go func() {
		var of term
		ask := func(context.Context) error { return broken.Err() }
		out.ended <- of.hold(ctx, ask, func(ctx context.Context) error { return s.supervise(ctx, &of) })
		close(out.ended)
	}()
	t.Cleanup(func() {
		stop()
		lose()
		for range out.ended {
		}
		s.forget()
		r.close()
	})
	return out
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

// runs waits until the query runs and that is published.
func (s *submit) runs(t *testing.T, cluster *kfake.Cluster) {
	t.Helper()
	until(t, "the query runs", func() bool {
		code, _ := healthtest.Get(s.health, "/readyz")
		return code == http.StatusOK && status(t, cluster).State == running
	})
}

// TestWhoComesNextAdoptsTheQuery loses the lock in the first submit: its query goes on, and the second goes on with it.
func TestWhoComesNextAdoptsTheQuery(t *testing.T) {
	cluster, c := newElection(t)
	server := newSpark(t)
	first := newSubmit(t, c, server.URL(), "a")
	first.runs(t, cluster)
	at := last[run](t, cluster, election.ElectionTopic, election.LatestRunKey)
	first.lose()
	if err := first.end(t); !errors.Is(err, errLost) {
		t.Errorf("the first ended with %v", err)
	}
	second := newSubmit(t, c, server.URL(), "a")
	second.runs(t, cluster)
	server.set(func() {
		if server.started != 1 || len(server.released) > 0 {
			t.Errorf("the query was started %d times, and sessions %v ended", server.started, server.released)
		}
	})
	if diff := cmp.Diff(at, last[run](t, cluster, election.ElectionTopic, election.LatestRunKey)); diff != "" {
		t.Error(diff)
	}
	second.stop()
	if err := second.end(t); !errors.Is(err, context.Canceled) {
		t.Errorf("the second ended with %v", err)
	}
	server.set(func() {
		if diff := cmp.Diff([]string{string(at.Session.ID)}, server.released); diff != "" {
			t.Error("asked to stop it ended ", diff)
		}
	})
}

// TestWhatRunsIsEndedUnlessItOughtToRun changes what ought to run between two submits.
func TestWhatRunsIsEndedUnlessItOughtToRun(t *testing.T) {
	for name, change := range map[string]func(c *Config) (fingerprint string){
		"another query":   func(*Config) string { return "b" },
		"another trigger": func(c *Config) string { c.Trigger = time.Minute; return "a" },
		"another folder":  func(c *Config) string { c.Checkpoints += "/elsewhere"; return "a" },
	} {
		t.Run(name, func(t *testing.T) {
			cluster, c := newElection(t)
			server := newSpark(t)
			first := newSubmit(t, c, server.URL(), "a")
			first.runs(t, cluster)
			before := last[run](t, cluster, election.ElectionTopic, election.LatestRunKey)
			first.lose()
			first.end(t)
			fingerprint := change(&c)
			newSubmit(t, c, server.URL(), fingerprint).runs(t, cluster)
			after := last[run](t, cluster, election.ElectionTopic, election.LatestRunKey)
			server.set(func() {
				if server.started != 2 || !slices.Equal(server.released, []string{string(before.Session.ID)}) || after.Session.ID == before.Session.ID {
					t.Errorf("%d starts, sessions %v ended; %+v, then %+v", server.started, server.released, before, after)
				}
			})
			if other := fingerprint != "a"; other != (after.Run == 2) {
				t.Errorf("run %d", after.Run)
			}
		})
	}
}

func TestSparkThatWasStartedAgainGetsTheQueryAgain(t *testing.T) {
	cluster, c := newElection(t)
	server := newSpark(t)
	first := newSubmit(t, c, server.URL(), "a")
	first.runs(t, cluster)
	before := last[run](t, cluster, election.ElectionTopic, election.LatestRunKey)
	server.set(func() { server.running = false })
	server.Restart()
	server.sees(t, "the query is started again", func() bool { return server.started == 2 })
	server.set(func() {
		if len(server.released) > 0 {
			t.Errorf("sessions %v were made on the new Spark, and ended", server.released)
		}
	})
	after := last[run](t, cluster, election.ElectionTopic, election.LatestRunKey)
	if after.Run != 1 || after.Session.ID == before.Session.ID || after.Session.Server == before.Session.Server {
		t.Errorf("%+v, then %+v", before, after)
	}
}

// TestSessionIsKeptWhileNobodyActs has PostgreSQL away: the query would end with its session.
func TestSessionIsKeptWhileNobodyActs(t *testing.T) {
	cluster, c := newElection(t)
	server := newSpark(t)
	first := newSubmit(t, c, server.URL(), "a")
	first.runs(t, cluster)
	active := func() (n int) {
		for _, request := range connecttest.Sent[*wire.ExecutePlanRequest](server.Server) {
			if request.GetPlan().GetCommand().GetStreamingQueryManagerCommand().GetActive() {
				n++
			}
		}
		return n
	}
	before := active()
	first.lose()
	until(t, "the session hears of who lost the lock", func() bool { return active() > before })
}

func TestFailingQueryIsToldAloud(t *testing.T) {
	cluster, c := newElection(t)
	server := newSpark(t)
	server.fails = "a disk is full"
	s := newSubmit(t, c, server.URL(), "a")
	until(t, "it is failing", func() bool { return status(t, cluster).State == failing })
	if code, text := healthtest.Get(s.health, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "times in a row") {
		t.Errorf("/readyz says %d %q", code, text)
	}
	if text := healthtest.Metrics(s.health); !strings.Contains(text, "election_query_failing 1\n") {
		t.Error("/metrics does not say that it is failing")
	}
	server.set(func() { server.fails = "" })
	server.sees(t, "it is tried again", func() bool { return server.running })
}

// TestBadInputIsOneSentence has what somebody must correct end submit, and the rest told while it goes on trying.
func TestBadInputIsOneSentence(t *testing.T) {
	fail := func(class, message string) error { return connecttest.Failure(codes.Internal, class, message) }
	for name, of := range map[string]struct {
		url     string
		version string
		every   error
		refuse  error
		says    string
		goesOn  bool
	}{
		"parameter":  {url: "sc://127.0.0.1:1/;tokn=hunter2", says: `--remote will not do: read the Spark Connect address: the parameter "tokn" is unknown`},
		"port":       {url: "sc://127.0.0.1:x", says: "the port is not a number"},
		"token":      {every: grpcstatus.Error(codes.Unauthenticated, "Invalid token"), says: "Spark refuses the token of --remote"},
		"other port": {every: grpcstatus.Error(codes.Unimplemented, "unknown service"), says: "no Spark Connect server"},
		"old":        {version: "3.5.6", says: "--remote is Spark 3.5.6, which is too old; the query needs Spark 4.0"},
		"kafka jar":  {refuse: fail("_LEGACY_ERROR_TEMP_1140", "Failed to find data source: kafka. Please deploy"), says: "Spark has no connector for Kafka"},
		"jdbc jar":   {refuse: fail("", "java.lang.ClassNotFoundException: org.postgresql.Driver"), says: "Spark has no driver for PostgreSQL"},
		"checkpoint": {refuse: fail("", "java.io.IOException: mkdir of CHECKPOINTS/run-1 failed"), says: "Spark cannot write the checkpoint", goesOn: true},
		"topic":      {refuse: fail("KAFKA_DATA_LOSS.START_OFFSET_RESET", "offsets were reset"), says: "votes_topic does not hold any more", goesOn: true},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, c := newElection(t)
			server := newSpark(t)
			server.refuse = of.refuse
			if of.refuse != nil {
				text := strings.ReplaceAll(of.refuse.Error(), "CHECKPOINTS", c.checkpointFolder())
				server.refuse = grpcstatus.Error(codes.Internal, text)
			}
			if of.every != nil || of.version != "" {
				server.HandleCall(func(context.Context, proto.Message) (proto.Message, error) {
					return &wire.AnalyzePlanResponse{Result: &wire.AnalyzePlanResponse_SparkVersion_{
						SparkVersion: &wire.AnalyzePlanResponse_SparkVersion{Version: of.version},
					}}, of.every
				})
			}
			url := server.URL()
			if of.url != "" {
				url = of.url
			}
			s := newSubmit(t, c, url, "a")
			if of.goesOn {
				until(t, "it is told", func() bool { return strings.Contains(status(t, cluster).Error, of.says) })
				return
			}
			err := s.end(t)
			var wrong *election.InputError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), of.says) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

// TestSparkThatIsAwayIsToldAsSuch says so after a minute of asking, which is left out here.
func TestSparkThatIsAwayIsToldAsSuch(t *testing.T) {
	away := explain(Config{}, &connect.Error{Code: codes.Unavailable, Message: "connection refused"})
	if final(away) || !strings.HasPrefix(away.Error(), "Spark does not answer; is it running") {
		t.Error(away)
	}
}
