package sparkjob

import (
	"net/http"
	"strings"
	"testing"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/health/healthtest"
	"realtime-election/internal/kafka/kafkatest"
)

func TestSubmitIsReadyWhileTheQueryRuns(t *testing.T) {
	t.Parallel()
	h := health.New("submit")
	m := newMetrics(h, kafkatest.NewClient(t, kafkatest.NewCluster(t)))
	expect := func(code int, says string) {
		t.Helper()
		if got, text := healthtest.Get(h, "/readyz"); got != code || !strings.Contains(text, says) || !strings.Contains(text, "kafka: ok\n") {
			t.Errorf("/readyz says %d %q, want %d %q", got, text, code, says)
		}
	}
	expect(http.StatusServiceUnavailable, "query: the query has not been started yet\n")
	m.report(election.QueryStatus{State: "starting"}, false)
	expect(http.StatusServiceUnavailable, "query: the query has not been started yet\n")
	m.report(election.QueryStatus{State: "running", Run: 2, Batch: 7, BatchMilliseconds: 1500, ProcessedRowsPerSecond: 90000, StateBytes: 12}, true)
	m.lag.Set(float64(election.Behind(map[int32]int64{0: 10, 1: 20, 2: 5}, map[string]int64{"0": 9, "1": 20})))
	expect(http.StatusOK, "query: ok\n")
	text := healthtest.Metrics(h)
	for _, line := range []string{
		"election_query_running 1\n", "election_query_run 2\n", "election_query_batch 7\n", "election_query_batch_seconds 1.5\n",
		"election_query_processed_rows_per_second 90000\n", "election_query_state_bytes 12\n", "election_query_starts_total 0\n",
		"election_query_official 1\n", "election_query_lag_offsets 6\n",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	m.notRunning("Spark is away")
	expect(http.StatusServiceUnavailable, "query: Spark is away\n")
	if text := healthtest.Metrics(h); !strings.Contains(text, "election_query_running 0\n") {
		t.Error("/metrics says that the query runs")
	}
}
