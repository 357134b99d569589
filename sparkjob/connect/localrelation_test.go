package connect

import (
	"bytes"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/google/go-cmp/cmp"

	"realtime-election/sparkjob/connect/wire"
)

// TestEncodedRowsAreReadBack holds encode against the decoder that reads Spark's batches.
func TestEncodedRowsAreReadBack(t *testing.T) {
	point := Row{names: []string{"x", "y"}, values: []any{int32(1), "a"}}
	full := []any{
		true, int8(-1), int16(-2), int32(-3), int64(-4), -5, float32(1.5), 2.5, "é",
		[]byte{0, 0xff},
		Decimal("-12.5"),
		Date{1969, time.December, 31},
		time.Date(2024, 2, 29, 12, 34, 56, 789012000, time.UTC), time.Second + time.Microsecond,
		CalendarInterval{Months: 1, Days: 2, Microseconds: 3},
		[]string{"a", "b"},
		[]any{nil, []any{1, nil}},
		Map{{Key: "k", Value: []any{point}}},
		point,
	}
	rows := [][]any{make([]any, len(full)), full}
	data, err := encode(rows)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(&wire.ExecutePlanResponse_ArrowBatch{Data: data, RowCount: 2}, 0)
	if err != nil {
		t.Fatal(err)
	}
	full[5], full[10], full[15], full[16] = int64(-5), Decimal("-12.500000000000000000"), []any{"a", "b"}, []any{nil, []any{int64(1), nil}}
	if diff := cmp.Diff(rows, [][]any{got[0].Values(), got[1].Values()}, cmp.AllowUnexported(Row{})); diff != "" {
		t.Errorf("rows came back changed (-expected +got):\n%s", diff)
	}
}

// TestColumnIsNullableWhereItHoldsNil: Spark refuses nullable data for a column that its schema calls NOT NULL.
func TestColumnIsNullableWhereItHoldsNil(t *testing.T) {
	pair := Row{names: []string{"x", "y"}, values: []any{1, nil}}
	data, err := encode([][]any{{1, "a", pair}, {2, nil, pair}})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := ipc.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Release()
	schema := reader.Schema()
	inner := schema.Field(2).Type.(*arrow.StructType).Fields()
	got := []bool{schema.Field(0).Nullable, schema.Field(1).Nullable, schema.Field(2).Nullable, inner[0].Nullable, inner[1].Nullable}
	if diff := cmp.Diff([]bool{false, true, false, false, true}, got); diff != "" {
		t.Errorf("nullable (-expected +got):\n%s", diff)
	}
}
