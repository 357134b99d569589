package spark

import (
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode/utf8"

	"realtime-election/spark/wire"
)

// Lit is a Go value as a column: a bool, number, string, []byte, Decimal, Date, time.Time, TimestampNTZ, time.Duration,
// CalendarInterval, Variant, or nil, slices of them, a Map or a Row. A Column is itself. Spark counts time in microseconds: what a
// time.Time has below them is left out, and a time.Duration that has anything below them is a mistake, as is any value that Spark has
// no form for, such as the 30th of February.
func Lit(value any) Column {
	switch v := value.(type) {
	case Column:
		return v
	case Variant:
		return function("parse_json", Lit(string(v)))
	case Map:
		var entries []Column
		for _, entry := range v {
			entries = append(entries, Lit(entry.Key), Lit(entry.Value))
		}
		return function("map", entries...)
	case Row:
		var fields []Column
		for i, name := range v.names {
			fields = append(fields, Lit(name), Lit(v.values[i]))
		}
		return function("named_struct", fields...)
	}
	if list, ok := slice(value); ok {
		return function("array", literals(list)...)
	}
	l, err := literal(value)
	if err != nil {
		return Column{err: err}
	}
	return column(&wire.Expression{ExprType: &wire.Expression_Literal_{Literal: l}})
}

func literals(values []any) []Column {
	columns := make([]Column, len(values))
	for i, value := range values {
		columns[i] = Lit(value)
	}
	return columns
}

// slice holds the elements of what is an array to Spark.
func slice(value any) ([]any, bool) {
	v := reflect.ValueOf(value)
	if _, isMap := value.(Map); isMap || v.Kind() != reflect.Slice || v.Type().Elem().Kind() == reflect.Uint8 {
		return nil, false
	}
	list := make([]any, v.Len())
	for i := range list {
		list[i] = v.Index(i).Interface()
	}
	return list, true
}

// literal turns a Go value into Spark's literal of the same type.
func literal(value any) (*wire.Expression_Literal, error) {
	l := &wire.Expression_Literal{}
	var err error
	switch v := value.(type) {
	case nil:
		l.LiteralType = &wire.Expression_Literal_Null{Null: &wire.DataType{Kind: &wire.DataType_Null{Null: &wire.DataType_NULL{}}}}
	case bool:
		l.LiteralType = &wire.Expression_Literal_Boolean{Boolean: v}
	case int8:
		l.LiteralType = &wire.Expression_Literal_Byte{Byte: int32(v)}
	case int16:
		l.LiteralType = &wire.Expression_Literal_Short{Short: int32(v)}
	case int32:
		l.LiteralType = &wire.Expression_Literal_Integer{Integer: v}
	case int:
		if v >= math.MinInt32 && v <= math.MaxInt32 {
			l.LiteralType = &wire.Expression_Literal_Integer{Integer: int32(v)}
		} else {
			l.LiteralType = &wire.Expression_Literal_Long{Long: int64(v)}
		}
	case int64:
		l.LiteralType = &wire.Expression_Literal_Long{Long: v}
	case float32:
		l.LiteralType = &wire.Expression_Literal_Float{Float: v}
	case float64:
		l.LiteralType = &wire.Expression_Literal_Double{Double: v}
	case string:
		l.LiteralType, err = &wire.Expression_Literal_String_{String_: v}, checkText(v)
	case []byte:
		l.LiteralType = &wire.Expression_Literal_Binary{Binary: v}
	case Decimal:
		_, err = v.number()
		l.LiteralType = &wire.Expression_Literal_Decimal_{Decimal: &wire.Expression_Literal_Decimal{Value: string(v)}}
	case Date:
		var days int32
		days, err = v.days()
		l.LiteralType = &wire.Expression_Literal_Date{Date: days}
	case time.Time:
		var micros int64
		micros, err = instantMicros(v)
		l.LiteralType = &wire.Expression_Literal_Timestamp{Timestamp: micros}
	case TimestampNTZ:
		var micros int64
		micros, err = v.micros()
		l.LiteralType = &wire.Expression_Literal_TimestampNtz{TimestampNtz: micros}
	case time.Duration:
		var micros int64
		micros, err = dayTimeMicros(v)
		l.LiteralType = &wire.Expression_Literal_DayTimeInterval{DayTimeInterval: micros}
	case CalendarInterval:
		l.LiteralType = &wire.Expression_Literal_CalendarInterval_{CalendarInterval: &wire.Expression_Literal_CalendarInterval{
			Months: v.Months, Days: v.Days, Microseconds: v.Microseconds,
		}}
	default:
		err = fmt.Errorf("a %T has no SQL literal; pass a bool, number, string, []byte, Decimal, Date, time.Time, TimestampNTZ, time.Duration, CalendarInterval or nil", value)
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// checkText refuses a string that Spark would not give back.
func checkText(text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("the string %.60q is not UTF-8; pass a []byte, Spark's binary", text)
	}
	return nil
}
