package spark

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// cell copies the i-th value of an Arrow column into the Go type that Row documents. Nothing of it aliases the column.
func cell(column arrow.Array, i int) (any, error) {
	if column.IsNull(i) {
		return nil, nil
	}
	switch a := column.(type) {
	case *array.Null:
		return nil, nil
	case *array.Boolean:
		return a.Value(i), nil
	case *array.Int8:
		return a.Value(i), nil
	case *array.Int16:
		return a.Value(i), nil
	case *array.Int32:
		return a.Value(i), nil
	case *array.Int64:
		return a.Value(i), nil
	case *array.Float32:
		return a.Value(i), nil
	case *array.Float64:
		return a.Value(i), nil
	case *array.String:
		return string([]byte(a.Value(i))), nil
	case *array.LargeString:
		return string([]byte(a.Value(i))), nil
	case *array.Binary:
		return bytes.Clone(a.Value(i)), nil
	case *array.LargeBinary:
		return bytes.Clone(a.Value(i)), nil
	case *array.Decimal128:
		return Decimal(a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)), nil
	case *array.Date32:
		return dateOf(int32(a.Value(i))), nil
	case *array.Timestamp:
		kind := a.DataType().(*arrow.TimestampType)
		at := a.Value(i).ToTime(kind.Unit).UTC()
		if kind.TimeZone == "" {
			return TimestampNTZOf(at), nil
		}
		return at, nil
	case *array.Duration:
		return durationOf(int64(a.Value(i)), a.DataType().(*arrow.DurationType).Unit.Multiplier())
	case *array.Time64:
		return durationOf(int64(a.Value(i)), a.DataType().(*arrow.Time64Type).Unit.Multiplier())
	case *array.MonthInterval:
		return int32(a.Value(i)), nil
	case *array.MonthDayNanoInterval:
		v := a.Value(i)
		return CalendarInterval{Months: v.Months, Days: v.Days, Microseconds: v.Nanoseconds / 1000}, nil
	case *array.Map:
		return mapCell(a, i)
	case *array.List:
		start, end := a.ValueOffsets(i)
		return listCell(a.ListValues(), start, end)
	case *array.LargeList:
		start, end := a.ValueOffsets(i)
		return listCell(a.ListValues(), start, end)
	case *array.Struct:
		if isVariant(a) {
			return variantCell(a, i)
		}
		return structCell(a, i)
	}
	return nil, fmt.Errorf("values of type %s can't be read; cast them to string in the query", column.DataType())
}

func listCell(values arrow.Array, start, end int64) (any, error) {
	if start < 0 || end < start || end > int64(values.Len()) {
		return nil, fmt.Errorf("%w: a list outside its values", errMalformed)
	}
	list := make([]any, 0, end-start)
	for i := start; i < end; i++ {
		value, err := cell(values, int(i))
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

func mapCell(a *array.Map, i int) (any, error) {
	start, end := a.ValueOffsets(i)
	if start < 0 || end < start || end > int64(a.Keys().Len()) {
		return nil, fmt.Errorf("%w: a map outside its keys", errMalformed)
	}
	m := make(Map, 0, end-start)
	for j := start; j < end; j++ {
		key, err := cell(a.Keys(), int(j))
		if err != nil {
			return nil, err
		}
		value, err := cell(a.Items(), int(j))
		if err != nil {
			return nil, err
		}
		m = append(m, Entry{Key: key, Value: value})
	}
	return m, nil
}

func structCell(a *array.Struct, i int) (any, error) {
	fields := a.DataType().(*arrow.StructType).Fields()
	row := Row{names: make([]string, len(fields)), values: make([]any, len(fields))}
	for f, field := range fields {
		value, err := cell(a.Field(f), i)
		if err != nil {
			return nil, err
		}
		row.names[f], row.values[f] = field.Name, value
	}
	return row, nil
}
