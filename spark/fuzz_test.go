package spark

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

func FuzzOffset(f *testing.F) {
	for _, seed := range []string{`{"votes":{"0":12}}`, `"{\"votes\":{\"0\":12}}"`, `null`, `7`, `"\ud800"`, `""`, `{`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var offset, again Offset
		if json.Unmarshal(text, &offset) != nil {
			return
		}
		written, err := json.Marshal(offset)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatal(err)
		}
		// A JSON string cannot hold broken UTF-8, so that alone may change.
		if again != offset && utf8.Valid(text) {
			t.Errorf("%q became %q, then %q", text, offset, again)
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add(int32(0), `{"id":"a","runId":"b","name":null,"timestamp":"2026-11-22T15:32:40.401Z","jobTags":[]}`)
	f.Add(int32(1), `{"progress":{"id":"a","batchId":1,"inputRowsPerSecond":NaN,"sources":[{"endOffset":{"0":1}}]}}`)
	f.Add(int32(2), `{"id":"a","runId":"b","exception":"with s3cret","errorClassOnException":"s3cret"}`)
	f.Add(int32(3), `{"id":"a","runId":"b","timestamp":"2026-11-22T15:32:40.401Z"}`)
	f.Add(int32(9), `{}`)
	f.Fuzz(func(t *testing.T, kind int32, text string) {
		_, _ = parseStarted(text)
		event, err := parseEvent(&wire.StreamingQueryListenerEvent{EventType: wire.StreamingQueryEventType(kind), EventJson: text}, "s3cret")
		if err != nil && event != nil {
			t.Errorf("%v and %v", event, err)
		}
		switch event := event.(type) {
		case QueryProgress:
			if event.Progress == nil {
				t.Error("a batch without its report")
			}
		case QueryTerminated:
			if event.Exception != nil && strings.Contains(event.Exception.Error(), "s3cret") {
				t.Errorf("the token is in %v", event.Exception)
			}
		}
	})
}

// FuzzTypeName reads what a server may call the type of a column.
func FuzzTypeName(f *testing.F) {
	for _, kind := range []*wire.DataType{
		{Kind: &wire.DataType_DayTimeInterval_{DayTimeInterval: &wire.DataType_DayTimeInterval{StartField: proto.Int32(0), EndField: proto.Int32(3)}}},
		{Kind: &wire.DataType_Array_{Array: &wire.DataType_Array{ElementType: &wire.DataType{Kind: &wire.DataType_Null{Null: &wire.DataType_NULL{}}}}}},
		{Kind: &wire.DataType_YearMonthInterval_{YearMonthInterval: &wire.DataType_YearMonthInterval{StartField: proto.Int32(-1), EndField: proto.Int32(9)}}},
	} {
		data, err := proto.Marshal(kind)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kind := &wire.DataType{}
		if proto.Unmarshal(data, kind) == nil && kind.GetUnparsed() == nil && typeName(kind) == "" && kind.GetUdt() == nil {
			t.Errorf("%v has no name", kind)
		}
	})
}
