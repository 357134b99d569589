package sparkjob

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// TestStoppedQueryStaysStopped stops the query, lets another submit take over, and has it run again.
func TestStoppedQueryStaysStopped(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	first := newSubmit(t, c, server.URL(), "a")
	first.runs(t, cluster)
	at := last[run](t, cluster, election.RunsTopic, election.LatestRunKey)
	done(t, Stop(t.Context(), c.Kafka))
	stayed := func() {
		t.Helper()
		server.set(func() {
			if server.started != 1 || !slices.Contains(server.released, string(at.Session.ID)) {
				t.Errorf("the query was started %d times, and sessions %v ended", server.started, server.released)
			}
		})
	}
	stayed()
	first.lose()
	first.end(t)
	second := newSubmit(t, c, server.URL(), "a")
	since := status(t, cluster).UpdatedAt
	until(t, "the second submit reports that the query is stopped", func() bool { s := status(t, cluster); return s.State == stopped && s.UpdatedAt.After(since) })
	stayed()
	done(t, Start(t.Context(), c.Kafka))
	second.runs(t, cluster)
	if now := last[run](t, cluster, election.RunsTopic, election.LatestRunKey); now.Run != at.Run || now.Session.ID == at.Session.ID {
		t.Errorf("%+v, then %+v", at, now)
	}
}

// TestOnlyALaterReportConfirmsARequest reports by submits that have other clocks.
func TestOnlyALaterReportConfirmsARequest(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	report := func(state election.QueryState, clock time.Duration) {
		kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.QueryStatusTopic, election.QueryKey,
			election.QueryStatus{State: state, UpdatedAt: time.Now().Add(clock)}))
	}
	for _, step := range []struct {
		state election.QueryState
		clock time.Duration
		want  bool
	}{{stopped, 5 * time.Minute, false}, {running, 5 * time.Minute, false}, {stopped, -5 * time.Minute, true}} {
		report(step.state, step.clock)
		if got, err := stateReported(t.Context(), c.Kafka, stopped, 1); got != step.want || err != nil {
			t.Errorf("%s by a clock that is %v ahead: confirmed %v, %v", step.state, step.clock, got, err)
		}
	}
}

func TestPlanIsOfTheQueryThatRuns(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	plan := func() (string, error) {
		return Plan(t.Context(), c.Kafka, Remote{URL: server.URL()}, true)
	}
	if _, err := plan(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a run: %v", err)
	}
	newSubmit(t, c, server.URL(), "a").runs(t, cluster)
	if text, err := plan(); text != "the plan" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	at := last[run](t, cluster, election.RunsTopic, election.LatestRunKey)
	requests := sparktest.Sent[*wire.ExecutePlanRequest](server.Server)
	asked := slices.IndexFunc(requests, func(r *wire.ExecutePlanRequest) bool {
		return r.GetPlan().GetCommand().GetStreamingQueryCommand().GetExplain().GetExtended()
	})
	if asked < 0 || requests[asked].GetSessionId() != string(at.Session.ID) {
		t.Error("it is not the query's session that was asked for the extended plan")
	}
	server.set(func() { server.running, server.startError = false, errors.New("busy") })
	if _, err := plan(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without a query: %v", err)
	}
}

// TestOldReportConfirmsNothing makes a request after a submit with a clock that is ahead has reported and died.
func TestOldReportConfirmsNothing(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.QueryStatusTopic, election.QueryKey, election.QueryStatus{State: running, UpdatedAt: time.Now().Add(time.Hour)}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := Start(ctx, c.Kafka); err == nil {
		t.Error("the request is confirmed")
	}
}

// TestSubmitWhoseClockIsBehindIsBelieved reports that the query is stopped by a clock that is an hour behind.
func TestSubmitWhoseClockIsBehindIsBelieved(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- Stop(ctx, c.Kafka) }()
	until(t, "the request is written", func() bool {
		return last[election.Wanted](t, cluster, election.QueryControlTopic, election.WantedKey).Stopped
	})
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.QueryStatusTopic, election.QueryKey, election.QueryStatus{State: stopped, UpdatedAt: time.Now().Add(-time.Hour)}))
	if err := <-answered; err != nil {
		t.Error(err)
	}
}
