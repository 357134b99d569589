package spark

import (
	"bytes"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/google/go-cmp/cmp"

	"realtime-election/spark/wire"
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
		TimestampNTZ{Date{2024, time.February, 29}, 12, 34, 56, 789012},
		CalendarInterval{Months: 1, Days: 2, Microseconds: 3},
		[]string{"a", "b"},
		[]any{nil, []any{1, nil}},
		Map{{Key: "k", Value: []any{point}}},
		point,
	}
	rows := [][]any{make([]any, len(full)), full}
	data, err := encode(rows, ddlType{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeBatch(&wire.ExecutePlanResponse_ArrowBatch{Data: data, RowCount: 2}, 0)
	if err != nil {
		t.Fatal(err)
	}
	full[5], full[16], full[17] = int64(-5), []any{"a", "b"}, []any{nil, []any{int64(1), nil}}
	if diff := cmp.Diff(rows, [][]any{got[0].Values(), got[1].Values()}, cmp.AllowUnexported(Row{})); diff != "" {
		t.Errorf("rows came back changed (-expected +got):\n%s", diff)
	}
}

// TestColumnIsNullableWhereItHoldsNil: Spark refuses nullable data for a column that its schema calls NOT NULL.
func TestColumnIsNullableWhereItHoldsNil(t *testing.T) {
	pair := Row{names: []string{"x", "y"}, values: []any{1, nil}}
	data, err := encode([][]any{{1, "a", pair}, {2, nil, pair}}, ddlType{})
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

// TestDecimalsAreSentExactly: Spark makes the schema's type of what it is sent, and can only lose digits that were sent.
func TestDecimalsAreSentExactly(t *testing.T) {
	for title, c := range map[string]struct {
		sent, expected []any
		kind           arrow.Decimal128Type
	}{
		"30 digits":       {[]any{Decimal("1234567890123456789012.34567890")}, []any{Decimal("1234567890123456789012.34567890")}, arrow.Decimal128Type{Precision: 30, Scale: 8}},
		"38 digits":       {[]any{Decimal("-99999999999999999999999999999999999999")}, []any{Decimal("-99999999999999999999999999999999999999")}, arrow.Decimal128Type{Precision: 38}},
		"38 after point":  {[]any{Decimal("0.00000000000000000000000000000000000001")}, []any{Decimal("0.00000000000000000000000000000000000001")}, arrow.Decimal128Type{Precision: 38, Scale: 38}},
		"of one column":   {[]any{Decimal("100"), nil, Decimal("0.25")}, []any{Decimal("100.00"), nil, Decimal("0.25")}, arrow.Decimal128Type{Precision: 5, Scale: 2}},
		"with exponents":  {[]any{Decimal("1.25e3"), Decimal("5E-1")}, []any{Decimal("1250.0"), Decimal("0.5")}, arrow.Decimal128Type{Precision: 5, Scale: 1}},
		"in other words":  {[]any{Decimal("+.5"), Decimal("007."), Decimal("-0")}, []any{Decimal("0.5"), Decimal("7.0"), Decimal("0.0")}, arrow.Decimal128Type{Precision: 2, Scale: 1}},
		"none but zero":   {[]any{Decimal("0")}, []any{Decimal("0")}, arrow.Decimal128Type{Precision: 1}},
		"only a fraction": {[]any{Decimal("0.001")}, []any{Decimal("0.001")}, arrow.Decimal128Type{Precision: 3, Scale: 3}},
	} {
		t.Run(title, func(t *testing.T) {
			var rows [][]any
			for _, value := range c.sent {
				rows = append(rows, []any{value})
			}
			data, err := encode(rows, ddlType{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeArrow(data, int64(len(rows)))
			if err != nil {
				t.Fatal(err)
			}
			var values []any
			for _, row := range got {
				values = append(values, row.At(0))
			}
			if diff := cmp.Diff(c.expected, values); diff != "" {
				t.Errorf("(-expected +got):\n%s", diff)
			}
			if kind, err := decimalType(c.sent); err != nil || *kind.(*arrow.Decimal128Type) != c.kind {
				t.Errorf("type %v and %v, expected %v", kind, err, &c.kind)
			}
		})
	}
}

// TestDecimalsAreSentInTheSchemasType: Spark would round what is sent with more digits, and say nothing.
func TestDecimalsAreSentInTheSchemasType(t *testing.T) {
	schema := "a DECIMAL(4, 2) NOT NULL DEFAULT nvl(1, 2), `b,` array<dec(6,1)> COMMENT 'it\\'s, DECIMAL(1)', c VARCHAR(3), d MAP<DECIMAL, STRUCT<x: NUMERIC(3,3), y STRING>> , e INTERVAL DAY TO SECOND, f: decimal(38)"
	row := func(a Decimal) []any {
		return []any{a, []any{Decimal("1"), nil}, Decimal("1.5"), Map{{Key: Decimal("7"), Value: Row{names: []string{"x", "y"}, values: []any{Decimal("-.5"), "y"}}}}, time.Hour, Decimal("1e37")}
	}
	data, err := encode([][]any{row("1.5")}, parseDDL(schema))
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeArrow(data, 1)
	if err != nil {
		t.Fatal(err)
	}
	expected := []any{
		Decimal("1.50"),
		[]any{Decimal("1.0"), nil},
		Decimal("1.5"),
		Map{{Key: Decimal("7"), Value: Row{names: []string{"x", "y"}, values: []any{Decimal("-0.500"), "y"}}}},
		time.Hour, Decimal("10000000000000000000000000000000000000"),
	}
	if diff := cmp.Diff(expected, got[0].Values(), cmp.AllowUnexported(Row{})); diff != "" {
		t.Errorf("(-expected +got):\n%s", diff)
	}
	for _, bad := range []Decimal{"1.005", "100", "-100.0"} {
		if _, err := encode([][]any{row(bad)}, parseDDL(schema)); err == nil || !strings.Contains(err.Error(), "row 1, column 1: "+string(bad)+" does not fit decimal(4,2)") {
			t.Errorf("%s gave %v", bad, err)
		}
	}
	for _, fine := range []Decimal{"99.99", "-99.990", "0.010"} {
		if _, err := encode([][]any{row(fine)}, parseDDL(schema)); err != nil {
			t.Errorf("%s gave %v", fine, err)
		}
	}
}

// FuzzDDL holds that a schema of any text comes to an end, and gives decimals that Arrow has.
func FuzzDDL(f *testing.F) {
	for _, seed := range []string{"a DECIMAL(4,2)", "a ARRAY<MAP<INT, STRUCT<b: DEC>>>", "a STRUCT<>", "`", "a DECIMAL(99,2), b DECIMAL(1,2)", "a ARRAY<ARRAY<", ">,<", `{"type":"struct"}`, "a INT COMMENT '>'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, schema string) {
		ddl := parseDDL(schema)
		for i := range ddl.inside {
			if kind := ddl.at(i).decimal; kind != nil && (kind.Precision < 1 || kind.Precision > 38 || kind.Scale < 0 || kind.Scale > kind.Precision) {
				t.Errorf("%q has a %v", schema, kind)
			}
		}
	})
}

// FuzzDecimal holds that a number that is taken comes back as the same number.
func FuzzDecimal(f *testing.F) {
	for _, seed := range []string{"-12.50", "1e37", "1e-38", "0.00000000000000000000000000000000000001", "99999999999999999999999999999999999999", "-.5E+2", "00", "1e999", "+", "1_0", "0x1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sent, ok := new(big.Rat).SetString(text)
		if _, err := Decimal(text).number(); err != nil {
			return
		}
		data, err := encode([][]any{{Decimal(text)}}, ddlType{})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := decodeArrow(data, 1)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := new(big.Rat).SetString(string(rows[0].At(0).(Decimal)))
		if !ok || got == nil || sent.Cmp(got) != 0 {
			t.Errorf("%q came back as %v", text, rows[0].At(0))
		}
	})
}
