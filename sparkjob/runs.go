package sparkjob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/sparkjob/connect"
)

// run is one generation of the query's checkpoint.
type run struct {
	Run        int    `json:"run"`
	Query      string `json:"query"`             // hash of all that a checkpoint binds
	Partitions int    `json:"partitions"`        // state partitions: a checkpoint keeps those it began with
	Began      bool   `json:"began"`             // a micro-batch has committed, so a checkpoint must be there
	Session    string `json:"session,omitempty"` // of Spark, in which the query was last started
	// CatchUp is how far the run must have counted, by partition, to become official.
	CatchUp map[string]int64 `json:"catch_up,omitempty"`
}

// checkpoint is the run's folder.
func (r run) checkpoint(folder string) string { return fmt.Sprintf("%s/run-%d", folder, r.Run) }

// lost reports whether the checkpoint of a run that began is gone. Only a folder on this machine can be looked at.
func (r run) lost(folder string) bool {
	location, err := url.Parse(r.checkpoint(folder))
	if !r.Began || err != nil || location.Scheme != "file" {
		return false
	}
	_, err = os.Stat(filepath.Join(location.Path, "metadata"))
	return os.IsNotExist(err)
}

// runs keeps account of the runs in the election topic, and reports the current one.
type runs struct {
	config   Config
	query    string
	cl       *kgo.Client
	current  run
	official int // 0 while no run is official
	status   election.QueryStatus
	metrics  *metrics
	cleaned  bool
}

func openRuns(ctx context.Context, c Config, record *election.Record) (*runs, error) {
	cl, err := kafka.NewClient(c.Brokers, c.Log, c.Health.Kafka("runs"))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(election.Grammar + "\x00" + ballotsSQL + "\x00" + totalsSQL + "\x00" + record.Fingerprint))
	return &runs{config: c, cl: cl, metrics: newMetrics(c.Health, cl), query: hex.EncodeToString(sum[:8])}, nil
}

func (r *runs) close() { r.cl.Close() }

// choose finds the run to go on with, or begins the next one: the first, or one for a changed query or after the loss
// of a checkpoint.
func (r *runs) choose(ctx context.Context) error {
	var official election.OfficialRun
	if _, err := kafka.LatestJSON(ctx, r.config.Brokers, r.config.Log, election.ElectionTopic, election.OfficialRunKey, &official); err != nil {
		return fmt.Errorf("read the official run: %w", err)
	}
	r.official = official.Run
	var latest run
	if _, err := kafka.LatestJSON(ctx, r.config.Brokers, r.config.Log, election.ElectionTopic, election.LatestRunKey, &latest); err != nil {
		return fmt.Errorf("read the latest run: %w", err)
	}
	r.current = latest
	if _, err := kafka.LatestJSON(ctx, r.config.Brokers, r.config.Log, election.PipelineStatusTopic, election.QueryKey, &r.status); err != nil {
		return fmt.Errorf("read the query's status: %w", err)
	}
	if r.status.Run != latest.Run {
		r.status = election.QueryStatus{} // submit ended before it had reported the latest run
	}
	if latest.Run == 0 || latest.Query != r.query || latest.lost(r.config.Checkpoints) {
		next := run{Run: latest.Run + 1, Query: r.query, Partitions: r.config.Partitions, Session: latest.Session}
		if r.official != 0 {
			ends, err := kafka.StableEnds(ctx, r.cl, election.VotesTopic)
			if err != nil {
				return err
			}
			next.CatchUp = offsets(ends)
		}
		r.config.Log.Info("begin a run", "run", next.Run, "official_run", r.official)
		if err := r.publish(ctx, election.ElectionTopic, election.LatestRunKey, next); err != nil {
			return err
		}
		r.current, r.status = next, election.QueryStatus{}
	}
	r.status.Run, r.status.State = r.current.Run, "starting"
	if r.status.Counted == nil {
		r.status.Batch = -1
	}
	if err := r.publishStatus(ctx); err != nil || r.official != 0 {
		return err
	}
	return r.promote(ctx) // the first run has nobody to catch up with
}

// report publishes what the query reports of its last micro-batch; progress is nil before the first.
func (r *runs) report(ctx context.Context, progress *connect.Progress) error {
	if progress == nil || len(progress.Sources) == 0 {
		if r.status.State == "running" {
			return r.heartbeat(ctx)
		}
		r.status.State = "running"
		return r.publishStatus(ctx)
	}
	counted, err := countedOffsets(progress.Sources[0].EndOffset)
	if err != nil {
		return err
	}
	if !r.current.Began && counted != nil {
		r.current.Began = true
		if err := r.publish(ctx, election.ElectionTopic, election.LatestRunKey, r.current); err != nil {
			return err
		}
	}
	if counted == nil {
		counted = r.status.Counted
	}
	// A report while there is nothing to do carries the number of the batch to come.
	if r.status.State == "running" && r.status.Batch == progress.BatchID && maps.Equal(r.status.Counted, counted) {
		return r.heartbeat(ctx)
	}
	r.status = election.QueryStatus{
		Run: r.current.Run, State: "running", Batch: progress.BatchID,
		InputRowsPerSecond:     finite(progress.InputRowsPerSecond),
		ProcessedRowsPerSecond: finite(progress.ProcessedRowsPerSecond),
		BatchMilliseconds:      progress.BatchDuration,
		Counted:                counted,
	}
	for _, operator := range progress.StateOperators {
		r.status.StateBytes += operator.MemoryUsedBytes + operator.CustomMetrics["rocksdbSstFileSize"]
	}
	return r.counted(ctx)
}

// counted makes the run official if it may be, and only then says how far it has counted: who hears that all is counted
// finds nothing of other runs any more.
func (r *runs) counted(ctx context.Context) error {
	if err := r.promote(ctx); err != nil {
		return err
	}
	return r.publishStatus(ctx)
}

// occupy notes in which session the query is about to be started, and has the session before it ended.
func (r *runs) occupy(ctx context.Context, session connect.SessionID, end func(context.Context, connect.SessionID)) error {
	if before := connect.SessionID(r.current.Session); before != "" && before != session {
		end(ctx, before)
	}
	r.current.Session = string(session)
	return r.publish(ctx, election.ElectionTopic, election.LatestRunKey, r.current)
}

// settled publishes that all records before these offsets of votes_topic are counted, although no micro-batch ran.
func (r *runs) settled(ctx context.Context, ends map[int32]int64) error {
	r.status.State, r.status.Counted = "running", offsets(ends)
	return r.counted(ctx)
}

// offsets are offsets by partition as JSON holds them.
func offsets(ends map[int32]int64) map[string]int64 {
	named := make(map[string]int64, len(ends))
	for partition, end := range ends {
		named[strconv.Itoa(int(partition))] = end
	}
	return named
}

// heartbeatEvery is how often an unchanged status is published again, to say that it still holds.
const heartbeatEvery = 3 * time.Second

func (r *runs) heartbeat(ctx context.Context) error {
	if time.Since(r.status.UpdatedAt) < heartbeatEvery {
		return nil
	}
	return r.publishStatus(ctx)
}

// failed publishes that the query does not run.
func (r *runs) failed(ctx context.Context, cause error) error {
	r.status.State, r.status.Error = "waiting", firstLine(cause)
	r.metrics.failed(r.status.Error)
	return r.publishStatus(ctx)
}

// promote makes the current run official once it has counted as far as its predecessor had, and then deletes what
// other runs left in the result topics.
func (r *runs) promote(ctx context.Context) error {
	if r.official != r.current.Run {
		for partition, offset := range r.current.CatchUp {
			if r.status.Counted[partition] < offset {
				return nil
			}
		}
		if err := r.publish(ctx, election.ElectionTopic, election.OfficialRunKey, election.OfficialRun{Run: r.current.Run}); err != nil {
			return err
		}
		r.config.Log.Info("the run is official", "run", r.current.Run, "before", r.official)
		r.official, r.cleaned = r.current.Run, false
	}
	if r.cleaned {
		return nil
	}
	for _, topic := range election.ResultTopics() {
		if err := r.deleteOthers(ctx, topic); err != nil {
			return err
		}
	}
	r.cleaned = true
	return nil
}

// deleteOthers writes a tombstone for each key of another run.
func (r *runs) deleteOthers(ctx context.Context, topic string) error {
	others := make(map[string]bool) // key: whether its last record is a tombstone
	err := kafka.Read(ctx, r.config.Brokers, r.config.Log, topic, 0, func(rec *kgo.Record) error {
		if of, _, ok := election.CutRun(string(rec.Key)); ok && of < r.official {
			others[string(rec.Key)] = rec.Value == nil
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for records of other runs: %w", err)
	}
	var tombstones []*kgo.Record
	for key, deleted := range others {
		if !deleted {
			tombstones = append(tombstones, &kgo.Record{Topic: topic, Key: []byte(key)})
		}
	}
	if err := r.cl.ProduceSync(ctx, tombstones...).FirstErr(); err != nil {
		return fmt.Errorf("delete the records of other runs: %w", err)
	}
	return nil
}

func (r *runs) publishStatus(ctx context.Context) error {
	r.status.UpdatedAt = time.Now().UTC()
	r.metrics.report(r.status, r.official == r.current.Run)
	if err := r.publish(ctx, election.PipelineStatusTopic, election.QueryKey, r.status); err != nil {
		return err
	}
	if ends, err := kafka.StableEnds(ctx, r.cl, election.VotesTopic); err == nil {
		r.metrics.lag.Set(float64(election.Behind(ends, r.status.Counted)))
	}
	return nil
}

func (r *runs) publish(ctx context.Context, topic, key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	if err := r.cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Key: []byte(key), Value: text}).FirstErr(); err != nil {
		return fmt.Errorf("publish %s: %w", key, err)
	}
	return nil
}

// finite is a rate as JSON can hold it.
func finite(rate connect.Rate) float64 {
	if math.IsNaN(float64(rate)) || math.IsInf(float64(rate), 0) {
		return 0
	}
	return float64(rate)
}

// countedOffsets reads the offset that Spark's Kafka source reports: {"votes_topic":{"0":12,…}}.
func countedOffsets(text connect.Offset) (map[string]int64, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var offsets map[string]map[string]int64
	if err := json.Unmarshal([]byte(text), &offsets); err != nil {
		return nil, fmt.Errorf("read the query's offsets: %w", err)
	}
	return offsets[election.VotesTopic], nil
}
