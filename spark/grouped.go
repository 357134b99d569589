package spark

import (
	"cmp"
	"context"
	"fmt"

	"realtime-election/spark/wire"
)

// GroupedData is a DataFrame in groups, to be aggregated.
type GroupedData struct {
	df   *DataFrame
	keys []Column
}

// GroupBy puts the rows into groups that are equal in the columns; without a column all rows are one group.
func (df *DataFrame) GroupBy(columns ...Column) *GroupedData {
	return &GroupedData{df: df, keys: columns}
}

// Agg gives one row for each group: its columns, then the aggregates. On a stream with a watermark, a group that has the
// watermarked column or a Window of it among its columns is forgotten once the watermark has passed it.
func (g *GroupedData) Agg(aggregates ...Column) *DataFrame {
	keys, inKeys := expressions(g.keys)
	list, inList := expressions(aggregates)
	return g.df.then("aggregate", &wire.Relation{RelType: &wire.Relation_Aggregate{Aggregate: &wire.Aggregate{
		Input: g.df.relation, GroupType: wire.Aggregate_GROUP_TYPE_GROUPBY, GroupingExpressions: keys, AggregateExpressions: list,
	}}}, cmp.Or(inKeys, inList))
}

// Count gives the number of rows of each group as the column count.
func (g *GroupedData) Count() *DataFrame { return g.Agg(Count(Col("*")).Alias("count")) }

// Count runs the plan and returns its number of rows.
func (df *DataFrame) Count(ctx context.Context) (int64, error) {
	rows, err := df.GroupBy().Count().Collect(ctx)
	if err != nil {
		return 0, err
	}
	if len(rows) == 1 && rows[0].Len() == 1 {
		if n, ok := rows[0].At(0).(int64); ok {
			return n, nil
		}
	}
	return 0, fmt.Errorf("count the rows: the server answered with %d rows, expected one number", len(rows))
}
