package spark

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Progress is Spark's StreamingQueryProgress: the report of one batch. Rates are rows a second, NaN where Spark knows none.
// Spark leaves parts out as it pleases; what is absent is zero.
type Progress struct {
	ID                     QueryID                    `json:"id"`
	RunID                  RunID                      `json:"runId"`
	Name                   string                     `json:"name"`
	Timestamp              time.Time                  `json:"timestamp"` // start of the batch
	BatchID                int64                      `json:"batchId"`
	BatchDuration          int64                      `json:"batchDuration"` // milliseconds
	NumInputRows           int64                      `json:"numInputRows"`
	InputRowsPerSecond     Rate                       `json:"inputRowsPerSecond"`
	ProcessedRowsPerSecond Rate                       `json:"processedRowsPerSecond"`
	DurationMs             map[string]int64           `json:"durationMs"` // triggerExecution, addBatch, walCommit, …
	EventTime              map[string]string          `json:"eventTime"`  // min, avg, max, watermark
	StateOperators         []StateOperatorProgress    `json:"stateOperators"`
	Sources                []SourceProgress           `json:"sources"`
	Sink                   SinkProgress               `json:"sink"`
	ObservedMetrics        map[string]json.RawMessage `json:"observedMetrics"`
	JSON                   json.RawMessage            `json:"-"` // the report as the server wrote it
}

// StateOperatorProgress reports one stateful operator, such as a deduplication or an aggregation.
type StateOperatorProgress struct {
	OperatorName              string           `json:"operatorName"`
	NumRowsTotal              int64            `json:"numRowsTotal"`
	NumRowsUpdated            int64            `json:"numRowsUpdated"`
	AllUpdatesTimeMs          int64            `json:"allUpdatesTimeMs"`
	NumRowsRemoved            int64            `json:"numRowsRemoved"`
	AllRemovalsTimeMs         int64            `json:"allRemovalsTimeMs"`
	CommitTimeMs              int64            `json:"commitTimeMs"`
	MemoryUsedBytes           int64            `json:"memoryUsedBytes"`
	NumRowsDroppedByWatermark int64            `json:"numRowsDroppedByWatermark"`
	NumShufflePartitions      int64            `json:"numShufflePartitions"`
	NumStateStoreInstances    int64            `json:"numStateStoreInstances"`
	CustomMetrics             map[string]int64 `json:"customMetrics"`
}

// SourceProgress reports one source.
type SourceProgress struct {
	Description            string            `json:"description"`
	StartOffset            Offset            `json:"startOffset"`
	EndOffset              Offset            `json:"endOffset"`
	LatestOffset           Offset            `json:"latestOffset"`
	NumInputRows           int64             `json:"numInputRows"`
	InputRowsPerSecond     Rate              `json:"inputRowsPerSecond"`
	ProcessedRowsPerSecond Rate              `json:"processedRowsPerSecond"`
	Metrics                map[string]string `json:"metrics"`
}

// SinkProgress reports the sink.
type SinkProgress struct {
	Description   string            `json:"description"`
	NumOutputRows int64             `json:"numOutputRows"` // -1 where the sink does not count
	Metrics       map[string]string `json:"metrics"`
}

// Rate is rows a second. Spark writes NaN and infinity as strings, bare words or nothing at all.
type Rate float64

// UnmarshalJSON reads a number, or one of Spark's ways to say that there is none.
func (r *Rate) UnmarshalJSON(data []byte) error {
	text := string(bytes.Trim(data, `"`))
	switch text {
	case "null", "", "NaN":
		*r = Rate(math.NaN())
		return nil
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("read a rate: %w", err)
	}
	*r = Rate(number)
	return nil
}

// MarshalJSON writes null for what JSON has no number for.
func (r Rate) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(r)) || math.IsInf(float64(r), 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(r), 'g', -1, 64), nil
}

// Offset is a position in a source, as JSON text in the source's own form: Kafka's are {"topic":{"0":12}}. It is empty
// where Spark gives none.
type Offset string

// UnmarshalJSON takes the text as it is, or out of a string: Spark writes offsets both ways.
func (o *Offset) UnmarshalJSON(data []byte) error {
	switch {
	case string(data) == "null":
		*o = ""
	case len(data) > 0 && data[0] == '"':
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("read an offset: %w", err)
		}
		*o = Offset(text)
	default:
		*o = Offset(data)
	}
	return nil
}

// ParseProgress reads Spark's JSON of a StreamingQueryProgress, leniently: unknown fields are passed over.
func ParseProgress(text []byte) (*Progress, error) {
	const absent = math.MinInt64
	nan := Rate(math.NaN())
	p := &Progress{NumInputRows: absent, InputRowsPerSecond: nan, ProcessedRowsPerSecond: nan, JSON: quoteBareNumbers(text)}
	if err := json.Unmarshal(p.JSON, p); err != nil {
		return nil, fmt.Errorf("read a progress report: %w", err)
	}
	if p.NumInputRows == absent {
		p.sumSources()
	}
	return p, nil
}

// sumSources fills in the totals, which Spark 4.2 leaves out of what it sends to clients.
func (p *Progress) sumSources() {
	p.NumInputRows, p.InputRowsPerSecond, p.ProcessedRowsPerSecond = 0, 0, 0
	for _, source := range p.Sources {
		p.NumInputRows += source.NumInputRows
		p.InputRowsPerSecond += source.InputRowsPerSecond
		p.ProcessedRowsPerSecond += source.ProcessedRowsPerSecond
	}
}

// quoteBareNumbers puts quotes around NaN and Infinity outside strings, which Java's JSON writers may leave bare.
func quoteBareNumbers(text []byte) []byte {
	out := make([]byte, 0, len(text))
	inString := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inString && c == '\\' && i+1 < len(text):
			out = append(out, c)
			i++
			c = text[i]
		case c == '"':
			inString = !inString
		case !inString:
			if word := bareNumber(text[i:]); word != "" {
				out = append(append(append(out, '"'), word...), '"')
				i += len(word) - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func bareNumber(text []byte) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(text, []byte(word)) {
			return word
		}
	}
	return ""
}
