package spark

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"realtime-election/spark/wire"
)

// CreateDataFrame is a DataFrame of rows that the program has itself, for lookup tables and tests: they travel in the plan
// each time it is used. The schema is DDL, such as "name STRING, age INT"; the values are of the types of Lit but for
// Variant, those of a column all of one type or nil, and Spark turns numbers into the schema's. A value that does not fit is an error
// when the DataFrame is used, but that Spark rounds a float64 which the schema calls a decimal or an integer. A time.Time becomes a column of TIMESTAMP_NTZ as what a clock
// in the session's zone shows; a TimestampNTZ becomes it as it is.
func (s *Session) CreateDataFrame(rows [][]any, schema string) *DataFrame {
	local := &wire.LocalRelation{Schema: &schema}
	var err error
	if len(rows) > 0 {
		local.Data, err = encode(rows, parseDDL(schema))
	}
	df := s.relation(&wire.Relation{RelType: &wire.Relation_LocalRelation{LocalRelation: local}})
	if err != nil {
		df.err = fmt.Errorf("create a DataFrame: %w", err)
	}
	return df
}

// encode writes rows as an Arrow IPC stream, decimals in the schema's types.
func encode(rows [][]any, ddl ddlType) ([]byte, error) {
	width := len(rows[0])
	fields, columns := make([]arrow.Field, width), make([][]any, width)
	for i, row := range rows {
		if len(row) != width {
			return nil, fmt.Errorf("row %d has %d values, the first has %d", i+1, len(row), width)
		}
		for c, value := range row {
			columns[c] = append(columns[c], value)
		}
	}
	for c, values := range columns {
		kind, err := arrowType(values, ddl.at(c))
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", c+1, err)
		}
		fields[c] = arrow.Field{Name: fmt.Sprintf("_%d", c+1), Type: kind, Nullable: slices.Contains(values, nil)}
	}
	schema := arrow.NewSchema(fields, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	for c, values := range columns {
		for i, value := range values {
			if err := appendCell(builder.Field(c), value); err != nil {
				return nil, fmt.Errorf("row %d, column %d: %w", i+1, c+1, err)
			}
		}
	}
	batch := builder.NewRecordBatch()
	defer batch.Release()
	var data bytes.Buffer
	writer := ipc.NewWriter(&data, ipc.WithSchema(schema))
	if err := writer.Write(batch); err != nil {
		return nil, err
	}
	return data.Bytes(), writer.Close()
}

// scalars are the Arrow types of Go's, but for Decimal, whose type depends on the values.
var scalars = map[reflect.Type]arrow.DataType{
	reflect.TypeFor[bool]():             arrow.FixedWidthTypes.Boolean,
	reflect.TypeFor[int8]():             arrow.PrimitiveTypes.Int8,
	reflect.TypeFor[int16]():            arrow.PrimitiveTypes.Int16,
	reflect.TypeFor[int32]():            arrow.PrimitiveTypes.Int32,
	reflect.TypeFor[int64]():            arrow.PrimitiveTypes.Int64,
	reflect.TypeFor[int]():              arrow.PrimitiveTypes.Int64,
	reflect.TypeFor[float32]():          arrow.PrimitiveTypes.Float32,
	reflect.TypeFor[float64]():          arrow.PrimitiveTypes.Float64,
	reflect.TypeFor[string]():           arrow.BinaryTypes.String,
	reflect.TypeFor[[]byte]():           arrow.BinaryTypes.Binary,
	reflect.TypeFor[Date]():             arrow.FixedWidthTypes.Date32,
	reflect.TypeFor[time.Time]():        arrow.FixedWidthTypes.Timestamp_us,
	reflect.TypeFor[TimestampNTZ]():     &arrow.TimestampType{Unit: arrow.Microsecond},
	reflect.TypeFor[time.Duration]():    arrow.FixedWidthTypes.Duration_us,
	reflect.TypeFor[CalendarInterval](): arrow.FixedWidthTypes.MonthDayNanoInterval,
}

// arrowType is the one type of all values of a column, of which the schema says this.
func arrowType(values []any, ddl ddlType) (arrow.DataType, error) {
	var first any
	var elements, keys, items []any
	for _, value := range values {
		if value == nil {
			continue
		}
		if first == nil {
			first = value
		}
		if reflect.TypeOf(value) != reflect.TypeOf(first) {
			return nil, fmt.Errorf("a %T beside a %T", value, first)
		}
		if m, ok := value.(Map); ok {
			for _, entry := range m {
				keys, items = append(keys, entry.Key), append(items, entry.Value)
			}
		} else if list, ok := slice(value); ok {
			elements = append(elements, list...)
		}
	}
	switch first := first.(type) {
	case nil:
		return arrow.Null, nil
	case Map:
		key, err := arrowType(keys, ddl.at(0))
		if err != nil {
			return nil, fmt.Errorf("keys of a map: %w", err)
		}
		item, err := arrowType(items, ddl.at(1))
		if err != nil {
			return nil, fmt.Errorf("values of a map: %w", err)
		}
		return arrow.MapOf(key, item), nil
	case Row:
		return rowType(first, values, ddl)
	case Decimal:
		if ddl.decimal != nil {
			return ddl.decimal, nil
		}
		return decimalType(values)
	}
	if kind, ok := scalars[reflect.TypeOf(first)]; ok {
		return kind, nil
	}
	if _, ok := slice(first); ok {
		element, err := arrowType(elements, ddl.at(0))
		if err != nil {
			return nil, fmt.Errorf("elements of an array: %w", err)
		}
		return arrow.ListOf(element), nil
	}
	return nil, fmt.Errorf("a %T is none of Spark's types", first)
}

func rowType(first Row, values []any, ddl ddlType) (arrow.DataType, error) {
	fields := make([]arrow.Field, first.Len())
	for f, name := range first.names {
		var column []any
		for _, value := range values {
			if row, ok := value.(Row); ok {
				if row.Len() != first.Len() {
					return nil, fmt.Errorf("a struct of %d fields beside one of %d", row.Len(), first.Len())
				}
				column = append(column, row.values[f])
			}
		}
		kind, err := arrowType(column, ddl.at(f))
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
		fields[f] = arrow.Field{Name: name, Type: kind, Nullable: slices.Contains(column, nil)}
	}
	return arrow.StructOf(fields...), nil
}
