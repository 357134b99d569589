package sparkjob

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/health"
)

// metrics are what submit measures of the query, and whether it runs.
type metrics struct {
	starts                                  prometheus.Counter
	batch, duration, rate, state, run, open prometheus.Gauge
	official, lag, failing                  prometheus.Gauge
	trouble                                 atomic.Pointer[string] // why the query does not run; nil while it does
}

// newMetrics declares them, and that submit is ready while Kafka answers and the query runs. h may be nil.
func newMetrics(h *health.Service, cl *kgo.Client) *metrics {
	m := &metrics{
		starts:   h.Counter("election_query_starts_total", "How often the query was started."),
		run:      h.Gauge("election_query_run", "The run that is counted."),
		batch:    h.Gauge("election_query_batch", "The last committed micro-batch; -1 before the first."),
		duration: h.Gauge("election_query_batch_seconds", "How long the last micro-batch took."),
		rate:     h.Gauge("election_query_processed_rows_per_second", "Records of votes_topic a second in the last micro-batch."),
		state:    h.Gauge("election_query_state_bytes", "The query's state, in memory and in the files of RocksDB."),
		open:     h.Gauge("election_query_running", "1 while the query runs."),
		official: h.Gauge("election_query_official", "1 while the run that is counted is the official one, whose totals are shown."),
		failing:  h.Gauge("election_query_failing", "1 while the query fails again and again and counts nothing in between."),
		lag:      h.Gauge("election_query_lag_offsets", "Offsets from what is counted to the stable end of votes_topic."),
	}
	m.failed("the query has not been started yet")
	h.Needs(health.Need{What: "kafka", Check: cl.Ping}, health.Need{What: "query", Check: func(context.Context) error {
		if trouble := m.trouble.Load(); trouble != nil {
			return errors.New(*trouble)
		}
		return nil
	}})
	return m
}

func (m *metrics) failed(why string) {
	m.trouble.Store(&why)
	m.open.Set(0)
}

// report takes over what is published of the query.
func (m *metrics) report(status election.QueryStatus, official bool) {
	if status.State == running {
		m.trouble.Store(nil)
		m.open.Set(1)
	}
	m.failing.Set(asGauge(status.State == failing))
	m.official.Set(asGauge(official))
	m.run.Set(float64(status.Run))
	m.batch.Set(float64(status.Batch))
	m.duration.Set(float64(status.BatchMilliseconds) / 1000)
	m.rate.Set(status.ProcessedRowsPerSecond)
	m.state.Set(float64(status.StateBytes))
}

// asGauge is how Prometheus says yes.
func asGauge(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
