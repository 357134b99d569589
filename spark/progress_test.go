package spark_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"realtime-election/spark"
)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestProgressHasEveryField(t *testing.T) {
	got, err := spark.ParseProgress(readFile(t, "testdata/progress-4.2.json"))
	if err != nil {
		t.Fatal(err)
	}
	expected := &spark.Progress{
		ID: "f27bd7c2-34b0-4cb3-af96-c5f6af024405", RunID: "f13a0df7-1290-483d-8db8-e05da35c324b", Name: "totals",
		Timestamp: time.Date(2026, 11, 22, 15, 32, 40, 401e6, time.UTC), BatchID: 7, BatchDuration: 288,
		NumInputRows: 100, InputRowsPerSecond: 990.5, ProcessedRowsPerSecond: 347.25, // summed over the sources
		DurationMs: map[string]int64{"triggerExecution": 288, "queryPlanning": 11, "getBatch": 0, "commitOffsets": 50, "latestOffset": 0, "addBatch": 185, "walCommit": 42},
		EventTime:  map[string]string{"watermark": "1970-01-01T00:00:00.000Z"},
		StateOperators: []spark.StateOperatorProgress{{
			OperatorName: "dedupe", NumRowsTotal: 100, NumRowsUpdated: 60, AllUpdatesTimeMs: 5, NumRowsRemoved: 1, AllRemovalsTimeMs: 2,
			CommitTimeMs: 30, MemoryUsedBytes: 4096, NumRowsDroppedByWatermark: 3, NumShufflePartitions: 2, NumStateStoreInstances: 4,
			CustomMetrics: map[string]int64{"numDroppedDuplicateRows": 900, "rocksdbCommitFlushLatency": 12},
		}},
		Sources: []spark.SourceProgress{{
			Description: "KafkaV2[Subscribe[votes_topic]]", StartOffset: `{"votes_topic":{"0":10}}`, EndOffset: `{"votes_topic":{"0":110}}`,
			NumInputRows: 100, InputRowsPerSecond: 990.5, ProcessedRowsPerSecond: 347.25,
			Metrics: map[string]string{"avgOffsetsBehindLatest": "0.0", "maxOffsetsBehindLatest": "0"},
		}},
		Sink:            spark.SinkProgress{Description: "KafkaTable", NumOutputRows: -1, Metrics: map[string]string{}},
		ObservedMetrics: map[string]json.RawMessage{"seen": json.RawMessage(`{"rows":5}`)},
	}
	if diff := cmp.Diff(expected, got, cmpopts.IgnoreFields(spark.Progress{}, "JSON")); diff != "" {
		t.Errorf("progress (-expected +got):\n%s", diff)
	}
	if len(got.JSON) == 0 {
		t.Error("the server's own text is gone")
	}
}

func TestProgressOfOlderServersIsRead(t *testing.T) {
	got, err := spark.ParseProgress(readFile(t, "testdata/progress-3.5.json"))
	if err != nil {
		t.Fatal(err)
	}
	source := got.Sources[0]
	if got.NumInputRows != 40 || !math.IsNaN(float64(got.InputRowsPerSecond)) || !math.IsInf(float64(got.ProcessedRowsPerSecond), 1) ||
		!math.IsInf(float64(source.InputRowsPerSecond), -1) || !math.IsNaN(float64(source.ProcessedRowsPerSecond)) {
		t.Errorf("rates %v %v, source %+v", got.InputRowsPerSecond, got.ProcessedRowsPerSecond, source)
	}
	if source.EndOffset != `{"votes":{"0":41}}` || source.Description != `a "NaN" in a text` || got.Name != "" {
		t.Errorf("source %+v, name %q", source, got.Name)
	}
	if _, err := json.Marshal(got); err != nil {
		t.Errorf("writing it again: %v", err)
	}
}

func FuzzParseProgress(f *testing.F) {
	f.Add(readFile(f, "testdata/progress-4.2.json"))
	f.Add(readFile(f, "testdata/progress-3.5.json"))
	f.Add([]byte(`{"numInputRows":"1"}`))
	f.Add([]byte(`{"a":"\`))
	f.Fuzz(func(t *testing.T, text []byte) {
		progress, err := spark.ParseProgress(text)
		if err != nil {
			return
		}
		if _, err := json.Marshal(progress); err != nil {
			t.Errorf("a report that was read can't be written: %v", err)
		}
	})
}
