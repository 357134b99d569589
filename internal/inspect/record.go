package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/internal/terminal"
)

// Text is a record on one line for people: partition and offset, time, key and value. It is safe to print on a terminal.
func Text(r *kgo.Record) string {
	value := "(deleted)"
	if r.Value != nil {
		value = terminal.Printable(string(r.Value))
	}
	return fmt.Sprintf("%d:%d  %s  %s  %s", r.Partition, r.Offset, r.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z"), terminal.Printable(string(r.Key)), value)
}

// line is a record for JSON. Bytes that are not UTF-8 are in base64.
type line struct {
	Partition   int32           `json:"partition"`
	Offset      int64           `json:"offset"`
	Timestamp   time.Time       `json:"timestamp"`
	Key         *string         `json:"key,omitempty"`
	KeyBase64   []byte          `json:"key_base64,omitempty"`
	Value       json.RawMessage `json:"value,omitempty"` // null for a tombstone
	ValueBase64 []byte          `json:"value_base64,omitempty"`
}

// JSON is a record as one line of JSON. A value that is JSON becomes part of it, and another text a string.
func JSON(r *kgo.Record) ([]byte, error) {
	l := line{Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UTC()}
	if utf8.Valid(r.Key) {
		key := string(r.Key)
		l.Key = &key
	} else {
		l.KeyBase64 = r.Key
	}
	var compact bytes.Buffer
	switch {
	case r.Value == nil:
		l.Value = json.RawMessage("null")
	case !utf8.Valid(r.Value):
		l.ValueBase64 = r.Value
	case json.Compact(&compact, r.Value) == nil:
		l.Value = compact.Bytes()
	default:
		text, err := json.Marshal(string(r.Value))
		if err != nil {
			return nil, fmt.Errorf("encode the value of %d:%d: %w", r.Partition, r.Offset, err)
		}
		l.Value = text
	}
	text, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode record %d:%d: %w", r.Partition, r.Offset, err)
	}
	return terminal.JSON(text), nil
}
