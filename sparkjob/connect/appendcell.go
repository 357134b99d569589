package connect

import (
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// appendCell is the reverse of cell. The builder is of the type that arrowType found for the value.
func appendCell(to array.Builder, value any) error {
	if value == nil {
		to.AppendNull()
		return nil
	}
	switch b := to.(type) {
	case *array.BooleanBuilder:
		b.Append(value.(bool))
	case *array.Int8Builder:
		b.Append(value.(int8))
	case *array.Int16Builder:
		b.Append(value.(int16))
	case *array.Int32Builder:
		b.Append(value.(int32))
	case *array.Int64Builder:
		if n, ok := value.(int); ok {
			value = int64(n)
		}
		b.Append(value.(int64))
	case *array.Float32Builder:
		b.Append(value.(float32))
	case *array.Float64Builder:
		b.Append(value.(float64))
	case *array.StringBuilder:
		b.Append(value.(string))
	case *array.BinaryBuilder:
		b.Append(value.([]byte))
	case *array.Decimal128Builder:
		kind := b.Type().(*arrow.Decimal128Type)
		number, err := decimal128.FromString(string(value.(Decimal)), kind.Precision, kind.Scale)
		if err != nil {
			return fmt.Errorf("read decimal %s: %w", value, err)
		}
		b.Append(number)
	case *array.Date32Builder:
		b.Append(arrow.Date32(value.(Date).days()))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(value.(time.Time).UnixMicro()))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(value.(time.Duration).Microseconds()))
	case *array.MonthDayNanoIntervalBuilder:
		v := value.(CalendarInterval)
		b.Append(arrow.MonthDayNanoInterval{Months: v.Months, Days: v.Days, Nanoseconds: v.Microseconds * 1000})
	case *array.MapBuilder:
		b.Append(true)
		for _, entry := range value.(Map) {
			if entry.Key == nil {
				return errors.New("a map's key is nil")
			}
			if err := errors.Join(appendCell(b.KeyBuilder(), entry.Key), appendCell(b.ItemBuilder(), entry.Value)); err != nil {
				return err
			}
		}
	case *array.ListBuilder:
		b.Append(true)
		list, _ := slice(value)
		for _, element := range list {
			if err := appendCell(b.ValueBuilder(), element); err != nil {
				return err
			}
		}
	case *array.StructBuilder:
		b.Append(true)
		for f, field := range value.(Row).values {
			if err := appendCell(b.FieldBuilder(f), field); err != nil {
				return err
			}
		}
	}
	return nil
}
