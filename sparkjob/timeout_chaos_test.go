//go:build chaos

package sparkjob_test

import (
	"errors"
	"flag"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/scenario"
	"realtime-election/spark"
	"realtime-election/sparkjob"
)

var idle = flag.Duration("idle", 3*time.Minute, "how long no votes come; sessions time out after 30 s")

// TestChaosQueryOutlivesItsSessionsTimeout runs the query twice on a Spark whose sessions time out after 30 s: under the
// supervisor, as run 1, and started in the same way by a client that makes no call afterwards, as run 2. No votes come for
// minutes.
func TestChaosQueryOutlivesItsSessionsTimeout(t *testing.T) {
	s := scenario.All(t)[0]
	remote, _ := impatientSpark(t, 30*time.Second)
	c := newElectionOn(t, remote, s.Definition, s.Partitions)
	third := len(s.Votes) / 3
	installation, err := c.Kafka.Election(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	ended := submit(t, c)
	look, err := sparkjob.StartUnattended(t.Context(), c, installation, 2)
	if err != nil {
		t.Fatal(err)
	}
	produce(t, c, s.Votes[:third])
	awaitCounted(t, c, ended)
	eventually(t, "the unattended query counts as well", func() bool { return written(t, c, 2) > 0 })

	before := latest(t, c)
	watch(t, c, *idle)
	if after := latest(t, c); after != before {
		t.Errorf("the query was started in %+v, and after %s it is in %+v", before, *idle, after)
	}
	if err := look(t.Context()); !errors.Is(err, spark.ErrSessionClosed) {
		t.Errorf("after %s the session that nobody asked says %v, want that it is closed", *idle, err)
	} else {
		t.Logf("after %s the query runs under the supervisor in the session in which it was started; the other's says: %v", *idle, err)
	}

	unattended := written(t, c, 2)
	for _, votes := range [][]election.VoteRecord{s.Votes[third : 2*third], s.Votes[2*third:]} {
		produce(t, c, votes)
		awaitCounted(t, c, ended)
	}
	if now := written(t, c, 2); now != unattended {
		t.Errorf("the unattended query still counts: it had written %d records, and now %d", unattended, now)
	}
	wantExact(t, c, s.Definition, s.Partitions, 1)
}

// watch reads the query's status for a while. Each status must be new and say that the query runs.
func watch(t *testing.T, c sparkjob.Config, d time.Duration) {
	t.Helper()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for over := time.After(d); ; {
		var status election.QueryStatus
		if _, err := c.Kafka.LatestJSON(t.Context(), election.QueryStatusTopic, election.QueryKey, &status); err != nil {
			t.Fatal(err)
		}
		if age := time.Since(status.UpdatedAt); status.State != "running" || age > 10*time.Second {
			t.Fatalf("the report of %s ago is %+v", age, status)
		}
		select {
		case <-ticker.C:
		case <-over:
			return
		}
	}
}

// written is how many records of a run the result topics have.
func written(t *testing.T, c sparkjob.Config, run int) (n int) {
	t.Helper()
	for _, topic := range election.ResultTopics() {
		err := c.Kafka.Read(t.Context(), topic, 0, func(r *kgo.Record) error {
			if of, _, ok := election.CutRun(string(r.Key)); ok && of == run {
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}
