package spark

import (
	"cmp"
	"errors"
	"strings"

	"realtime-election/spark/wire"
)

// Column is an expression over the columns of a DataFrame, such as Col("age").Ge(18). It is an immutable value. An operand
// may be another Column or a Go value, which stands for itself as in Lit. Nothing is checked until a DataFrame that uses the
// column is used: then a value without a literal is an error, and so is what the server finds wrong.
type Column struct {
	expression *wire.Expression
	err        error
}

// Col is a column by its name. A dot reads a field of a struct, backquotes keep a dot in a name, * is all columns and
// name.* all fields of a struct.
func Col(name string) Column { return attribute(name, nil) }

// Col is a column of this DataFrame, to tell it from one of the same name on the other side of a join.
func (df *DataFrame) Col(name string) Column { return attribute(name, df.relation.GetCommon().PlanId) }

func attribute(name string, planID *int64) Column {
	if name != "*" && !strings.HasSuffix(name, ".*") {
		return column(&wire.Expression{ExprType: &wire.Expression_UnresolvedAttribute_{
			UnresolvedAttribute: &wire.Expression_UnresolvedAttribute{UnparsedIdentifier: name, PlanId: planID},
		}})
	}
	star := &wire.Expression_UnresolvedStar{PlanId: planID}
	if name != "*" {
		star.UnparsedTarget = &name
	}
	return column(&wire.Expression{ExprType: &wire.Expression_UnresolvedStar_{UnresolvedStar: star}})
}

// Expr is a SQL expression, such as "amount * 1.21", "count(*) AS n" or "row_number() OVER (PARTITION BY shop ORDER BY at)".
func Expr(sql string) Column {
	return column(&wire.Expression{ExprType: &wire.Expression_ExpressionString_{
		ExpressionString: &wire.Expression_ExpressionString{Expression: sql},
	}})
}

func column(e *wire.Expression) Column { return Column{expression: e} }

// Alias names the column in the result.
func (c Column) Alias(name string) Column {
	return c.wrap(func(e *wire.Expression) *wire.Expression {
		return &wire.Expression{ExprType: &wire.Expression_Alias_{Alias: alias(e, name)}}
	})
}

func alias(e *wire.Expression, name string) *wire.Expression_Alias {
	return &wire.Expression_Alias{Expr: e, Name: []string{name}}
}

// Cast turns the column into a SQL type, such as "bigint" or "array<string>".
func (c Column) Cast(to string) Column {
	return c.wrap(func(e *wire.Expression) *wire.Expression {
		return &wire.Expression{ExprType: &wire.Expression_Cast_{
			Cast: &wire.Expression_Cast{Expr: e, CastToType: &wire.Expression_Cast_TypeStr{TypeStr: to}},
		}}
	})
}

// GetField reads a field of a struct; no character of its name is special.
func (c Column) GetField(name string) Column { return c.GetItem(name) }

// GetItem reads an element of an array by its position, from 0, or the value of a map's key.
func (c Column) GetItem(key any) Column {
	k := Lit(key)
	return Column{err: cmp.Or(c.err, k.err), expression: &wire.Expression{ExprType: &wire.Expression_UnresolvedExtractValue_{
		UnresolvedExtractValue: &wire.Expression_UnresolvedExtractValue{Child: c.expression, Extraction: k.expression},
	}}}
}

// Asc sorts by the column from low to high, nulls first.
func (c Column) Asc() Column {
	return c.sort(wire.Expression_SortOrder_SORT_DIRECTION_ASCENDING, wire.Expression_SortOrder_SORT_NULLS_FIRST)
}

// AscNullsLast sorts by the column from low to high, nulls last.
func (c Column) AscNullsLast() Column {
	return c.sort(wire.Expression_SortOrder_SORT_DIRECTION_ASCENDING, wire.Expression_SortOrder_SORT_NULLS_LAST)
}

// Desc sorts by the column from high to low, nulls last.
func (c Column) Desc() Column {
	return c.sort(wire.Expression_SortOrder_SORT_DIRECTION_DESCENDING, wire.Expression_SortOrder_SORT_NULLS_LAST)
}

// DescNullsFirst sorts by the column from high to low, nulls first.
func (c Column) DescNullsFirst() Column {
	return c.sort(wire.Expression_SortOrder_SORT_DIRECTION_DESCENDING, wire.Expression_SortOrder_SORT_NULLS_FIRST)
}

func (c Column) sort(direction wire.Expression_SortOrder_SortDirection, nulls wire.Expression_SortOrder_NullOrdering) Column {
	return c.wrap(func(e *wire.Expression) *wire.Expression {
		return &wire.Expression{ExprType: &wire.Expression_SortOrder_{
			SortOrder: &wire.Expression_SortOrder{Child: e, Direction: direction, NullOrdering: nulls},
		}}
	})
}

func (c Column) wrap(in func(*wire.Expression) *wire.Expression) Column {
	return Column{expression: in(c.expression), err: c.err}
}

// checked is the wire form of the column, or what is wrong with it.
func (c Column) checked() (*wire.Expression, error) {
	if c.expression == nil && c.err == nil {
		c.err = errors.New("a column is empty; make one with Col, Lit, Expr or Call")
	}
	return c.expression, c.err
}

// expressions are the wire form of columns, or what is wrong with the first bad one.
func expressions(columns []Column) ([]*wire.Expression, error) {
	list := make([]*wire.Expression, len(columns))
	for i, c := range columns {
		var err error
		if list[i], err = c.checked(); err != nil {
			return nil, err
		}
	}
	return list, nil
}
