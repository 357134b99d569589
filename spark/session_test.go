package spark_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

func TestHeartbeatAsksAgainAndAgain(t *testing.T) {
	server := sparktest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	var beats atomic.Int64
	server.HandleExecute(func(*wire.Plan) []sparktest.Step {
		if beats.Add(1) == 3 {
			return []sparktest.Step{sparktest.Do(cancel), sparktest.Silence()}
		}
		return sparktest.Answer(sparktest.Active())
	})
	clock := new(scripted.Clock)
	session := scripted.Dial(t, server, spark.WithRetry(clock.Policy()))
	if err := session.Heartbeat(ctx, 7*time.Minute); err != nil {
		t.Errorf("got %v, expected nil at the end of the context", err)
	}
	if len(clock.Waits) != 2 || clock.Waits[0] != 7*time.Minute {
		t.Errorf("waited %v, expected 7 minutes twice", clock.Waits)
	}
	for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](server) {
		if !request.GetPlan().GetCommand().GetStreamingQueryManagerCommand().GetActive() {
			t.Errorf("beat with %v, expected the question for active queries", request.GetPlan())
		}
	}
}

func TestSettingsAreSetReadAndUnset(t *testing.T) {
	ctx, server := t.Context(), sparktest.New(t)
	config := scripted.Dial(t, server).Config()
	if err := config.Set(ctx, "spark.a.b", "7"); err != nil {
		t.Fatal(err)
	}
	if got, err := config.Get(ctx, "spark.a.b"); err != nil || got != "7" {
		t.Errorf("got %q and %v", got, err)
	}
	if got, err := config.All(ctx, "spark.a"); err != nil || len(got) != 1 || got["spark.a.b"] != "7" {
		t.Errorf("all %v and %v, expected full names", got, err)
	}
	if got, err := config.GetOr(ctx, "spark.none", "otherwise"); err != nil || got != "otherwise" {
		t.Errorf("got %q and %v", got, err)
	}
	if err := config.Unset(ctx, "spark.a.b"); err != nil {
		t.Fatal(err)
	}
	if got, err := config.Get(ctx, "spark.a.b"); err == nil || !strings.Contains(err.Error(), "spark.a.b") {
		t.Errorf("got %q and %v after unsetting", got, err)
	}
}
