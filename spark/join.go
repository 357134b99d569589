package spark

import (
	"cmp"
	"errors"

	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// JoinType says which rows without a match a join keeps.
type JoinType int32

// Spark's joins. The semi join keeps the left rows that have a match and the anti join those that have none, both without
// the right columns.
const (
	InnerJoin      = JoinType(wire.Join_JOIN_TYPE_INNER)
	FullOuterJoin  = JoinType(wire.Join_JOIN_TYPE_FULL_OUTER)
	LeftOuterJoin  = JoinType(wire.Join_JOIN_TYPE_LEFT_OUTER)
	RightOuterJoin = JoinType(wire.Join_JOIN_TYPE_RIGHT_OUTER)
	LeftSemiJoin   = JoinType(wire.Join_JOIN_TYPE_LEFT_SEMI)
	LeftAntiJoin   = JoinType(wire.Join_JOIN_TYPE_LEFT_ANTI)
)

// Join pairs the rows for which a condition over both sides is true. Columns of the same name are told apart by each
// DataFrame's Col, or by Alias: left.Join(right, left.Col("id").Eq(right.Col("id")), spark.LeftOuterJoin).
func (df *DataFrame) Join(other *DataFrame, on Column, kind JoinType) *DataFrame {
	e, err := on.checked()
	return df.join(other, &wire.Join{JoinCondition: e, JoinType: wire.Join_JoinType(kind)}, err)
}

// JoinUsing pairs the rows that are equal in columns that both sides have, which come once in the result.
func (df *DataFrame) JoinUsing(other *DataFrame, kind JoinType, columns ...string) *DataFrame {
	return df.join(other, &wire.Join{UsingColumns: columns, JoinType: wire.Join_JoinType(kind)}, nil)
}

// CrossJoin pairs every row with every row of the other.
func (df *DataFrame) CrossJoin(other *DataFrame) *DataFrame {
	return df.join(other, &wire.Join{JoinType: wire.Join_JOIN_TYPE_CROSS}, nil)
}

func (df *DataFrame) join(other *DataFrame, join *wire.Join, err error) *DataFrame {
	join.Left, join.Right = df.relation, other.relation
	return df.then("join", &wire.Relation{RelType: &wire.Relation_Join{Join: join}}, cmp.Or(df.checkCombinable(other), err))
}

// Union puts the rows of the other below, by position of the columns; duplicates stay.
func (df *DataFrame) Union(other *DataFrame) *DataFrame { return df.union(other, false) }

// UnionByName is Union by name of the columns.
func (df *DataFrame) UnionByName(other *DataFrame) *DataFrame { return df.union(other, true) }

func (df *DataFrame) union(other *DataFrame, byName bool) *DataFrame {
	return df.then("union", &wire.Relation{RelType: &wire.Relation_SetOp{SetOp: &wire.SetOperation{
		LeftInput: df.relation, RightInput: other.relation, SetOpType: wire.SetOperation_SET_OP_TYPE_UNION,
		IsAll: proto.Bool(true), ByName: &byName,
	}}}, df.checkCombinable(other))
}

// checkCombinable returns what keeps two DataFrames from being parts of one plan.
func (df *DataFrame) checkCombinable(other *DataFrame) error {
	if df.session != other.session {
		return errors.New("the DataFrames are of two sessions; make both from one")
	}
	return other.err
}
