package spark

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/parquet/variant"
	"github.com/google/uuid"
)

// newVariant is what a builder was told, as Spark sends it.
func newVariant(t testing.TB, build func(b *variant.Builder) error) variant.Value {
	t.Helper()
	var b variant.Builder
	if err := build(&b); err != nil {
		t.Fatal(err)
	}
	v, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestVariantsAreJSONInSparksWords has what to_json of Spark 4.2 writes, and kinds that Spark itself does not make.
// TestVariantsAreWhatToJSONWrites asks the server.
func TestVariantsAreJSONInSparksWords(t *testing.T) {
	big, _ := decimal128.FromString("-12345678901234567890.1234567890", 38, 10)
	for expected, value := range map[string]any{
		"null": nil, "true": true, "false": false, "-128": int8(-128), "300": int16(300), "70000": int32(70000), "9223372036854775807": int64(math.MaxInt64),
		"1.5": 1.5, "100.0": 100.0, "0.001": 0.001, "9.9E-4": 9.9e-4, "9999999.0": 9999999.0, "1.0E7": 1e7, "1.2345678E7": 12345678.0, "-0.0": math.Copysign(0, -1), "0.0": 0.0,
		"4.9E-324": math.SmallestNonzeroFloat64, "1.7976931348623157E308": math.MaxFloat64,
		"0.1": float32(0.1), "3.4028235E38": float32(math.MaxFloat32), "1.0E10": float32(1e10),
		`"NaN"`: math.NaN(), `"Infinity"`: math.Inf(1), `"-Infinity"`: math.Inf(-1),
		`"é<>&` + "\u2028\u007f" + `😀\"\\/\n\t\r\f\b\u0000\u001F"`: "é<>&\u2028\u007f😀\"\\/\n\t\r\f\b\x00\x1f",
		`""`: "", `"` + strings.Repeat("a", 100) + `"`: strings.Repeat("a", 100), `"AP8Q"`: []byte{0, 0xff, 0x10},
		`"00010203-0405-0607-0809-0a0b0c0d0e0f"`: uuid.UUID{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		`"2024-02-29"`:                           arrow.Date32(19782), `"+12024-02-29"`: arrow.Date32(3672207), `"-0044-03-15"`: arrow.Date32(-735525),
		"12.5": variant.DecimalValue[decimal.Decimal32]{Scale: 2, Value: decimal.Decimal32(1250)}, "0": variant.DecimalValue[decimal.Decimal32]{Scale: 2, Value: decimal.Decimal32(0)},
		"1000": variant.DecimalValue[decimal.Decimal64]{Value: decimal.Decimal64(1000)}, "-12345678901234567890.123456789": variant.DecimalValue[decimal.Decimal128]{Scale: 10, Value: big},
	} {
		v := newVariant(t, func(b *variant.Builder) error { return b.Append(value) })
		if got, err := variantJSON(v.Metadata().Bytes(), v.Bytes()); err != nil || string(got) != expected {
			t.Errorf("%T %v gave %s and %v, expected %s", value, value, got, err, expected)
		}
	}
	const micros, nanos = 1709210096789000, 1709210096789000001
	for expected, build := range map[string]func(*variant.Builder) error{
		`"2024-02-29 12:34:56.789+00:00"`:       func(b *variant.Builder) error { return b.AppendTimestamp(micros, true, true) },
		`"2024-02-29 12:34:56.789"`:             func(b *variant.Builder) error { return b.AppendTimestamp(micros, true, false) },
		`"2024-02-29 12:34:56.789000001+00:00"`: func(b *variant.Builder) error { return b.AppendTimestamp(nanos, false, true) },
		`"2024-02-29 12:34:56.789000001"`:       func(b *variant.Builder) error { return b.AppendTimestamp(nanos, false, false) },
		`"12:34:56.789"`:                        func(b *variant.Builder) error { return b.AppendTimeMicro(45296789000) },
		`{"a":[1,null,[]],"b":{},"é\"":"x"}`: func(b *variant.Builder) error {
			return b.Append(map[string]any{"b": map[string]any{}, "a": []any{int8(1), nil, []any{}}, "é\"": "x"})
		},
	} {
		v := newVariant(t, build)
		if got, err := variantJSON(v.Metadata().Bytes(), v.Bytes()); err != nil || string(got) != expected {
			t.Errorf("gave %s and %v, expected %s", got, err, expected)
		}
	}
}

// TestEmptyLongStringOfAVariantIsRead: another tool than Spark may write an empty string in the form of the long ones.
func TestEmptyLongStringOfAVariantIsRead(t *testing.T) {
	empty := newVariant(t, func(b *variant.Builder) error { return b.Append(nil) })
	long := byte(variant.PrimitiveString) << 2
	if got, err := variantJSON(empty.Metadata().Bytes(), []byte{long, 0, 0, 0, 0}); err != nil || string(got) != `""` {
		t.Errorf("got %s and %v", got, err)
	}
}

// TestDeepVariantIsRefused: a stack that overflows ends the program, which no recover prevents.
func TestDeepVariantIsRefused(t *testing.T) {
	null := newVariant(t, func(b *variant.Builder) error { return b.Append(nil) })
	// An array of one element whose offsets take four bytes: header, count, offsets 0 and the element's size.
	const levels = 2_000_000
	deep := make([]byte, 0, 10*levels+1)
	for level := range levels {
		size := uint32(10*(levels-1-level) + 1)
		deep = append(deep, 3|3<<2, 1, 0, 0, 0, 0, byte(size), byte(size>>8), byte(size>>16), byte(size>>24))
	}
	if got, err := variantJSON(null.Metadata().Bytes(), append(deep, 0)); err == nil {
		t.Errorf("got %d bytes", len(got))
	}
}

func FuzzVariant(f *testing.F) {
	for _, value := range []any{
		nil, math.NaN(), "é\x00",
		[]byte{1},
		arrow.Date32(1),
		map[string]any{"a": []any{int8(1), nil, 1e300, "x"}, "b": map[string]any{}},
		variant.DecimalValue[decimal.Decimal32]{Scale: 2, Value: decimal.Decimal32(1250)},
	} {
		v := newVariant(f, func(b *variant.Builder) error { return b.Append(value) })
		f.Add(v.Metadata().Bytes(), v.Bytes())
	}
	f.Fuzz(func(t *testing.T, metadata, value []byte) {
		defer func() { _ = recover() }() // decodeArrow makes an error of it
		if text, err := variantJSON(metadata, value); err == nil && !json.Valid(text) {
			t.Errorf("%q is no JSON", text)
		}
	})
}
