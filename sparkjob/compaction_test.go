//go:build services

package sparkjob_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/results"
	"realtime-election/internal/results/resultstest"
	"realtime-election/internal/scenario"
)

// TestLateReaderOfCompactedTotalsSeesTheSame writes rounds of totals of two runs, with timestamps an hour apart, so that each
// round has a segment of its own; elsewhere the broker's clock dates them. Kafka's cleaner compacts all segments but the last.
func TestLateReaderOfCompactedTotalsSeesTheSame(t *testing.T) {
	d := scenario.All(t)[0].Definition
	c := newElectionOn(t, "sc://127.0.0.1:1", d, 1) // the test needs no Spark
	cl, err := c.Kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	soon, always, senders := "60000", "0.001", "CreateTime"
	altered, err := kadm.NewClient(cl).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{
		{Name: "segment.ms", Value: &soon}, {Name: "min.cleanable.dirty.ratio", Value: &always}, {Name: "message.timestamp.type", Value: &senders},
	}, election.ResultTopics()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range altered {
		if topic.Err != nil {
			t.Fatal(topic.Err)
		}
	}

	at := time.Date(2025, 10, 29, 7, 0, 0, 0, time.UTC)
	write := func(records ...resultstest.Record) {
		t.Helper()
		at = at.Add(time.Hour)
		var sent []*kgo.Record
		for _, r := range records {
			sent = append(sent, &kgo.Record{Topic: r.Topic, Key: []byte(r.Key), Value: r.Value, Timestamp: at})
		}
		if err := cl.ProduceSync(t.Context(), sent...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	counted := func(run int, votes int64) []resultstest.Record {
		cast := resultstest.Votes{}
		for _, district := range d.Districts() {
			cast[district.ID] = map[election.CandidateID]int64{d.Candidates[0].ID: 3 * votes, d.Candidates[1].ID: 2 * votes}
		}
		newest := time.Date(2025, 10, 29, 12, 0, 0, 0, time.UTC) // all votes are of this minute
		return append(resultstest.Totals(*d, run, cast, newest), resultstest.Rejected(run, election.Malformed, votes, newest))
	}
	write(resultstest.Official(*d, 1))
	for votes := range int64(5) {
		write(counted(1, votes+1)...)
	}
	for votes := range int64(5) {
		write(counted(2, 3*votes+1)...)
	}
	write(resultstest.Official(*d, 2))
	var tombstones []resultstest.Record
	for _, r := range counted(1, 0) {
		tombstones = append(tombstones, resultstest.Record{Topic: r.Topic, Key: r.Key})
	}
	write(tombstones...)
	write(counted(2, 13)...) // the same again: Kafka does not compact the last segment

	read := func() *results.Snapshot {
		t.Helper()
		snapshot, err := results.Reader{Kafka: c.Kafka}.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return snapshot
	}
	superseded := func() (n int) {
		t.Helper()
		for _, topic := range election.ResultTopics() {
			last := make(map[string][]byte)
			err := c.Kafka.Read(t.Context(), topic, 0, func(r *kgo.Record) error {
				if before, again := last[string(r.Key)]; again && !bytes.Equal(before, r.Value) {
					n++
				}
				last[string(r.Key)] = r.Value
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	before, written := read(), superseded()
	if before.Run != 2 || before.TotalVotes != 5*13*int64(len(d.Districts())) {
		t.Errorf("the reader sees %d votes in run %d", before.TotalVotes, before.Run)
	}
	eventually(t, "the superseded totals are gone", func() bool { return superseded() == 0 })
	t.Logf("%d totals were superseded, and are gone", written)
	if diff := cmp.Diff(before, read()); diff != "" {
		t.Error("a late reader sees something else:", diff)
	}
}
