//go:build services

package sparkjob_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
	"realtime-election/internal/scenario"
	"realtime-election/local/localtest"
	"realtime-election/setup"
	"realtime-election/sparkjob"
)

// newElection recreates all topics, and prepares Kafka and PostgreSQL for a definition.
func newElection(t *testing.T, d *election.Definition, partitions int32) sparkjob.Config {
	t.Helper()
	return newElectionOn(t, localtest.Spark(t), d, partitions)
}

// newElectionOn is newElection for a Spark of the test's own.
func newElectionOn(t *testing.T, remote string, d *election.Definition, partitions int32) sparkjob.Config {
	t.Helper()
	return newElectionAt(t, localtest.Kafka(t), remote, d, partitions)
}

// newElectionAt is newElectionOn for a Kafka of the test's own.
func newElectionAt(t *testing.T, cluster kafka.Cluster, remote string, d *election.Definition, partitions int32) sparkjob.Config {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	c := sparkjob.Config{
		Kafka: cluster, Postgres: localtest.PostgreSQL(t), Remote: sparkjob.Remote{URL: remote},
		Checkpoints: "file://" + t.TempDir() + "/of any name 100%20 [a]{b}*?", StatePartitions: 2, Log: log,
	}
	var names []string
	for _, topic := range election.Topics(partitions) {
		names = append(names, topic.Name)
	}
	recreateTopics(t, c, d, partitions, names...)
	return c
}

// recreateTopics deletes topics, and lets init create all that are missing.
func recreateTopics(t *testing.T, c sparkjob.Config, d *election.Definition, partitions int32, names ...string) {
	t.Helper()
	cl, err := c.Kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	if _, err := admin.DeleteTopics(t.Context(), names...); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the topics are gone", func() bool {
		listed, err := admin.ListTopics(t.Context(), names...)
		return err == nil && allGone(listed)
	})
	err = setup.Run(t.Context(), setup.Config{Kafka: c.Kafka, Postgres: c.Postgres, Definition: d, Partitions: partitions, Log: c.Log})
	if err != nil {
		t.Fatal(err)
	}
}

func allGone(topics kadm.TopicDetails) bool {
	for _, detail := range topics {
		if detail.Err == nil {
			return false
		}
	}
	return true
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(90 * time.Second)
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("timed out before %s", what)
		}
	}
}

// submit runs the query until the test has ended.
func submit(t *testing.T, c sparkjob.Config) (ended <-chan error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		defer close(result)
		result <- sparkjob.Run(ctx, c)
	}()
	t.Cleanup(func() {
		stop()
		for range result { // until Run has returned
		}
	})
	return result
}

func produce(t *testing.T, c sparkjob.Config, votes []election.VoteRecord) {
	t.Helper()
	cl, err := c.Kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var records []*kgo.Record // a client keeps their order within a partition
	for _, vote := range votes {
		records = append(records, &kgo.Record{Topic: election.VotesTopic, Partition: vote.Partition, Key: vote.Key, Value: vote.Value})
	}
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func awaitCounted(t *testing.T, c sparkjob.Config, ended <-chan error) {
	t.Helper()
	eventually(t, "all votes are counted", func() bool {
		select {
		case err := <-ended:
			t.Fatal("submit ended: ", err)
		default:
		}
		counted, err := inspect.Counted(t.Context(), c.Kafka)
		if err != nil {
			t.Fatal(err)
		}
		return counted
	})
}

// recount is the reference count of votes_topic.
func recount(t *testing.T, c sparkjob.Config, d *election.Definition, partitions int32, run int) map[string]map[string]election.Result {
	t.Helper()
	count := election.NewCount(d, partitions)
	for partition := range partitions {
		err := c.Kafka.Read(t.Context(), election.VotesTopic, partition, func(r *kgo.Record) error {
			count.Add(election.VoteRecord{Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return count.Results(run)
}

// published are the results that Spark has published for a run.
func published(t *testing.T, c sparkjob.Config, run int) map[string]map[string]election.Result {
	t.Helper()
	results := make(map[string]map[string]election.Result)
	for _, topic := range election.ResultTopics() {
		results[topic] = make(map[string]election.Result)
		err := c.Kafka.Read(t.Context(), topic, 0, func(r *kgo.Record) error {
			of, natural, _ := election.CutRun(string(r.Key))
			if of != run {
				return nil
			}
			var result election.Result
			err := json.Unmarshal(r.Value, &result)
			results[topic][natural] = result
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return results
}

// wantExact compares the results that Spark has published for a run with the reference count.
func wantExact(t *testing.T, c sparkjob.Config, d *election.Definition, partitions int32, run int) {
	t.Helper()
	if diff := cmp.Diff(recount(t, c, d, partitions, run), published(t, c, run)); diff != "" {
		t.Error("the reference count and Spark differ:", diff)
	}
}

func TestSparkCountsScenarios(t *testing.T) {
	for _, s := range scenario.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			c := newElection(t, s.Definition, s.Partitions)
			produce(t, c, s.Votes)
			awaitCounted(t, c, submit(t, c))
			got := published(t, c, 1)
			if diff := cmp.Diff(recount(t, c, s.Definition, s.Partitions, 1), got); diff != "" {
				t.Error("the reference count and Spark differ:", diff)
			}
			for topic, totals := range s.Totals {
				for natural, total := range totals {
					if got[topic][natural].TotalVotes != total {
						t.Errorf("%s: %s is %d, want %d", topic, natural, got[topic][natural].TotalVotes, total)
					}
				}
			}
		})
	}
}
