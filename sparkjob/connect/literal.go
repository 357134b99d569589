package connect

import (
	"fmt"
	"math"
	"time"

	"realtime-election/sparkjob/connect/wire"
)

// literal turns a Go value into Spark's literal of the same type.
func literal(value any) (*wire.Expression_Literal, error) {
	l := &wire.Expression_Literal{}
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
		l.LiteralType = &wire.Expression_Literal_String_{String_: v}
	case []byte:
		l.LiteralType = &wire.Expression_Literal_Binary{Binary: v}
	case Decimal:
		l.LiteralType = &wire.Expression_Literal_Decimal_{Decimal: &wire.Expression_Literal_Decimal{Value: string(v)}}
	case Date:
		l.LiteralType = &wire.Expression_Literal_Date{Date: v.days()}
	case time.Time:
		l.LiteralType = &wire.Expression_Literal_Timestamp{Timestamp: v.UnixMicro()}
	case time.Duration:
		l.LiteralType = &wire.Expression_Literal_DayTimeInterval{DayTimeInterval: v.Microseconds()}
	default:
		return nil, fmt.Errorf("a %T has no SQL literal; pass a bool, number, string, []byte, Decimal, Date, time.Time, time.Duration or nil", value)
	}
	return l, nil
}
