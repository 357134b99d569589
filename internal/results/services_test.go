//go:build services

package results_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/results"
	"realtime-election/local/localtest"
)

func TestMain(m *testing.M) { localtest.Main(m) }

// TestReportHasTheBrokersTime sends a report with a timestamp of long ago.
func TestReportHasTheBrokersTime(t *testing.T) {
	cluster := localtest.Kafka(t)
	cl, err := cluster.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	if err := kafka.EnsureTopics(t.Context(), cl, election.Topics(1)); err != nil {
		t.Fatal(err)
	}
	before := time.Now().Truncate(time.Millisecond)
	report := &kgo.Record{
		Topic: election.QueryStatusTopic, Key: []byte(election.QueryKey), Timestamp: noon.AddDate(-10, 0, 0),
		Value: encode(election.QueryStatus{State: "running"}),
	}
	if err := cl.ProduceSync(t.Context(), report).FirstErr(); err != nil {
		t.Fatal(err)
	}
	s, err := results.Reader{Kafka: cluster}.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Query == nil || s.QueryAt.Before(before) || s.QueryAt.After(time.Now()) {
		t.Errorf("reported at %v, want when the broker got it, after %v", s.QueryAt, before)
	}
}
