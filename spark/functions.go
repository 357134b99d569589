package spark

import (
	"errors"
	"time"

	"realtime-election/spark/wire"
)

// Call is any of Spark's functions, or one of the session or the catalog, by its name in SQL: Call("upper", Col("name")).
func Call(name string, args ...Column) Column {
	list, err := expressions(args)
	return Column{err: err, expression: &wire.Expression{ExprType: &wire.Expression_CallFunction{
		CallFunction: &wire.CallFunction{FunctionName: name, Arguments: list},
	}}}
}

// function is one of Spark's own, by a name that SQL's parser need not know, such as ==.
func function(name string, args ...Column) Column { return unresolved(name, false, args) }

func unresolved(name string, distinct bool, args []Column) Column {
	list, err := expressions(args)
	return Column{err: err, expression: &wire.Expression{ExprType: &wire.Expression_UnresolvedFunction_{
		UnresolvedFunction: &wire.Expression_UnresolvedFunction{FunctionName: name, Arguments: list, IsDistinct: distinct},
	}}}
}

// Count counts the rows in which the column is not null; Count(Col("*")) counts all rows.
func Count(c Column) Column {
	if c.expression.GetUnresolvedStar() != nil {
		c = Lit(1)
	}
	return function("count", c)
}

// CountDistinct counts the different values of the column, or the combinations of several, without nulls.
func CountDistinct(columns ...Column) Column { return unresolved("count", true, columns) }

// Sum adds the column up.
func Sum(c Column) Column { return function("sum", c) }

// Avg is the mean of the column.
func Avg(c Column) Column { return function("avg", c) }

// Min is the least value of the column.
func Min(c Column) Column { return function("min", c) }

// Max is the greatest value of the column.
func Max(c Column) Column { return function("max", c) }

// Window puts a timestamp into windows of a length that start every slide, a struct of start and end to group by. A slide
// of the same length makes them follow each other; a shorter one overlaps them, so that a row counts in several.
func Window(timestamp Column, length, slide time.Duration) Column {
	return function("window", timestamp, Lit(intervalText(length)), Lit(intervalText(slide)))
}

// When is the value where the condition is true. More conditions follow by the method When, the value where none is true
// by Otherwise, which is null if left out.
func When(condition Column, value any) Column { return function("when", condition, Lit(value)) }

// When adds a condition to a When; the first that is true decides.
func (c Column) When(condition Column, value any) Column {
	return c.branch("When", condition, Lit(value))
}

// Otherwise ends a When with the value where no condition is true.
func (c Column) Otherwise(value any) Column { return c.branch("Otherwise", Lit(value)) }

func (c Column) branch(method string, args ...Column) Column {
	call := c.expression.GetUnresolvedFunction()
	if c.err == nil && (call.GetFunctionName() != "when" || len(call.GetArguments())%2 != 0) {
		c.err = errors.New(method + " follows only a When that no Otherwise has ended")
	}
	if c.err != nil {
		return c
	}
	all := make([]Column, len(call.GetArguments()), len(call.GetArguments())+len(args))
	for i, e := range call.GetArguments() {
		all[i] = column(e)
	}
	return function("when", append(all, args...)...)
}
