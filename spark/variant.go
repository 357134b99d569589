package spark

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal"
	"github.com/apache/arrow-go/v18/parquet/variant"
	"github.com/google/uuid"
)

// Variant is a value of no fixed type, as JSON: what Spark's to_json writes in a session whose time zone is UTC. NaN and the infinities
// are strings there.
type Variant string

// isVariant tells a variant, a struct of two binaries of which Spark marks one, from any other struct.
func isVariant(a *array.Struct) bool {
	fields := a.DataType().(*arrow.StructType).Fields()
	return len(fields) == 2 && fields[0].Name == "value" && fields[1].Name == "metadata" && fields[1].HasMetadata() &&
		fields[1].Metadata.FindKey("variant") >= 0
}

func variantCell(a *array.Struct, i int) (any, error) {
	value, valueOK := a.Field(0).(*array.Binary)
	metadata, metadataOK := a.Field(1).(*array.Binary)
	if !valueOK || !metadataOK {
		return nil, fmt.Errorf("a variant of %s can't be read", a.DataType())
	}
	text, err := variantJSON(metadata.Value(i), value.Value(i))
	if err != nil {
		return nil, fmt.Errorf("read a variant: %w", err)
	}
	return Variant(text), nil
}

// variantJSON checks a variant, of at most about a thousand levels, before it writes it.
func variantJSON(metadata, value []byte) ([]byte, error) {
	v, err := variant.New(metadata, value)
	if err != nil {
		return nil, err
	}
	return appendVariant(nil, v)
}

func appendVariant(to []byte, v variant.Value) ([]byte, error) {
	if v.Type() == variant.String && v.BasicType() == variant.BasicPrimitive && len(v.Bytes()) == 5 {
		return append(to, `""`...), nil // the library looks at the first byte of the text
	}
	switch value := v.Value().(type) {
	case nil:
		return append(to, "null"...), nil
	case bool:
		return strconv.AppendBool(to, value), nil
	case int8:
		return strconv.AppendInt(to, int64(value), 10), nil
	case int16:
		return strconv.AppendInt(to, int64(value), 10), nil
	case int32:
		return strconv.AppendInt(to, int64(value), 10), nil
	case int64:
		return strconv.AppendInt(to, value, 10), nil
	case float32:
		return appendFloat(to, float64(value), 32), nil
	case float64:
		return appendFloat(to, value, 64), nil
	case string:
		return appendString(to, value), nil
	case []byte:
		return appendString(to, base64.StdEncoding.EncodeToString(value)), nil
	case uuid.UUID:
		return appendString(to, value.String()), nil
	case variant.DecimalValue[decimal.Decimal32]:
		return appendDecimal(to, value.Value, value.Scale)
	case variant.DecimalValue[decimal.Decimal64]:
		return appendDecimal(to, value.Value, value.Scale)
	case variant.DecimalValue[decimal.Decimal128]:
		return appendDecimal(to, value.Value, value.Scale)
	case arrow.Date32:
		return appendString(to, dateOf(int32(value)).String()), nil
	case arrow.Time64:
		return appendString(to, time.UnixMicro(int64(value)).UTC().Format("15:04:05.999999")), nil
	case arrow.Timestamp:
		return appendString(to, timestampText(v.Type(), int64(value))), nil
	case variant.ArrayValue:
		return appendArray(to, value)
	case variant.ObjectValue:
		return appendObject(to, value)
	}
	return nil, fmt.Errorf("a variant that is a %T can't be read; cast it to string in the query", v.Value())
}

func timestampText(kind variant.Type, value int64) string {
	const nanos = "2006-01-02 15:04:05.999999999"
	switch kind {
	case variant.TimestampNanos:
		return time.Unix(0, value).UTC().Format(nanos) + "+00:00"
	case variant.TimestampNanosNTZ:
		return time.Unix(0, value).UTC().Format(nanos)
	case variant.TimestampMicros:
		return timestampNTZOf(value).String() + "+00:00"
	}
	return timestampNTZOf(value).String()
}

func appendArray(to []byte, array variant.ArrayValue) ([]byte, error) {
	to = append(to, '[')
	for i := range array.Len() {
		element, err := array.Value(i)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			to = append(to, ',')
		}
		if to, err = appendVariant(to, element); err != nil {
			return nil, err
		}
	}
	return append(to, ']'), nil
}

func appendObject(to []byte, object variant.ObjectValue) ([]byte, error) {
	to = append(to, '{')
	for i := range object.NumElements() {
		field, err := object.FieldAt(i)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendString(to, field.Key), ':')
		if to, err = appendVariant(to, field.Value); err != nil {
			return nil, err
		}
	}
	return append(to, '}'), nil
}

// appendDecimal leaves out the zeros at the end of a fraction.
func appendDecimal(to []byte, value interface{ ToString(scale int32) string }, scale uint8) ([]byte, error) {
	if scale > mostDigits {
		return nil, fmt.Errorf("a decimal with %d digits after the point; Spark's have at most %d", scale, mostDigits)
	}
	text := value.ToString(int32(scale))
	if scale > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return append(to, text...), nil
}

// appendFloat writes a floating-point number as Java does from version 19 on: the shortest text that is the number, of at least two
// digits. Earlier versions write some numbers with more digits.
func appendFloat(to []byte, f float64, bits int) []byte {
	switch size := math.Abs(f); {
	case math.IsNaN(f):
		return append(to, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(to, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(to, `"-Infinity"`...)
	case size == 0 || size >= 1e-3 && size < 1e7:
		start := len(to)
		to = strconv.AppendFloat(to, f, 'f', -1, bits)
		if !bytes.ContainsRune(to[start:], '.') {
			to = append(to, ".0"...)
		}
		return to
	}
	text := strconv.AppendFloat(nil, f, 'e', -1, bits)
	if !bytes.ContainsRune(text, '.') {
		text = strconv.AppendFloat(nil, f, 'e', 1, bits)
	}
	digits, exponent, _ := bytes.Cut(text, []byte("e"))
	power, _ := strconv.Atoi(string(exponent))
	return strconv.AppendInt(append(append(to, digits...), 'E'), int64(power), 10)
}

// appendString writes a JSON string in which only what must be is escaped.
func appendString(to []byte, text string) []byte {
	const hex = "0123456789ABCDEF"
	to = append(to, '"')
	for _, r := range text {
		switch r {
		case '"', '\\':
			to = append(to, '\\', byte(r))
		case '\b':
			to = append(to, `\b`...)
		case '\t':
			to = append(to, `\t`...)
		case '\n':
			to = append(to, `\n`...)
		case '\f':
			to = append(to, `\f`...)
		case '\r':
			to = append(to, `\r`...)
		default:
			if r < ' ' {
				to = append(to, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
			} else {
				to = append(to, string(r)...)
			}
		}
	}
	return append(to, '"')
}
