package spark

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
	case *array.BinaryBuilder:
		b.Append(value.([]byte))
	case *array.MapBuilder:
		return appendMap(b, value.(Map))
	case *array.ListBuilder:
		return appendList(b, value)
	case *array.StructBuilder:
		return appendStruct(b, value.(Row))
	default:
		return appendChecked(to, value)
	}
	return nil
}

// appendChecked appends a value of a type that holds more in Go than in Spark, or refuses it.
func appendChecked(to array.Builder, value any) (err error) {
	switch b := to.(type) {
	case *array.StringBuilder:
		text := value.(string)
		if err = checkText(text); err == nil {
			b.Append(text)
		}
	case *array.Decimal128Builder:
		var number decimal128.Num
		if number, err = value.(Decimal).arrow(b.Type().(*arrow.Decimal128Type)); err == nil {
			b.Append(number)
		}
	case *array.Date32Builder:
		var days int32
		if days, err = value.(Date).days(); err == nil {
			b.Append(arrow.Date32(days))
		}
	case *array.TimestampBuilder:
		var micros int64
		if micros, err = timestampMicros(value); err == nil {
			b.Append(arrow.Timestamp(micros))
		}
	case *array.DurationBuilder:
		var micros int64
		if micros, err = dayTimeMicros(value.(time.Duration)); err == nil {
			b.Append(arrow.Duration(micros))
		}
	case *array.MonthDayNanoIntervalBuilder:
		var interval arrow.MonthDayNanoInterval
		if interval, err = value.(CalendarInterval).arrow(); err == nil {
			b.Append(interval)
		}
	}
	return err
}

func timestampMicros(value any) (int64, error) {
	if local, ok := value.(TimestampNTZ); ok {
		return local.micros()
	}
	return instantMicros(value.(time.Time))
}

// arrow is the interval with nanoseconds in the place of microseconds.
func (v CalendarInterval) arrow() (arrow.MonthDayNanoInterval, error) {
	nanos := v.Microseconds * 1000
	if nanos/1000 != v.Microseconds {
		return arrow.MonthDayNanoInterval{}, fmt.Errorf("an interval of %d microseconds is longer than the 292 years that a row can hold", v.Microseconds)
	}
	return arrow.MonthDayNanoInterval{Months: v.Months, Days: v.Days, Nanoseconds: nanos}, nil
}

func appendMap(to *array.MapBuilder, entries Map) error {
	to.Append(true)
	for _, entry := range entries {
		if entry.Key == nil {
			return errors.New("a map's key is nil")
		}
		if err := errors.Join(appendCell(to.KeyBuilder(), entry.Key), appendCell(to.ItemBuilder(), entry.Value)); err != nil {
			return err
		}
	}
	return nil
}

// appendList appends a slice of any type.
func appendList(to *array.ListBuilder, value any) error {
	to.Append(true)
	list, _ := slice(value)
	for _, element := range list {
		if err := appendCell(to.ValueBuilder(), element); err != nil {
			return err
		}
	}
	return nil
}

func appendStruct(to *array.StructBuilder, row Row) error {
	to.Append(true)
	for f, field := range row.values {
		if err := appendCell(to.FieldBuilder(f), field); err != nil {
			return err
		}
	}
	return nil
}
