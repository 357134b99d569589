//go:build services

package sparkjob_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"realtime-election/election"
	"realtime-election/internal/scenario"
	"realtime-election/sparkjob"
)

// halfCounted starts a submit that counts the first half of a scenario's votes.
func halfCounted(t *testing.T) (s scenario.Scenario, c sparkjob.Config, ended <-chan error) {
	t.Helper()
	s = scenario.All(t)[0]
	c = newElection(t, s.Definition, s.Partitions)
	ended = submit(t, c)
	produce(t, c, s.Votes[:len(s.Votes)/2])
	awaitCounted(t, c, ended)
	return s, c, ended
}

// TestStoppedQueryGoesOnWhereItStopped stops the query between two halves of the votes.
func TestStoppedQueryGoesOnWhereItStopped(t *testing.T) {
	s, c, ended := halfCounted(t)
	plan, err := sparkjob.Plan(t.Context(), c.Kafka, c.Remote, false)
	if err != nil || !strings.Contains(plan, "StateStoreSave") {
		t.Errorf("the plan: %v\n%s", err, plan)
	}
	if err := sparkjob.Stop(t.Context(), c.Kafka); err != nil {
		t.Fatal(err)
	}
	if _, err := sparkjob.Plan(t.Context(), c.Kafka, c.Remote, false); !errors.Is(err, sparkjob.ErrNotRunning) {
		t.Errorf("the plan of a query that is stopped: %v", err)
	}
	produce(t, c, s.Votes[len(s.Votes)/2:])
	if err := sparkjob.Start(t.Context(), c.Kafka); err != nil {
		t.Fatal(err)
	}
	awaitCounted(t, c, ended)
	wantExact(t, c, s.Definition, s.Partitions, 1)
}

// TestLostCheckpointIsCountedAgain removes the folder of all checkpoints between two halves of the votes.
func TestLostCheckpointIsCountedAgain(t *testing.T) {
	s, c, ended := halfCounted(t)
	if err := sparkjob.Stop(t.Context(), c.Kafka); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(strings.TrimPrefix(c.Checkpoints, "file://")); err != nil {
		t.Fatal(err)
	}
	produce(t, c, s.Votes[len(s.Votes)/2:])
	if err := sparkjob.Start(t.Context(), c.Kafka); err != nil {
		t.Fatal(err)
	}
	awaitCounted(t, c, ended)
	eventually(t, "the second run is official", func() bool {
		var official election.OfficialRun
		_, err := c.Kafka.LatestJSON(t.Context(), election.RunsTopic, election.OfficialRunKey, &official)
		return err == nil && official.Run == 2
	})
	wantExact(t, c, s.Definition, s.Partitions, 2)
}

// TestElectionAfterAnotherIsCountedWhole starts beside the checkpoints of an election whose topics are gone.
func TestElectionAfterAnotherIsCountedWhole(t *testing.T) {
	s := scenario.All(t)[0]
	before := newElection(t, s.Definition, s.Partitions)
	t.Run("before", func(t *testing.T) {
		produce(t, before, s.Votes[:len(s.Votes)/2])
		awaitCounted(t, before, submit(t, before))
	})
	after := newElection(t, s.Definition, s.Partitions)
	after.Checkpoints = before.Checkpoints
	produce(t, after, s.Votes)
	awaitCounted(t, after, submit(t, after))
	wantExact(t, after, s.Definition, s.Partitions, 2)
}
