package spark

import (
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
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
		text := value.(string)
		if err := checkText(text); err != nil {
			return err
		}
		b.Append(text)
	case *array.BinaryBuilder:
		b.Append(value.([]byte))
	case *array.Decimal128Builder:
		number, err := value.(Decimal).arrow(b.Type().(*arrow.Decimal128Type))
		if err != nil {
			return err
		}
		b.Append(number)
	case *array.Date32Builder:
		days, err := value.(Date).days()
		if err != nil {
			return err
		}
		b.Append(arrow.Date32(days))
	case *array.TimestampBuilder:
		micros, err := timestampMicros(value)
		if err != nil {
			return err
		}
		b.Append(arrow.Timestamp(micros))
	case *array.DurationBuilder:
		micros, err := dayTimeMicros(value.(time.Duration))
		if err != nil {
			return err
		}
		b.Append(arrow.Duration(micros))
	case *array.MonthDayNanoIntervalBuilder:
		v := value.(CalendarInterval)
		nanos := v.Microseconds * 1000
		if nanos/1000 != v.Microseconds {
			return fmt.Errorf("an interval of %d microseconds is longer than the 292 years that a row can hold", v.Microseconds)
		}
		b.Append(arrow.MonthDayNanoInterval{Months: v.Months, Days: v.Days, Nanoseconds: nanos})
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

func timestampMicros(value any) (int64, error) {
	if local, ok := value.(TimestampNTZ); ok {
		return local.micros()
	}
	return instantMicros(value.(time.Time))
}
