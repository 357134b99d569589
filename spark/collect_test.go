package spark

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

// everyType is an Arrow stream with a column of each type Spark sends, a full row and a null row.
func everyType(t testing.TB, options ...ipc.Option) []byte {
	t.Helper()
	list := `[1, null]`
	fields := []arrow.Field{
		{Name: "bool", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "tiny", Type: arrow.PrimitiveTypes.Int8},
		{Name: "small", Type: arrow.PrimitiveTypes.Int16},
		{Name: "int", Type: arrow.PrimitiveTypes.Int32},
		{Name: "big", Type: arrow.PrimitiveTypes.Int64},
		{Name: "float", Type: arrow.PrimitiveTypes.Float32},
		{Name: "double", Type: arrow.PrimitiveTypes.Float64},
		{Name: "string", Type: arrow.BinaryTypes.String},
		{Name: "binary", Type: arrow.BinaryTypes.Binary},
		{Name: "decimal", Type: &arrow.Decimal128Type{Precision: 38, Scale: 2}},
		{Name: "date", Type: arrow.FixedWidthTypes.Date32},
		{Name: "timestamp", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
		{Name: "ntz", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "duration", Type: arrow.FixedWidthTypes.Duration_us},
		{Name: "null", Type: arrow.Null},
		{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32)},
		{Name: "struct", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int32, Nullable: true})},
		{Name: "map", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32)},
		{Name: "months", Type: arrow.FixedWidthTypes.MonthInterval},
		{Name: "time", Type: arrow.FixedWidthTypes.Time64ns},
		{Name: "interval", Type: arrow.FixedWidthTypes.MonthDayNanoInterval},
		{Name: "variant", Type: arrow.StructOf(
			arrow.Field{Name: "value", Type: arrow.BinaryTypes.Binary},
			arrow.Field{Name: "metadata", Type: arrow.BinaryTypes.Binary, Metadata: arrow.NewMetadata([]string{"variant"}, []string{"true"})},
		)},
	}
	for i := range fields {
		fields[i].Nullable = true
	}
	schema := arrow.NewSchema(fields, nil)
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, bytes.NewReader([]byte(`[{"bool":true,"tiny":-1,"small":-2,"int":-3,"big":-4,
		"float":1.5,"double":2.5,"string":"é","binary":"AP8=","decimal":"-12345678901234567890.50","date":"1969-12-31",
		"timestamp":"2024-02-29T12:34:56.789012Z","ntz":"1969-12-31T12:34:56.000001","duration":"1000001us","null":null,"list":`+list+`,"struct":{"x":1},"map":[{"key":"k","value":1}],
		"months":{"months":14},"time":"12:34:56.789012345","interval":{"months":1,"days":2,"nanoseconds":3000},"variant":{"value":"BWE=","metadata":"AQAA"}},
		{"bool":null,"tiny":null,"small":null,"int":null,"big":null,"float":null,"double":null,"string":null,"binary":null,"decimal":null,
		"date":null,"timestamp":null,"ntz":null,"duration":null,"null":null,"list":null,"struct":null,"map":null,"months":null,"time":null,"interval":null,"variant":null}]`)))
	if err != nil {
		t.Fatal(err)
	}
	var data bytes.Buffer
	writer := ipc.NewWriter(&data, append(options, ipc.WithSchema(schema))...)
	if err := writer.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

func TestEveryArrowTypeBecomesItsGoType(t *testing.T) {
	rows, err := decodeArrow(everyType(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	expected := []any{
		true, int8(-1), int16(-2), int32(-3), int64(-4), float32(1.5), 2.5, "é",
		[]byte{0, 0xff},
		Decimal("-12345678901234567890.50"),
		Date{1969, time.December, 31},
		time.Date(2024, 2, 29, 12, 34, 56, 789012000, time.UTC),
		TimestampNTZ{Date{1969, time.December, 31}, 12, 34, 56, 1},
		time.Second + time.Microsecond, nil,
		[]any{int32(1), nil},
		Row{names: []string{"x"}, values: []any{int32(1)}},
		Map{{Key: "k", Value: int32(1)}},
		int32(14), 12*time.Hour + 34*time.Minute + 56*time.Second + 789012345,
		CalendarInterval{Months: 1, Days: 2, Microseconds: 3},
		Variant(`"a"`),
	}
	if diff := cmp.Diff(expected, rows[0].Values(), cmp.AllowUnexported(Row{})); diff != "" {
		t.Errorf("values (-expected +got):\n%s", diff)
	}
	for i, value := range rows[1].Values() {
		if value != nil {
			t.Errorf("null of column %s is %v", rows[1].Names()[i], value)
		}
	}
}

func TestUnreadableTypeNamesItsColumn(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "when", Type: arrow.FixedWidthTypes.DayTimeInterval}}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	builder.Field(0).(*array.DayTimeIntervalBuilder).Append(arrow.DayTimeInterval{Days: 1})
	var data bytes.Buffer
	writer := ipc.NewWriter(&data, ipc.WithSchema(schema))
	if err := writer.Write(builder.NewRecordBatch()); err != nil {
		t.Fatal(err)
	}
	if _, err := decodeArrow(data.Bytes(), 1); err == nil || !bytes.Contains([]byte(err.Error()), []byte("column when")) {
		t.Errorf("got %v, expected an error that names the column", err)
	}
}

// TestIntervalLongerThanADurationNamesItsColumn: Spark's intervals hold 292,000 years, a time.Duration 292.
func TestIntervalLongerThanADurationNamesItsColumn(t *testing.T) {
	spans := func(micros int64) []byte {
		return arrowStream(t, fmt.Sprintf(`[{"span":"%dus"}]`, micros), []arrow.Field{{Name: "span", Type: arrow.FixedWidthTypes.Duration_us}})
	}
	for _, micros := range []int64{math.MaxInt64 / 1000, math.MinInt64 / 1000} {
		rows, err := decodeArrow(spans(micros), 1)
		if err != nil || rows[0].At(0) != time.Duration(micros)*time.Microsecond {
			t.Errorf("%d µs gave %v and %v", micros, rows, err)
		}
	}
	for _, micros := range []int64{math.MaxInt64/1000 + 1, math.MinInt64/1000 - 1, math.MaxInt64, math.MinInt64, 300000 * 86400 * 1e6} {
		rows, err := decodeArrow(spans(micros), 1)
		if err == nil || !strings.Contains(err.Error(), "column span: an interval of") {
			t.Errorf("%d µs gave %v and %v", micros, rows, err)
		}
	}
}

func TestMapKeysThatGoCannotCompareAreNoPanic(t *testing.T) {
	m := Map{{Key: []byte("a"), Value: 1}, {Key: Row{}, Value: 2}, {Key: "a", Value: 3}}
	if got, ok := m.Get("a"); !ok || got != 3 {
		t.Errorf("got %v, %v", got, ok)
	}
	if _, ok := m.Get("b"); ok {
		t.Error("found a key that is not there")
	}
}

func FuzzDecodeArrow(f *testing.F) {
	f.Add(everyType(f))
	f.Add(everyType(f, ipc.WithZstd()))
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := decodeArrow(data, 100)
		if err != nil {
			return
		}
		for _, row := range rows {
			if row.Len() != len(row.Names()) {
				t.Errorf("%d values of %d columns", row.Len(), len(row.Names()))
			}
		}
	})
}

func TestCompressedArrowIsRead(t *testing.T) {
	plain, err := decodeArrow(everyType(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	for name, codec := range map[string]ipc.Option{"zstd": ipc.WithZstd(), "lz4": ipc.WithLZ4()} {
		rows, err := decodeArrow(everyType(t, codec), 2)
		if diff := cmp.Diff(plain, rows, cmp.AllowUnexported(Row{})); err != nil || diff != "" {
			t.Errorf("%s: %v (-plain +compressed):\n%s", name, err, diff)
		}
	}
}

func TestArrowThatClaimsMoreThanItHoldsIsRefused(t *testing.T) {
	whole := everyType(t)
	if _, err := decodeArrow(whole, 1); !errors.Is(err, errMalformed) {
		t.Errorf("two rows where one was announced gave %v", err)
	}
	body := len(whole) - 16 // inside the last message's body
	if _, err := decodeArrow(whole[:body], 2); !errors.Is(err, errMalformed) {
		t.Errorf("a body that is cut gave %v", err)
	}
	if _, err := decodeArrow(append(bytes.Clone(whole[:len(whole)-8]), "no message"...), 2); !errors.Is(err, errMalformed) {
		t.Errorf("text after the last message gave %v", err)
	}
}
