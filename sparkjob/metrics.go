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

// metrics are the figures of the query, and whether it runs.
type metrics struct {
	starts                                     prometheus.Counter
	batch, duration, rate, state, run, running prometheus.Gauge
	official, lag, failing                     prometheus.Gauge
	whyNotRunning                              atomic.Pointer[string] // why the query does not run; nil while it does
}

// newMetrics declares the metrics. It also declares that submit is ready while Kafka answers and the query runs. h may be nil.
func newMetrics(h *health.Service, cl *kgo.Client) *metrics {
	m := &metrics{
		starts:   h.Counter("election_query_starts_total", "How often the query was started."),
		run:      h.Gauge("election_query_run", "The run that is counted."),
		batch:    h.Gauge("election_query_batch", "The last committed micro-batch; -1 before the first."),
		duration: h.Gauge("election_query_batch_seconds", "How long the last micro-batch took."),
		rate:     h.Gauge("election_query_processed_rows_per_second", "Records of votes_topic a second in the last micro-batch."),
		state:    h.Gauge("election_query_state_bytes", "The query's state, in memory and in the files of RocksDB."),
		running:  h.Gauge("election_query_running", "1 while the query runs."),
		official: h.Gauge("election_query_official", "1 while the run that is counted is the official one, whose totals are shown."),
		failing:  h.Gauge("election_query_failing", "1 while the query fails again and again and counts nothing in between."),
		lag:      h.Gauge("election_query_lag_offsets", "Offsets from what is counted to the stable end of votes_topic."),
	}
	m.notRunning("the query has not been started yet")
	h.Needs(health.Need{What: "kafka", Check: cl.Ping}, health.Need{What: "query", Check: func(context.Context) error {
		if why := m.whyNotRunning.Load(); why != nil {
			return errors.New(*why)
		}
		return nil
	}})
	return m
}

func (m *metrics) notRunning(why string) {
	m.whyNotRunning.Store(&why)
	m.running.Set(0)
}

// report sets the metrics to a status of the query.
func (m *metrics) report(status election.QueryStatus, official bool) {
	if status.State == running {
		m.whyNotRunning.Store(nil)
		m.running.Set(1)
	}
	m.failing.Set(asGauge(status.State == failing))
	m.official.Set(asGauge(official))
	m.run.Set(float64(status.Run))
	m.batch.Set(float64(status.Batch))
	m.duration.Set(float64(status.BatchMilliseconds) / 1000)
	m.rate.Set(status.ProcessedRowsPerSecond)
	m.state.Set(float64(status.StateBytes))
}

// asGauge is 1 for true and 0 for false.
func asGauge(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}
