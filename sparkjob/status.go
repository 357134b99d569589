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

// Short names of the states.
const (
	starting = election.QueryStarting
	running  = election.QueryRunning
	waiting  = election.QueryWaiting
	failing  = election.QueryFailing
	stopped  = election.QueryStopped
)

// failuresBeforeFailing is how often in a row the query fails without counting anything before its state is failing.
const failuresBeforeFailing = 3

// announce publishes that the query is about to run, or runs already.
func (r *runTracker) announce(ctx context.Context, state election.QueryState) error {
	r.status.Run = r.current.Run
	if r.status.State = state; r.failures >= failuresBeforeFailing {
		r.status.State = failing
	}
	if r.status.Counted == nil {
		r.status.Batch = -1
	}
	if err := r.publishStatus(ctx); err != nil || r.official != 0 {
		return err
	}
	return r.promote(ctx) // the first run has no run to catch up with
}

// report publishes the query's progress, which is nil before the first micro-batch.
func (r *runTracker) report(ctx context.Context, progress *spark.Progress) error {
	if progress == nil || len(progress.Sources) == 0 {
		return r.reportUnchanged(ctx)
	}
	counted, err := countedOffsets(progress.Sources[0].EndOffset)
	if err != nil {
		return err
	}
	if !r.current.Committed && counted != nil {
		r.current.Committed = true
		if err := r.note(ctx, election.LatestRunKey, r.current); err != nil {
			return err
		}
	}
	if counted == nil {
		counted = r.status.Counted
	}
	r.failures = 0
	// An idle query reports the number of its next micro-batch, so the number alone does not tell what is counted.
	if r.status.State == running && r.status.Error == "" && r.status.Batch == progress.BatchID && maps.Equal(r.status.Counted, counted) {
		return r.heartbeat(ctx)
	}
	r.status = election.QueryStatus{
		Run: r.current.Run, State: running, Batch: progress.BatchID,
		InputRowsPerSecond:     finiteRate(progress.InputRowsPerSecond),
		ProcessedRowsPerSecond: finiteRate(progress.ProcessedRowsPerSecond),
		BatchMilliseconds:      progress.BatchDuration,
		Counted:                counted,
	}
	for _, operator := range progress.StateOperators {
		r.status.StateBytes += operator.MemoryUsedBytes + operator.CustomMetrics["rocksdbSstFileSize"]
	}
	return r.publishCounted(ctx)
}

// reportUnchanged publishes that the query runs: at once if the state changes, and otherwise as a heartbeat. The last error
// and the state failing stay until the query counts something.
func (r *runTracker) reportUnchanged(ctx context.Context) error {
	if r.status.State == running || r.status.State == failing {
		return r.heartbeat(ctx)
	}
	r.status.State = running
	return r.publishStatus(ctx)
}

// publishCounted first makes the run official if it has caught up, and then publishes how far it has counted. So a reader to
// whom the status says that all is counted finds no record of an older run.
func (r *runTracker) publishCounted(ctx context.Context) error {
	if err := r.promote(ctx); err != nil {
		return err
	}
	return r.publishStatus(ctx)
}

// reportSettled publishes that all records of votes_topic before these offsets are counted, although no micro-batch has run.
func (r *runTracker) reportSettled(ctx context.Context, ends map[int32]int64) error {
	r.failures = 0
	r.status.State, r.status.Error, r.status.Counted = running, "", jsonOffsets(ends)
	return r.publishCounted(ctx)
}

// heartbeatEvery is how often an unchanged status is published again.
const heartbeatEvery = 3 * time.Second

func (r *runTracker) heartbeat(ctx context.Context) error {
	if time.Since(r.published) < r.heartbeatEvery { // UpdatedAt may be from another clock, or this one was set since
		return nil
	}
	return r.publishStatus(ctx)
}

// reportFailure publishes that the query does not run. The state is failing once the query has failed failuresBeforeFailing
// times without counting anything in between. No micro-batch is ever skipped.
func (r *runTracker) reportFailure(ctx context.Context, cause error) error {
	r.status.State, r.status.Error = waiting, firstLine(cause)
	if queryFailed(cause) {
		r.failures++
	}
	if r.failures >= failuresBeforeFailing {
		r.status.State = failing
		where := "before its first micro-batch"
		if r.status.Batch >= 0 {
			where = fmt.Sprint("after micro-batch ", r.status.Batch)
		}
		r.status.Error = fmt.Sprintf("the query failed %d times in a row %s: %s", r.failures, where, r.status.Error)
	}
	r.metrics.notRunning(r.status.Error)
	return r.publishStatus(ctx)
}

// reportRegisterOpen publishes that the query does not run because the register is not closed.
func (r *runTracker) reportRegisterOpen(ctx context.Context) error {
	r.status.Run, r.status.State, r.status.Error = r.current.Run, waiting, ""
	if r.status.Counted == nil {
		r.status.Batch = -1
	}
	r.metrics.notRunning("the register is not closed yet")
	return r.publishStatus(ctx)
}

// reportStopped publishes that the query does not run because somebody has stopped it.
func (r *runTracker) reportStopped(ctx context.Context) error {
	r.failures, r.status.Run, r.status.State, r.status.Error = 0, r.current.Run, stopped, ""
	if r.status.Counted == nil {
		r.status.Batch = -1
	}
	r.metrics.notRunning("somebody has stopped the query; `election query start` has it run again")
	return r.publishStatus(ctx)
}

// queryFailed reports whether the query has failed, and not the connection to it or its session.
func queryFailed(err error) bool {
	var failure *spark.Error
	return errors.As(err, &failure) && !spark.Retryable(err) && !sessionGone(err) && !errors.Is(err, spark.ErrOperationLost)
}

// firstLine is the text of an error without the query plans that Spark appends.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// publishStatus writes without a transaction: the next heartbeat replaces a status that comes late.
func (r *runTracker) publishStatus(ctx context.Context) error {
	if err := r.mayAct(); err != nil {
		return err
	}
	r.published = time.Now()
	r.status.UpdatedAt = r.published.UTC()
	r.status.Error = strings.ToValidUTF8(r.status.Error[:min(len(r.status.Error), election.MostErrorBytes)], "")
	r.metrics.report(r.status, r.official == r.current.Run)
	text, err := json.Marshal(r.status)
	if err != nil {
		return fmt.Errorf("encode the query's status: %w", err)
	}
	record := &kgo.Record{Topic: election.QueryStatusTopic, Key: []byte(election.QueryKey), Value: text}
	if err := r.plainWriter.ProduceSync(ctx, record).FirstErr(); err != nil {
		return fmt.Errorf("publish the query's status: %w", err)
	}
	if ends, err := kafka.StableEnds(ctx, r.reader, election.VotesTopic); err == nil {
		r.metrics.lag.Set(float64(election.Behind(ends, r.status.Counted)))
	}
	return nil
}

// jsonOffsets are offsets by partition, with the partitions as strings, as JSON needs them.
func jsonOffsets(ends map[int32]int64) map[string]int64 {
	offsets := make(map[string]int64, len(ends))
	for partition, end := range ends {
		offsets[strconv.Itoa(int(partition))] = end
	}
	return offsets
}

// finiteRate is the rate, or 0 where it is infinite or no number, which JSON cannot hold.
func finiteRate(rate spark.Rate) float64 {
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
