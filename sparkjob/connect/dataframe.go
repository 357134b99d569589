package connect

import (
	"context"
	"fmt"
	"time"

	"realtime-election/sparkjob/connect/wire"
)

// DataFrame is a query not yet run: a plan that grows with each method and goes to the server when something is asked of
// it. It is immutable and safe for concurrent use. Mistakes in a plan show when it is used.
type DataFrame struct {
	session  *Session
	relation *wire.Relation
}

// Table is a table or view by its name.
func (s *Session) Table(name string) *DataFrame { return s.Read().Table(name) }

// Range is one column id of the numbers from start up to, but not including, end.
func (s *Session) Range(start, end, step int64) *DataFrame {
	return s.relation(&wire.Relation{RelType: &wire.Relation_Range{Range: &wire.Range{Start: &start, End: end, Step: step}}})
}

// Where keeps the rows for which a SQL expression is true.
func (df *DataFrame) Where(condition string) *DataFrame {
	return df.session.relation(&wire.Relation{RelType: &wire.Relation_Filter{Filter: &wire.Filter{
		Input: df.relation,
		Condition: &wire.Expression{ExprType: &wire.Expression_ExpressionString_{
			ExpressionString: &wire.Expression_ExpressionString{Expression: condition},
		}},
	}}})
}

// Limit keeps at most n rows.
func (df *DataFrame) Limit(n int32) *DataFrame {
	return df.session.relation(&wire.Relation{RelType: &wire.Relation_Limit{Limit: &wire.Limit{Input: df.relation, Limit: n}}})
}

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
	return df.session.relation(&wire.Relation{RelType: &wire.Relation_Deduplicate{Deduplicate: d}})
}

// WithWatermark tells how late, against the latest event time seen, a row may come and still count.
func (df *DataFrame) WithWatermark(eventTime string, delay time.Duration) *DataFrame {
	return df.session.relation(&wire.Relation{RelType: &wire.Relation_WithWatermark{WithWatermark: &wire.WithWatermark{
		Input: df.relation, EventTime: eventTime, DelayThreshold: interval(delay),
	}}})
}

// CreateOrReplaceTempView makes the DataFrame a view of the session, so that SQL can read it by name. The server checks
// the plan on the way, so this can fail as a query can.
func (df *DataFrame) CreateOrReplaceTempView(ctx context.Context, name string) error {
	_, err := df.session.run(ctx, &wire.Command{CommandType: &wire.Command_CreateDataframeView{
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
	request := df.session.analyzeRequest()
	ask(request, df.plan())
	response := &wire.AnalyzePlanResponse{}
	return response, df.session.call(ctx, "AnalyzePlan", request, response)
}

func (s *Session) analyzeRequest() *wire.AnalyzePlanRequest {
	return &wire.AnalyzePlanRequest{
		SessionId: string(s.ID()), UserContext: s.user(), ClientType: s.clientType(),
		ClientObservedServerSideSessionId: s.observedID(),
	}
}
