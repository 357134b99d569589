package spark

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// OutputMode says which rows of a streaming result reach the sink in a batch.
type OutputMode string

// Spark's output modes: only new rows, changed rows, or the whole result every time.
const (
	OutputAppend   OutputMode = "append"
	OutputUpdate   OutputMode = "update"
	OutputComplete OutputMode = "complete"
)

// Trigger says when a streaming query runs its batches.
type Trigger struct {
	set func(*wire.WriteStreamOperationStart)
}

// ProcessingTime starts a batch every d, or at once where one took longer. Zero means as fast as batches come.
func ProcessingTime(d time.Duration) Trigger {
	return Trigger{func(w *wire.WriteStreamOperationStart) {
		w.Trigger = &wire.WriteStreamOperationStart_ProcessingTimeInterval{ProcessingTimeInterval: intervalText(d)}
	}}
}

// AvailableNow processes what is there at the start, in as many batches as the source's limits ask for, and ends.
func AvailableNow() Trigger {
	return Trigger{func(w *wire.WriteStreamOperationStart) {
		w.Trigger = &wire.WriteStreamOperationStart_AvailableNow{AvailableNow: true}
	}}
}

// Once processes what is there at the start in one batch, and ends. Spark advises AvailableNow instead.
func Once() Trigger {
	return Trigger{func(w *wire.WriteStreamOperationStart) {
		w.Trigger = &wire.WriteStreamOperationStart_Once{Once: true}
	}}
}

// Continuous runs without batches and checkpoints every d; only few sources and no aggregation can.
func Continuous(d time.Duration) Trigger {
	return Trigger{func(w *wire.WriteStreamOperationStart) {
		w.Trigger = &wire.WriteStreamOperationStart_ContinuousCheckpointInterval{ContinuousCheckpointInterval: intervalText(d)}
	}}
}

// RealTime runs batches of d, in which each row reaches the sink as soon as it is processed: milliseconds instead of a
// batch later. It needs a server of Spark 4.2, or Start returns a *VersionError; that version takes d of 5 s and more, queries
// without state and few sources and sinks, and refuses others with a class that starts with STREAMING_REAL_TIME_MODE.
func RealTime(d time.Duration) Trigger {
	return Trigger{func(w *wire.WriteStreamOperationStart) {
		w.Trigger = &wire.WriteStreamOperationStart_RealTimeBatchDuration{RealTimeBatchDuration: intervalText(d)}
	}}
}

// intervalText writes a duration as Spark reads one; Spark's clock for it ticks in microseconds.
func intervalText(d time.Duration) string {
	if d%time.Millisecond == 0 {
		return fmt.Sprintf("%d milliseconds", d.Milliseconds())
	}
	return fmt.Sprintf("%d microseconds", (d + time.Microsecond - 1).Microseconds()) // zero would mean as fast as possible
}

// StreamWriter describes a streaming query's sink. Its methods change and return it.
type StreamWriter struct {
	df    *DataFrame
	start *wire.WriteStreamOperationStart
}

// WriteStream describes where a stream's rows go: df.writeStream in Spark's documentation.
func (df *DataFrame) WriteStream() *StreamWriter {
	return &StreamWriter{df: df, start: &wire.WriteStreamOperationStart{Input: df.relation, Options: map[string]string{}}}
}

// Format names the sink, such as kafka, console, memory or parquet.
func (w *StreamWriter) Format(name string) *StreamWriter { w.start.Format = name; return w }

// Option sets an option; checkpointLocation and path are two.
func (w *StreamWriter) Option(key, value string) *StreamWriter {
	w.start.Options[key] = value
	return w
}

// Options sets several options.
func (w *StreamWriter) Options(options map[string]string) *StreamWriter {
	maps.Copy(w.start.Options, options)
	return w
}

// OutputMode says which rows reach the sink; append unless set.
func (w *StreamWriter) OutputMode(mode OutputMode) *StreamWriter {
	w.start.OutputMode = string(mode)
	return w
}

// QueryName names the query; a session has at most one active query of a name. It is the memory sink's table.
func (w *StreamWriter) QueryName(name string) *StreamWriter { w.start.QueryName = name; return w }

// PartitionBy lays files out in a folder for each value of the columns.
func (w *StreamWriter) PartitionBy(columns ...string) *StreamWriter {
	w.start.PartitioningColumnNames = columns
	return w
}

// Trigger says when to run a batch; ProcessingTime(0) unless set, as the zero Trigger is.
func (w *StreamWriter) Trigger(trigger Trigger) *StreamWriter {
	if trigger.set == nil {
		trigger = ProcessingTime(0)
	}
	trigger.set(w.start)
	return w
}

// Start starts the query on the server and returns once it runs. It runs on in its session whatever becomes of ctx or of
// this program. Starting a checkpoint that another run uses stops that run. After ErrOperationLost, or any error that says nothing of
// the query, such as that of an unreachable server, the query may run: Streams().Active tells.
func (w *StreamWriter) Start(ctx context.Context) (*StreamingQuery, error) {
	return w.submit(ctx, w.clone())
}

// ToTable starts the query into a table of the catalog, made if need be.
func (w *StreamWriter) ToTable(ctx context.Context, name string) (*StreamingQuery, error) {
	start := w.clone()
	start.SinkDestination = &wire.WriteStreamOperationStart_TableName{TableName: name}
	return w.submit(ctx, start)
}

func (w *StreamWriter) clone() *wire.WriteStreamOperationStart {
	return proto.Clone(w.start).(*wire.WriteStreamOperationStart)
}

func (w *StreamWriter) submit(ctx context.Context, start *wire.WriteStreamOperationStart) (*StreamingQuery, error) {
	what := strings.TrimSpace("start streaming query " + start.GetQueryName())
	if w.df.err != nil {
		return nil, fmt.Errorf("%s: %w", what, w.df.err)
	}
	session := w.df.session
	if start.GetRealTimeBatchDuration() != "" {
		// An older server does not know the field and would start the query with another trigger.
		if err := session.requireVersion("the real-time trigger", 4, 2); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
	}
	session.starts.sent()
	event := ""
	defer func() { session.starts.answered(event) }()
	answers, err := session.conn.Run(ctx, &wire.Command{CommandType: &wire.Command_WriteStreamOperationStart{WriteStreamOperationStart: start}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	for _, answer := range answers {
		if result := answer.GetWriteStreamOperationStartResult(); result != nil {
			event = result.GetQueryStartedEventJson()
			return newQuery(session, result.GetQueryId(), result.GetName()), nil
		}
	}
	return nil, fmt.Errorf("%s: %w", what, errors.New("the server ended the command without naming the query"))
}
