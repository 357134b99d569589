package spark_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

func named(name string) *wire.Relation {
	return &wire.Relation{RelType: &wire.Relation_Read{Read: &wire.Read{ReadType: &wire.Read_NamedTable_{
		NamedTable: &wire.Read_NamedTable{UnparsedIdentifier: name},
	}}}}
}

func name(column string) *wire.Expression {
	return &wire.Expression{ExprType: &wire.Expression_UnresolvedAttribute_{
		UnresolvedAttribute: &wire.Expression_UnresolvedAttribute{UnparsedIdentifier: column},
	}}
}

func TestStepsAreSparksRelations(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	df, other, a := session.Table("t"), session.Table("u"), spark.Col("a")
	sorted := func(column string, direction wire.Expression_SortOrder_SortDirection, nulls wire.Expression_SortOrder_NullOrdering) *wire.Expression_SortOrder {
		return &wire.Expression_SortOrder{Child: name(column), Direction: direction, NullOrdering: nulls}
	}
	union := func(byName bool) *wire.Relation {
		return &wire.Relation{RelType: &wire.Relation_SetOp{SetOp: &wire.SetOperation{
			LeftInput: named("t"), RightInput: named("u"), SetOpType: wire.SetOperation_SET_OP_TYPE_UNION, IsAll: proto.Bool(true), ByName: &byName,
		}}}
	}
	join := func(j *wire.Join) *wire.Relation {
		j.Left, j.Right = named("t"), named("u")
		return &wire.Relation{RelType: &wire.Relation_Join{Join: j}}
	}
	for step, c := range map[string]struct {
		df       *spark.DataFrame
		expected *wire.Relation
	}{
		"select": {df.Select(a, spark.Col("b")), &wire.Relation{RelType: &wire.Relation_Project{
			Project: &wire.Project{Input: named("t"), Expressions: []*wire.Expression{name("a"), name("b")}},
		}}},
		"filter": {df.Filter(a), &wire.Relation{RelType: &wire.Relation_Filter{Filter: &wire.Filter{Input: named("t"), Condition: name("a")}}}},
		"with column": {df.WithColumn("x", a), &wire.Relation{RelType: &wire.Relation_WithColumns{WithColumns: &wire.WithColumns{
			Input: named("t"), Aliases: []*wire.Expression_Alias{{Expr: name("a"), Name: []string{"x"}}},
		}}}},
		"rename": {df.WithColumnRenamed("a", "b"), &wire.Relation{RelType: &wire.Relation_WithColumnsRenamed{WithColumnsRenamed: &wire.WithColumnsRenamed{
			Input: named("t"), Renames: []*wire.WithColumnsRenamed_Rename{{ColName: "a", NewColName: "b"}},
		}}}},
		"drop":  {df.Drop("a", "b"), &wire.Relation{RelType: &wire.Relation_Drop{Drop: &wire.Drop{Input: named("t"), ColumnNames: []string{"a", "b"}}}}},
		"to df": {df.ToDF("a", "b"), &wire.Relation{RelType: &wire.Relation_ToDf{ToDf: &wire.ToDF{Input: named("t"), ColumnNames: []string{"a", "b"}}}}},
		"alias": {df.Alias("x"), &wire.Relation{RelType: &wire.Relation_SubqueryAlias{SubqueryAlias: &wire.SubqueryAlias{Input: named("t"), Alias: "x"}}}},
		"aggregate": {df.GroupBy(a).Agg(spark.Col("b")), &wire.Relation{RelType: &wire.Relation_Aggregate{Aggregate: &wire.Aggregate{
			Input: named("t"), GroupType: wire.Aggregate_GROUP_TYPE_GROUPBY,
			GroupingExpressions: []*wire.Expression{name("a")}, AggregateExpressions: []*wire.Expression{name("b")},
		}}}},
		"sort": {df.OrderBy(a, spark.Col("b").Desc()), &wire.Relation{RelType: &wire.Relation_Sort{Sort: &wire.Sort{
			Input: named("t"), IsGlobal: proto.Bool(true), Order: []*wire.Expression_SortOrder{
				sorted("a", wire.Expression_SortOrder_SORT_DIRECTION_ASCENDING, wire.Expression_SortOrder_SORT_NULLS_FIRST),
				sorted("b", wire.Expression_SortOrder_SORT_DIRECTION_DESCENDING, wire.Expression_SortOrder_SORT_NULLS_LAST),
			},
		}}}},
		"join":          {df.Join(other, a, spark.LeftOuterJoin), join(&wire.Join{JoinCondition: name("a"), JoinType: wire.Join_JOIN_TYPE_LEFT_OUTER})},
		"join using":    {df.JoinUsing(other, spark.LeftAntiJoin, "a", "b"), join(&wire.Join{UsingColumns: []string{"a", "b"}, JoinType: wire.Join_JOIN_TYPE_LEFT_ANTI})},
		"cross join":    {df.CrossJoin(other), join(&wire.Join{JoinType: wire.Join_JOIN_TYPE_CROSS})},
		"union":         {df.Union(other), union(false)},
		"union by name": {df.UnionByName(other), union(true)},
		"distinct": {df.Distinct(), &wire.Relation{RelType: &wire.Relation_Deduplicate{Deduplicate: &wire.Deduplicate{
			Input: named("t"), AllColumnsAsKeys: proto.Bool(true), WithinWatermark: proto.Bool(false),
		}}}},
		"no rows": {session.CreateDataFrame(nil, "a INT"), &wire.Relation{RelType: &wire.Relation_LocalRelation{
			LocalRelation: &wire.LocalRelation{Schema: proto.String("a INT")},
		}}},
	} {
		if diff := diffPlan(c.expected, sent(t, server, c.df)); diff != "" {
			t.Errorf("%s (-expected +got):\n%s", step, diff)
		}
	}
	if got := texts(sent(t, server, df.SelectExpr("a", "b + 1")).GetProject().GetExpressions()); got != "sql(a), sql(b + 1)" {
		t.Errorf("select of SQL is %s", got)
	}
	if got := texts(sent(t, server, df.GroupBy().Count()).GetAggregate().GetAggregateExpressions()); got != "count(integer:1) AS count" {
		t.Errorf("count is %s", got)
	}
}

// TestColumnsOfTwoSidesAreToldApart holds that the column of a DataFrame names that DataFrame's relation.
func TestColumnsOfTwoSidesAreToldApart(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	left, right := session.Range(0, 3, 1), session.Range(1, 4, 1)
	join := sent(t, server, left.Join(right, left.Col("id").Eq(right.Col("id")), spark.InnerJoin)).GetJoin()
	sides := join.GetJoinCondition().GetUnresolvedFunction().GetArguments()
	for i, side := range []*wire.Relation{join.GetLeft(), join.GetRight()} {
		if side.GetCommon().PlanId == nil || sides[i].GetUnresolvedAttribute().GetPlanId() != side.GetCommon().GetPlanId() {
			t.Errorf("side %d: column of plan %v, relation of plan %v", i, sides[i].GetUnresolvedAttribute().PlanId, side.GetCommon().PlanId)
		}
	}
	if join.GetLeft().GetCommon().GetPlanId() == join.GetRight().GetCommon().GetPlanId() {
		t.Error("both sides have one number")
	}
}

func TestCountIsANumber(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	server.Execute(sparktest.Reply(scripted.Batch(t, 0, 7)), sparktest.Complete())
	if n, err := session.Table("t").Count(t.Context()); err != nil || n != 7 {
		t.Errorf("got %d and %v, expected 7", n, err)
	}
	server.Execute(sparktest.Done()...)
	if _, err := session.Table("t").Count(t.Context()); err == nil {
		t.Error("no row at all is no error")
	}
}
