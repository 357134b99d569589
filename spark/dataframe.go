package spark

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"realtime-election/spark/wire"
)

// DataFrame is a query not yet run: a plan that grows with each method and goes to the server when something is asked of
// it. It is immutable and safe for concurrent use. Mistakes in a plan show when it is used.
type DataFrame struct {
	session  *Session
	relation *wire.Relation
	err      error // of a column or value in the plan, told when the plan is used
}

// relation numbers a relation, as Spark's own clients do, and makes it a DataFrame.
func (s *Session) relation(r *wire.Relation) *DataFrame {
	id := s.planIDs.Add(1)
	r.Common = &wire.RelationCommon{PlanId: &id}
	return &DataFrame{session: s, relation: r}
}

// then is a DataFrame of one more step, which carries the first mistake made on the way to it.
func (df *DataFrame) then(step string, r *wire.Relation, err error) *DataFrame {
	next := df.session.relation(r)
	if err != nil {
		err = fmt.Errorf("%s: %w", step, err)
	}
	next.err = cmp.Or(df.err, err)
	return next
}

// Table is a table or view by its name.
func (s *Session) Table(name string) *DataFrame { return s.Read().Table(name) }

// Range is one column id of the numbers from start up to, but not including, end.
func (s *Session) Range(start, end, step int64) *DataFrame {
	return s.relation(&wire.Relation{RelType: &wire.Relation_Range{Range: &wire.Range{Start: &start, End: end, Step: step}}})
}

// Where keeps the rows for which a SQL expression is true.
func (df *DataFrame) Where(condition string) *DataFrame { return df.Filter(Expr(condition)) }

// Filter keeps the rows for which the condition is true.
func (df *DataFrame) Filter(condition Column) *DataFrame {
	e, err := condition.checked()
	return df.then("filter", &wire.Relation{RelType: &wire.Relation_Filter{Filter: &wire.Filter{Input: df.relation, Condition: e}}}, err)
}

// OrderBy sorts all rows, low to high and nulls first where a column does not say otherwise.
func (df *DataFrame) OrderBy(columns ...Column) *DataFrame {
	list, err := expressions(columns)
	order := make([]*wire.Expression_SortOrder, len(list))
	for i, e := range list {
		if e.GetSortOrder() == nil {
			e = column(e).Asc().expression
		}
		order[i] = e.GetSortOrder()
	}
	return df.then("order by", &wire.Relation{RelType: &wire.Relation_Sort{Sort: &wire.Sort{Input: df.relation, Order: order, IsGlobal: proto.Bool(true)}}}, err)
}

// Alias names the DataFrame, so that columns can be told apart as name.column.
func (df *DataFrame) Alias(name string) *DataFrame {
	return df.then("alias", &wire.Relation{RelType: &wire.Relation_SubqueryAlias{SubqueryAlias: &wire.SubqueryAlias{Input: df.relation, Alias: name}}}, nil)
}

// Limit keeps at most n rows.
func (df *DataFrame) Limit(n int32) *DataFrame {
	return df.then("limit", &wire.Relation{RelType: &wire.Relation_Limit{Limit: &wire.Limit{Input: df.relation, Limit: n}}}, nil)
}

// Distinct keeps one row of those that are equal in all columns.
func (df *DataFrame) Distinct() *DataFrame { return df.DropDuplicates() }

// DropDuplicates keeps the first row of each combination of the columns, of all columns if none is named. On a stream the
// server remembers every combination it saw, for ever unless a watermarked column is among them.
func (df *DataFrame) DropDuplicates(columns ...string) *DataFrame {
	return df.deduplicate(columns, false)
}

// DropDuplicatesWithinWatermark is DropDuplicates on a stream with a watermark, forgetting a row once the watermark has passed it.
func (df *DataFrame) DropDuplicatesWithinWatermark(columns ...string) *DataFrame {
	return df.deduplicate(columns, true)
}

func (df *DataFrame) deduplicate(columns []string, withinWatermark bool) *DataFrame {
	d := &wire.Deduplicate{Input: df.relation, ColumnNames: columns, WithinWatermark: &withinWatermark}
	all := len(columns) == 0
	d.AllColumnsAsKeys = &all
	return df.then("drop duplicates", &wire.Relation{RelType: &wire.Relation_Deduplicate{Deduplicate: d}}, nil)
}

// WithWatermark tells how late, against the latest event time seen, a row may come and still count.
func (df *DataFrame) WithWatermark(eventTime string, delay time.Duration) *DataFrame {
	return df.then("watermark", &wire.Relation{RelType: &wire.Relation_WithWatermark{WithWatermark: &wire.WithWatermark{
		Input: df.relation, EventTime: eventTime, DelayThreshold: intervalText(delay),
	}}}, nil)
}

// CreateOrReplaceTempView makes the DataFrame a view of the session, so that SQL can read it by name. The server checks
// the plan on the way, so this can fail as a query can.
func (df *DataFrame) CreateOrReplaceTempView(ctx context.Context, name string) error {
	if df.err != nil {
		return fmt.Errorf("create view %s: %w", name, df.err)
	}
	_, err := df.session.conn.Run(ctx, &wire.Command{CommandType: &wire.Command_CreateDataframeView{
		CreateDataframeView: &wire.CreateDataFrameViewCommand{Input: df.relation, Name: name, Replace: true},
	}})
	if err != nil {
		return fmt.Errorf("create view %s: %w", name, err)
	}
	return nil
}

// ExplainMode is how much Explain tells.
type ExplainMode int32

// The modes of Explain.
const (
	ExplainSimple    = ExplainMode(wire.AnalyzePlanRequest_Explain_EXPLAIN_MODE_SIMPLE)
	ExplainExtended  = ExplainMode(wire.AnalyzePlanRequest_Explain_EXPLAIN_MODE_EXTENDED)
	ExplainCodegen   = ExplainMode(wire.AnalyzePlanRequest_Explain_EXPLAIN_MODE_CODEGEN)
	ExplainCost      = ExplainMode(wire.AnalyzePlanRequest_Explain_EXPLAIN_MODE_COST)
	ExplainFormatted = ExplainMode(wire.AnalyzePlanRequest_Explain_EXPLAIN_MODE_FORMATTED)
)

// Explain returns the plan as Spark prints it, without running it.
func (df *DataFrame) Explain(ctx context.Context, mode ExplainMode) (string, error) {
	response, err := df.analyze(ctx, func(r *wire.AnalyzePlanRequest, plan *wire.Plan) {
		r.Analyze = &wire.AnalyzePlanRequest_Explain_{Explain: &wire.AnalyzePlanRequest_Explain{
			Plan: plan, ExplainMode: wire.AnalyzePlanRequest_Explain_ExplainMode(mode),
		}}
	})
	if err != nil {
		return "", fmt.Errorf("explain the plan: %w", err)
	}
	return response.GetExplain().GetExplainString(), nil
}

// IsStreaming tells whether the plan reads a stream, and so has to be run by WriteStream.
func (df *DataFrame) IsStreaming(ctx context.Context) (bool, error) {
	response, err := df.analyze(ctx, func(r *wire.AnalyzePlanRequest, plan *wire.Plan) {
		r.Analyze = &wire.AnalyzePlanRequest_IsStreaming_{IsStreaming: &wire.AnalyzePlanRequest_IsStreaming{Plan: plan}}
	})
	if err != nil {
		return false, fmt.Errorf("ask whether the plan streams: %w", err)
	}
	return response.GetIsStreaming().GetIsStreaming(), nil
}

func (df *DataFrame) plan() *wire.Plan {
	return &wire.Plan{OpType: &wire.Plan_Root{Root: df.relation}}
}

func (df *DataFrame) analyze(ctx context.Context, ask func(*wire.AnalyzePlanRequest, *wire.Plan)) (*wire.AnalyzePlanResponse, error) {
	if df.err != nil {
		return nil, df.err
	}
	request := &wire.AnalyzePlanRequest{}
	ask(request, df.plan())
	return df.session.conn.Analyze(ctx, request)
}
