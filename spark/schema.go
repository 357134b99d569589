package spark

import (
	"context"
	"fmt"
	"strings"

	"realtime-election/spark/wire"
)

// Schema is the columns of a DataFrame, in order.
type Schema []Field

// Field is one column. Type is Spark's own short name of it: bigint, decimal(10,2), array<string>, struct<a:int>.
type Field struct {
	Name     string
	Type     string
	Nullable bool
}

// Schema asks the server for the columns, which checks the plan without running it.
func (df *DataFrame) Schema(ctx context.Context) (Schema, error) {
	response, err := df.analyze(ctx, func(r *wire.AnalyzePlanRequest, plan *wire.Plan) {
		r.Analyze = &wire.AnalyzePlanRequest_Schema_{Schema: &wire.AnalyzePlanRequest_Schema{Plan: plan}}
	})
	if err != nil {
		return nil, fmt.Errorf("ask for the schema: %w", err)
	}
	var schema Schema
	for _, f := range response.GetSchema().GetSchema().GetStruct().GetFields() {
		schema = append(schema, Field{Name: f.GetName(), Type: typeName(f.GetDataType()), Nullable: f.GetNullable()})
	}
	return schema, nil
}

// typeName writes a type as Spark's simpleString does.
func typeName(t *wire.DataType) string {
	switch kind := t.GetKind().(type) {
	case *wire.DataType_Null:
		return "void"
	case *wire.DataType_Binary_:
		return "binary"
	case *wire.DataType_Boolean_:
		return "boolean"
	case *wire.DataType_Byte_:
		return "tinyint"
	case *wire.DataType_Short_:
		return "smallint"
	case *wire.DataType_Integer_:
		return "int"
	case *wire.DataType_Long_:
		return "bigint"
	case *wire.DataType_Float_:
		return "float"
	case *wire.DataType_Double_:
		return "double"
	case *wire.DataType_Decimal_:
		return fmt.Sprintf("decimal(%d,%d)", kind.Decimal.GetPrecision(), kind.Decimal.GetScale())
	case *wire.DataType_String_:
		if collation := kind.String_.GetCollation(); collation != "" && collation != "UTF8_BINARY" {
			return "string collate " + collation
		}
		return "string"
	case *wire.DataType_Char_:
		return fmt.Sprintf("char(%d)", kind.Char.GetLength())
	case *wire.DataType_VarChar_:
		return fmt.Sprintf("varchar(%d)", kind.VarChar.GetLength())
	case *wire.DataType_Date_:
		return "date"
	case *wire.DataType_Timestamp_:
		return "timestamp"
	case *wire.DataType_TimestampNtz:
		return "timestamp_ntz"
	case *wire.DataType_Time_:
		return fmt.Sprintf("time(%d)", kind.Time.GetPrecision())
	case *wire.DataType_CalendarInterval_:
		return "interval"
	case *wire.DataType_YearMonthInterval_:
		return "interval " + intervalUnits(kind.YearMonthInterval.GetStartField(), kind.YearMonthInterval.GetEndField(), "year", "month")
	case *wire.DataType_DayTimeInterval_:
		return "interval " + intervalUnits(kind.DayTimeInterval.GetStartField(), kind.DayTimeInterval.GetEndField(), "day", "hour", "minute", "second")
	case *wire.DataType_Array_:
		return "array<" + typeName(kind.Array.GetElementType()) + ">"
	case *wire.DataType_Map_:
		return "map<" + typeName(kind.Map.GetKeyType()) + "," + typeName(kind.Map.GetValueType()) + ">"
	case *wire.DataType_Struct_:
		parts := make([]string, len(kind.Struct.GetFields()))
		for i, f := range kind.Struct.GetFields() {
			parts[i] = f.GetName() + ":" + typeName(f.GetDataType())
		}
		return "struct<" + strings.Join(parts, ",") + ">"
	case *wire.DataType_Variant_:
		return "variant"
	case *wire.DataType_Udt:
		return typeName(kind.Udt.GetSqlType())
	case *wire.DataType_Geometry_:
		return fmt.Sprintf("geometry(%d)", kind.Geometry.GetSrid())
	case *wire.DataType_Geography_:
		return fmt.Sprintf("geography(%d)", kind.Geography.GetSrid())
	case *wire.DataType_Unparsed_:
		return kind.Unparsed.GetDataTypeString()
	}
	return "unknown"
}

// intervalUnits names the units of an interval from the first to the last.
func intervalUnits(start, end int32, units ...string) string {
	if int(start) >= len(units) || int(end) >= len(units) || start < 0 || end < 0 {
		return "unknown"
	}
	if start == end {
		return units[start]
	}
	return units[start] + " to " + units[end]
}
