package sparkjob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/spark"
)

// States of election.QueryStatus.
const (
	starting = "starting"
	running  = "running"
	waiting  = "waiting" // for Spark, or until the next try
	failing  = "failing" // the query failed again and again without counting anything in between
	stopped  = "stopped" // as somebody wants it
)

// failuresToTell is how often the query fails at the same place before that is what the status says.
const failuresToTell = 3

// announce publishes that the query is about to run, or runs already.
func (r *runTracker) announce(ctx context.Context, state string) error {
	r.status.Run = r.current.Run
	if r.failures < failuresToTell {
		r.status.State = state
	}
	if r.status.Counted == nil {
		r.status.Batch = -1
	}
	if err := r.publishStatus(ctx); err != nil || r.official != 0 {
		return err
	}
	return r.promote(ctx) // the first run has nobody to catch up with
}

// report publishes what the query reports of its last micro-batch; progress is nil before the first.
func (r *runTracker) report(ctx context.Context, progress *spark.Progress) error {
	if progress == nil || len(progress.Sources) == 0 {
		return r.reportUnchanged(ctx)
	}
	counted, err := countedOffsets(progress.Sources[0].EndOffset)
	if err != nil {
		return err
	}
	if !r.current.Began && counted != nil {
		r.current.Began = true
		if err := r.note(ctx, election.LatestRunKey, r.current); err != nil {
			return err
		}
	}
	if counted == nil {
		counted = r.status.Counted
	}
	r.failures = 0
	// A report while there is nothing to do carries the number of the batch to come.
	if r.status.State == running && r.status.Error == "" && r.status.Batch == progress.BatchID && maps.Equal(r.status.Counted, counted) {
		return r.heartbeat(ctx)
	}
	r.status = election.QueryStatus{
		Run: r.current.Run, State: running, Batch: progress.BatchID,
		InputRowsPerSecond:     finite(progress.InputRowsPerSecond),
		ProcessedRowsPerSecond: finite(progress.ProcessedRowsPerSecond),
		BatchMilliseconds:      progress.BatchDuration,
		Counted:                counted,
	}
	for _, operator := range progress.StateOperators {
		r.status.StateBytes += operator.MemoryUsedBytes + operator.CustomMetrics["rocksdbSstFileSize"]
	}
	return r.publishCounted(ctx)
}

// reportUnchanged publishes that the query runs, where that is news, and else now and then that this still holds. The last error
// stays, and a query that has failed again and again is failing, until it counts something.
func (r *runTracker) reportUnchanged(ctx context.Context) error {
	if r.status.State == running || r.status.State == failing {
		return r.heartbeat(ctx)
	}
	r.status.State = running
	return r.publishStatus(ctx)
}

// publishCounted makes the run official if it may be, and only then says how far it has counted: a reader that hears that all is counted
// finds nothing of other runs any more.
func (r *runTracker) publishCounted(ctx context.Context) error {
	if err := r.promote(ctx); err != nil {
		return err
	}
	return r.publishStatus(ctx)
}

// reportSettled publishes that all records before these offsets of votes_topic are counted, although no micro-batch ran.
func (r *runTracker) reportSettled(ctx context.Context, ends map[int32]int64) error {
	r.failures = 0
	r.status.State, r.status.Error, r.status.Counted = running, "", offsets(ends)
	return r.publishCounted(ctx)
}

// heartbeatEvery is how often an unchanged status is published again, to say that it still holds.
const heartbeatEvery = 3 * time.Second

func (r *runTracker) heartbeat(ctx context.Context) error {
	if time.Since(r.published) < r.beat { // UpdatedAt may be of another machine's clock, or of one that was set since
		return nil
	}
	return r.publishStatus(ctx)
}

// reportFailure publishes that the query does not run, and that it is failing where it has ended by itself three times without
// counting anything in between. No micro-batch is ever left out.
func (r *runTracker) reportFailure(ctx context.Context, cause error) error {
	r.status.State, r.status.Error = waiting, firstLine(cause)
	if queryFailed(cause) {
		r.failures++
	}
	if r.failures >= failuresToTell {
		r.status.State = failing
		where := "before its first micro-batch"
		if r.status.Batch >= 0 {
			where = fmt.Sprint("after micro-batch ", r.status.Batch)
		}
		r.status.Error = fmt.Sprintf("the query failed %d times in a row %s: %s", r.failures, where, r.status.Error)
	}
	r.metrics.failed(r.status.Error)
	return r.publishStatus(ctx)
}

// reportStopped publishes that the query does not run because nobody wants it to.
func (r *runTracker) reportStopped(ctx context.Context) error {
	r.failures, r.status.Run, r.status.State, r.status.Error = 0, r.current.Run, stopped, ""
	if r.status.Counted == nil {
		r.status.Batch = -1
	}
	r.metrics.failed("somebody has stopped the query; `election query start` has it run again")
	return r.publishStatus(ctx)
}

// queryFailed reports whether an error is of the query, not of the way to it or of its session.
func queryFailed(err error) bool {
	var failure *spark.Error
	return errors.As(err, &failure) && !spark.Retryable(err) && !sessionGone(err) && !errors.Is(err, spark.ErrOperationLost)
}

// firstLine is an error without the query plans that Spark appends.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// publishStatus is not fenced as the accounts are: a status that comes late is replaced within three seconds.
func (r *runTracker) publishStatus(ctx context.Context) error {
	if err := r.mayAct(); err != nil {
		return err
	}
	r.published = time.Now()
	r.status.UpdatedAt = r.published.UTC()
	r.metrics.report(r.status, r.official == r.current.Run)
	text, err := json.Marshal(r.status)
	if err != nil {
		return fmt.Errorf("encode the query's status: %w", err)
	}
	record := &kgo.Record{Topic: election.PipelineStatusTopic, Key: []byte(election.QueryKey), Value: text}
	if err := r.reports.ProduceSync(ctx, record).FirstErr(); err != nil {
		return fmt.Errorf("publish the query's status: %w", err)
	}
	if ends, err := kafka.StableEnds(ctx, r.cl, election.VotesTopic); err == nil {
		r.metrics.lag.Set(float64(election.Behind(ends, r.status.Counted)))
	}
	return nil
}

// offsets are offsets by partition as JSON holds them.
func offsets(ends map[int32]int64) map[string]int64 {
	named := make(map[string]int64, len(ends))
	for partition, end := range ends {
		named[strconv.Itoa(int(partition))] = end
	}
	return named
}

// finite is a rate as JSON can hold it.
func finite(rate spark.Rate) float64 {
	if math.IsNaN(float64(rate)) || math.IsInf(float64(rate), 0) {
		return 0
	}
	return float64(rate)
}

// countedOffsets reads the offset that Spark's Kafka source reports: {"votes_topic":{"0":12,…}}.
func countedOffsets(text spark.Offset) (map[string]int64, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var offsets map[string]map[string]int64
	if err := json.Unmarshal([]byte(text), &offsets); err != nil {
		return nil, fmt.Errorf("read the query's offsets: %w", err)
	}
	return offsets[election.VotesTopic], nil
}
