package sparkjob

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"realtime-election/election"
	"realtime-election/internal/health/healthtest"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/lease"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// TestSuccessorAdoptsTheQuery takes the lock from the first submit. Its query goes on, and the second submit adopts it.
func TestSuccessorAdoptsTheQuery(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	first := newSubmit(t, c, server.URL(), "a")
	first.runs(t, cluster)
	at := last[run](t, cluster, election.RunsTopic, election.LatestRunKey)
	first.lose()
	if err := first.end(t); !errors.Is(err, lease.ErrLost) {
		t.Errorf("the first ended with %v", err)
	}
	second := newSubmit(t, c, server.URL(), "a")
	second.runs(t, cluster)
	server.set(func() {
		if server.started != 1 || len(server.released) > 0 {
			t.Errorf("the query was started %d times, and sessions %v ended", server.started, server.released)
		}
	})
	if diff := cmp.Diff(at, last[run](t, cluster, election.RunsTopic, election.LatestRunKey)); diff != "" {
		t.Error(diff)
	}
	second.stop()
	if err := second.end(t); !errors.Is(err, context.Canceled) {
		t.Errorf("the second ended with %v", err)
	}
	server.set(func() {
		if diff := cmp.Diff([]string{string(at.Session.ID)}, server.released); diff != "" {
			t.Error("when it was asked to stop, the submit ended the sessions ", diff)
		}
	})
}

// TestWrongQueryIsEnded changes the configuration between two submits.
func TestWrongQueryIsEnded(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(c *Config) (fingerprint string){
		"another query":   func(*Config) string { return "b" },
		"another trigger": func(c *Config) string { c.Trigger = time.Minute; return "a" },
		"another folder":  func(c *Config) string { c.Checkpoints += "/elsewhere"; return "a" },
	} {
		t.Run(name, func(t *testing.T) {
			cluster, c := newElection(t)
			server := newScriptedSpark(t)
			leaveRunning(t, cluster, c, server.URL())
			before := last[run](t, cluster, election.RunsTopic, election.LatestRunKey)
			fingerprint := change(&c)
			newSubmit(t, c, server.URL(), fingerprint).runs(t, cluster)
			after := last[run](t, cluster, election.RunsTopic, election.LatestRunKey)
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
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	first := newSubmit(t, c, server.URL(), "a")
	first.runs(t, cluster)
	before := last[run](t, cluster, election.RunsTopic, election.LatestRunKey)
	server.set(func() { server.running = false })
	server.Restart()
	server.awaits(t, "the query is started again", func() bool { return server.started == 2 })
	server.set(func() {
		if len(server.released) > 0 {
			t.Errorf("sessions %v were made on the new Spark, and ended", server.released)
		}
	})
	after := last[run](t, cluster, election.RunsTopic, election.LatestRunKey)
	if after.Run != 1 || after.Session.ID == before.Session.ID || after.Session.ServerSessionID == before.Session.ServerSessionID {
		t.Errorf("%+v, then %+v", before, after)
	}
}

// TestLostCheckpointBeginsARun lets a second submit find the query of a run whose checkpoint exists, is lost, or was never
// committed to.
func TestLostCheckpointBeginsARun(t *testing.T) {
	t.Parallel()
	began := []string{`{"batchId":0,"sources":[{"endOffset":{"votes_topic":{"0":0,"1":0}}}]}`}
	for name, c := range map[string]struct {
		progress []string
		lost     bool
		runs     int
	}{
		"lost":            {began, true, 2},
		"existing":        {began, false, 1},
		"never committed": {nil, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, config := newElection(t)
			server := newScriptedSpark(t)
			server.progress = c.progress
			leaveRunning(t, cluster, config, server.URL())
			if c.lost {
				server.set(func() { clear(server.checkpoints) })
			}
			newSubmit(t, config, server.URL(), "a").runs(t, cluster)
			after := last[run](t, cluster, election.RunsTopic, election.LatestRunKey)
			server.set(func() {
				if after.Run != c.runs || server.started != c.runs || len(server.released) != c.runs-1 {
					t.Errorf("%+v after %d starts and the end of %v", after, server.started, server.released)
				}
			})
		})
	}
}

// TestUnreadableCheckpointIsNotLost lets Spark fail when it looks for the checkpoint.
func TestUnreadableCheckpointIsNotLost(t *testing.T) {
	t.Parallel()
	cluster, config := newElection(t)
	server := newScriptedSpark(t)
	server.progress = []string{`{"batchId":0,"sources":[{"endOffset":{"votes_topic":{"0":0,"1":0}}}]}`}
	leaveRunning(t, cluster, config, server.URL())
	server.set(func() {
		server.checkpointError = sparktest.Failure(codes.Internal, "", "java.net.ConnectException: the name node is away")
	})
	s := newSubmit(t, config, server.URL(), "a")
	until(t, "the status has the error", func() bool {
		now := status(t, cluster)
		return now.State == waiting && strings.Contains(now.Error, "look for the checkpoint")
	})
	server.set(func() { server.checkpointError = nil })
	s.runs(t, cluster)
	if at := last[run](t, cluster, election.RunsTopic, election.LatestRunKey); at.Run != 1 || !at.Committed {
		t.Errorf("%+v", at)
	}
}

// TestQueryOfAnotherSparkIsLeftAlone gives the second submit another Spark. The next run begins there, and the submit never
// calls the first Spark.
func TestQueryOfAnotherSparkIsLeftAlone(t *testing.T) {
	t.Parallel()
	cluster, config := newElection(t)
	before, after := newScriptedSpark(t), newScriptedSpark(t)
	leaveRunning(t, cluster, config, before.URL())
	first := last[run](t, cluster, election.RunsTopic, election.LatestRunKey)
	var heard int
	before.set(func() { heard = len(before.Calls()) })
	log := &lockedBuffer{}
	config.Log = slog.New(slog.NewTextHandler(log, nil))
	newSubmit(t, config, after.URL(), "a").runs(t, cluster)
	after.awaits(t, "the query is started", func() bool { return after.started == 1 })
	second := last[run](t, cluster, election.RunsTopic, election.LatestRunKey)
	if second.Run != 2 || "sc://"+second.Session.Spark != after.URL() {
		t.Errorf("%+v", second)
	}
	for _, call := range before.Calls()[heard:] {
		if _, late := call.Request.(*wire.ReleaseExecuteRequest); !late { // the first submit sends it without waiting
			t.Errorf("the Spark before was called: %v", call)
		}
	}
	if says := log.String(); strings.Count(says, first.Session.Spark+", which is not the Spark that submit is given") != 1 {
		t.Errorf("the operator is told %s", says)
	}
}

// TestQueryOfTheSameSparkByAnotherNameIsAdopted gives the second submit another name of the same Spark.
func TestQueryOfTheSameSparkByAnotherNameIsAdopted(t *testing.T) {
	t.Parallel()
	cluster, config := newElection(t)
	server := newScriptedSpark(t)
	leaveRunning(t, cluster, config, server.URL())
	named := strings.Replace(server.URL(), "127.0.0.1", "localhost", 1)
	newSubmit(t, config, named, "a").runs(t, cluster)
	server.set(func() {
		if server.started != 1 || len(server.released) > 0 {
			t.Errorf("the query was started %d times, and sessions %v ended", server.started, server.released)
		}
	})
}

// TestTokenGoesOnlyWhereTheOperatorSays writes another address into the topic, as anybody who reaches Kafka can.
func TestTokenGoesOnlyWhereTheOperatorSays(t *testing.T) {
	t.Parallel()
	for name, wanted := range map[string]election.Wanted{"to run": {}, "to stop": {Stopped: true}} {
		t.Run(name, func(t *testing.T) {
			cluster, config := newElection(t)
			server, trap := newScriptedSpark(t), newTrap(t)
			r, err := newRunTracker(config, &election.Installation{Fingerprint: "a"})
			done(t, err)
			t.Cleanup(r.close)
			forged := run{Run: 1, QueryHash: r.queryHash, StatePartitions: 4, Session: sessionRef{Spark: trap.address(), ID: "8c5d7a3e-40d0-4c4e-9d5b-2f4a4f0c1b11", ServerSessionID: "s"}}
			kafkatest.Produce(t, cluster,
				kafkatest.JSON(t, election.RunsTopic, election.LatestRunKey, forged),
				kafkatest.JSON(t, election.QueryControlTopic, election.WantedKey, wanted))
			s := newSubmit(t, config, server.URL()+"/;token=hunter2", "a")
			if wanted.Stopped {
				until(t, "the status says that submit cannot stop the query", func() bool {
					return strings.Contains(status(t, cluster).Error, "which is not the Spark that submit is given")
				})
			} else {
				s.runs(t, cluster)
			}
			s.stop()
			s.end(t)
			if caught := trap.caught(t); len(caught) > 0 {
				t.Errorf("%d connections to the address in the topic, which said %q", len(caught), caught)
			}
		})
	}
}

// TestStopIsNotConfirmedWhereTheQueryMayGoOn stops a query that runs on another Spark than the one that submit is given.
func TestStopIsNotConfirmedWhereTheQueryMayGoOn(t *testing.T) {
	t.Parallel()
	cluster, config := newElection(t)
	before, after := newScriptedSpark(t), newScriptedSpark(t)
	leaveRunning(t, cluster, config, before.URL())
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.QueryControlTopic, election.WantedKey, election.Wanted{Stopped: true}))
	newSubmit(t, config, after.URL(), "a")
	until(t, "the status says so", func() bool {
		now := status(t, cluster)
		return now.State == waiting && strings.Contains(now.Error, strings.TrimPrefix(before.URL(), "sc://")+", which is not the Spark that submit is given")
	})
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.QueryControlTopic, election.WantedKey, election.Wanted{}))
	after.awaits(t, "the next run is started when it is wanted again", func() bool { return after.started == 1 })
}

// TestSubmitWithoutTheLockEndsNoSession takes the lock away before submit ends a session, since another submit may have the
// query by then.
func TestSubmitWithoutTheLockEndsNoSession(t *testing.T) {
	t.Parallel()
	cluster, config := newElection(t)
	server := newScriptedSpark(t)
	leaveRunning(t, cluster, config, server.URL())
	config.Remote.URL = server.URL()
	r := newStartedTracker(t, config, "a")
	s := &supervisor{Config: config, runs: r, answerTimeout: 5 * time.Second}
	session, _, err := s.notedSession(t.Context())
	done(t, err)
	r.mayAct = func() error { return lease.ErrLost }
	if err := s.endSession(t.Context(), session); !errors.Is(err, lease.ErrLost) {
		t.Errorf("it ended with %v", err)
	}
	s.endQuery(t.Context())
	server.set(func() {
		if !server.running || len(server.released) > 0 {
			t.Errorf("sessions %v were ended", server.released)
		}
	})
}

// TestSessionThatEndsByItselfIsEnded lets the session time out while submit ends it.
func TestSessionThatEndsByItselfIsEnded(t *testing.T) {
	t.Parallel()
	cluster, config := newElection(t)
	server := newScriptedSpark(t)
	leaveRunning(t, cluster, config, server.URL())
	server.set(func() {
		server.releaseError = sparktest.Failure(codes.Internal, "INVALID_HANDLE.SESSION_CLOSED", "it has timed out")
	})
	newSubmit(t, config, server.URL(), "b").runs(t, cluster)
	if now := status(t, cluster); now.Run != 2 || now.Error != "" {
		t.Errorf("the status is %+v", now)
	}
}

// TestQueryOfAnotherNameIsNotAdopted runs another query in the session that the topic names.
func TestQueryOfAnotherNameIsNotAdopted(t *testing.T) {
	t.Parallel()
	cluster, config := newElection(t)
	server := newScriptedSpark(t)
	leaveRunning(t, cluster, config, server.URL())
	server.set(func() { server.queryName = "somebody's" })
	newSubmit(t, config, server.URL(), "a").runs(t, cluster)
	server.set(func() {
		if server.started != 2 || len(server.released) != 1 {
			t.Errorf("the query was started %d times, and sessions %v ended", server.started, server.released)
		}
	})
}

// TestFailuresOfAnotherTermAreNotCounted loses the lock after the query has failed twice.
func TestFailuresOfAnotherTermAreNotCounted(t *testing.T) {
	t.Parallel()
	_, config := newElection(t)
	r := newStartedTracker(t, config, "a")
	r.failures = failuresBeforeFailing
	ctx, lose := context.WithCancelCause(t.Context())
	lose(lease.ErrLost)
	s := &supervisor{Config: config, runs: r, answerTimeout: time.Second, stopKeepingAlive: func() {}}
	if err := s.supervise(ctx, func() error { return lease.ErrLost }); err == nil || r.failures != 0 {
		t.Errorf("%d failures: %v", r.failures, err)
	}
}

// TestSessionThatCannotBeEndedIsReported lets Spark refuse to end the session.
func TestSessionThatCannotBeEndedIsReported(t *testing.T) {
	t.Parallel()
	cluster, config := newElection(t)
	server := newScriptedSpark(t)
	leaveRunning(t, cluster, config, server.URL())
	server.set(func() { server.releaseRefused = true })
	newSubmit(t, config, server.URL(), "b", impatient)
	until(t, "the status says so", func() bool {
		now := status(t, cluster)
		return now.State == waiting && strings.Contains(now.Error, "end the previous session")
	})
	server.set(func() { server.releaseRefused = false })
	server.awaits(t, "the changed query is started", func() bool { return server.started == 2 })
}

// TestCheckpointsOfAnElectionBeforeAreLeftAlone starts beside two checkpoints of an election whose topics are gone.
func TestCheckpointsOfAnElectionBeforeAreLeftAlone(t *testing.T) {
	t.Parallel()
	cluster, config := newElection(t)
	server := newScriptedSpark(t)
	for _, taken := range []int{1, 2} {
		server.checkpoints[run{Run: taken}.checkpoint(config.Checkpoints)+"/metadata"] = true
	}
	newSubmit(t, config, server.URL(), "a").runs(t, cluster)
	if at := last[run](t, cluster, election.RunsTopic, election.LatestRunKey); at.Run != 3 {
		t.Errorf("%+v", at)
	}
}

// TestQueryStopsWithASubmitThatLostTouch asks submit to stop while it cannot follow the query.
func TestQueryStopsWithASubmitThatLostTouch(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	s := newSubmit(t, c, server.URL(), "a")
	s.runs(t, cluster)
	server.set(func() { server.progressError = sparktest.Failure(codes.Internal, "", "a bug") })
	until(t, "the status says so", func() bool { return status(t, cluster).State == waiting })
	s.stop()
	s.end(t)
	server.set(func() {
		if len(server.released) != 1 {
			t.Errorf("sessions %v were ended", server.released)
		}
	})
}

// TestSilentSparkIsReportedAndWaitedFor runs a Spark that takes calls and does not answer.
func TestSilentSparkIsReportedAndWaitedFor(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	s := newSubmit(t, c, server.URL(), "a", impatient)
	s.runs(t, cluster)
	server.set(func() { server.silent = true })
	until(t, "the status says so", func() bool {
		now := status(t, cluster)
		return now.State == waiting && strings.Contains(now.Error, "no answer from Spark in 1s")
	})
	server.set(func() { server.silent = false })
	s.runs(t, cluster)
	server.set(func() {
		if server.started != 1 {
			t.Errorf("the query was started %d times", server.started)
		}
	})
}

// TestSessionIsKeptWhileNobodyActs loses the lock, as while PostgreSQL is away. Without calls the session would time out, and
// the query with it.
func TestSessionIsKeptWhileNobodyActs(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	first := newSubmit(t, c, server.URL(), "a")
	first.runs(t, cluster)
	active := func() (n int) {
		for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](server.Server) {
			if request.GetPlan().GetCommand().GetStreamingQueryManagerCommand().GetActive() {
				n++
			}
		}
		return n
	}
	before := active()
	first.lose()
	until(t, "the submit without the lock calls in the session", func() bool { return active() > before })
}

func TestFailingQueryIsReportedEverywhere(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	server.queryError = "a disk is full"
	s := newSubmit(t, c, server.URL(), "a", func(s *supervisor) { s.firstPause = 10 * time.Millisecond })
	until(t, "the query is failing", func() bool { return status(t, cluster).State == failing })
	if code, text := healthtest.Get(s.health, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "times in a row") {
		t.Errorf("/readyz says %d %q", code, text)
	}
	if text := healthtest.Metrics(s.health); !strings.Contains(text, "election_query_failing 1\n") {
		t.Error("/metrics does not say that it is failing")
	}
	server.set(func() { server.queryError = "" })
	server.awaits(t, "it is tried again", func() bool { return server.running })
}
