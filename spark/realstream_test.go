//go:build services

package spark_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"realtime-election/spark"
)

func TestRateStreamReportsProgressAndStops(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	query := must(session.ReadStream().Format("rate").Option("rowsPerSecond", "100").Load().
		WriteStream().Format("memory").QueryName("rates").OutputMode(spark.OutputAppend).
		Trigger(spark.ProcessingTime(100*time.Millisecond)).Option("checkpointLocation", t.TempDir()).Start(ctx))(t)
	if query.Name() != "rates" || query.ID() == "" || query.RunID() == "" {
		t.Errorf("name %q, id %q, run %q", query.Name(), query.ID(), query.RunID())
	}
	must(0, query.ProcessAllAvailable(ctx))(t)
	progress := awaitRows(t, query)
	if progress.ID != query.ID() || progress.RunID != query.RunID() || progress.Name != "rates" || progress.Timestamp.IsZero() {
		t.Errorf("progress of %q run %q name %q at %v", progress.ID, progress.RunID, progress.Name, progress.Timestamp)
	}
	if len(progress.Sources) != 1 || len(progress.Sources[0].EndOffset) == 0 || !strings.HasPrefix(progress.Sources[0].Description, "Rate") {
		t.Errorf("sources %+v", progress.Sources)
	}
	if _, ok := progress.DurationMs["triggerExecution"]; !ok {
		t.Errorf("durations %v", progress.DurationMs)
	}
	status := must(query.Status(ctx))(t)
	if !status.Active || status.Message == "" {
		t.Errorf("status %+v", status)
	}
	if rows := must(session.Table("rates").Limit(1).Collect(ctx))(t); len(rows) != 1 {
		t.Errorf("%d rows in the sink", len(rows))
	}
	if plan := must(query.Explain(ctx, true))(t); !strings.Contains(plan, "Physical Plan") {
		t.Errorf("plan %q", plan)
	}
	if len(must(query.RecentProgress(ctx))(t)) == 0 {
		t.Error("no recent progress")
	}
	must(0, query.Stop(ctx))(t)
	must(0, query.AwaitTermination(ctx))(t)
	must(0, session.Streams().AwaitAnyTermination(ctx))(t)
	must(0, session.Streams().ResetTerminated(ctx))(t)
	if failure := must(query.Exception(ctx))(t); failure != nil {
		t.Errorf("a stopped query failed with %v", failure)
	}
	if status := must(query.Status(ctx))(t); status.Active {
		t.Error("still active after Stop")
	}
	if _, err := session.Streams().Get(ctx, query.ID()); !errors.Is(err, spark.ErrQueryNotFound) {
		t.Errorf("finding a stopped query gave %v, expected ErrQueryNotFound", err)
	}
}

// awaitRows asks for the recent progress until a batch held rows.
func awaitRows(t *testing.T, query *spark.StreamingQuery) *spark.Progress {
	t.Helper()
	ctx := testContext(t)
	for poll := time.Tick(20 * time.Millisecond); ; <-poll {
		for _, progress := range must(query.RecentProgress(ctx))(t) {
			if progress.NumInputRows > 0 {
				return progress
			}
		}
	}
}

func TestFailingQueryTellsWhy(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	must(0, session.ReadStream().Format("rate").Option("rowsPerSecond", "10").Load().CreateOrReplaceTempView(ctx, "ticks"))(t)
	bad := must(session.SQL(ctx, "SELECT 1 / (value - value) AS x FROM ticks"))(t)
	if !must(bad.IsStreaming(ctx))(t) {
		t.Error("SQL over a streaming view does not stream")
	}
	query := must(bad.WriteStream().Format("memory").QueryName("bad").Start(ctx))(t)
	err := query.AwaitTermination(ctx)
	var failed *spark.Error
	if !errors.As(err, &failed) {
		t.Fatalf("the end of a failing query was %v, expected a *spark.Error", err)
	}
	failure := must(query.Exception(ctx))(t)
	if failure == nil || !strings.Contains(failure.Message, "DIVIDE_BY_ZERO") || failure.Class == "" {
		t.Errorf("exception %+v, expected a division by zero", failure)
	}
}

// TestQueryOutlivesItsClient is what a supervisor leans on: a client that dies takes no query with it.
func TestQueryOutlivesItsClient(t *testing.T) {
	ctx, keeper := testContext(t), newSession(t)
	first := must(spark.Dial(ctx, sparkServer(t), spark.WithSessionID(keeper.ID()), spark.WithUserID(keeper.UserID())))(t)
	query := must(first.ReadStream().Format("rate").Load().WriteStream().Format("memory").QueryName("survivor").Start(ctx))(t)
	must(0, first.Close())(t)

	second := must(spark.Dial(ctx, sparkServer(t), spark.WithSessionID(keeper.ID()), spark.WithUserID(keeper.UserID()),
		spark.WithServerSessionID(keeper.ServerSessionID())))(t)
	defer second.Close()
	active := must(second.Streams().Active(ctx))(t)
	if len(active) != 1 || active[0].ID() != query.ID() || active[0].RunID() != query.RunID() || active[0].Name() != "survivor" {
		t.Fatalf("active queries %v, expected the one of the first client", active)
	}
	if found := must(second.Streams().Get(ctx, query.ID()))(t); found.RunID() != query.RunID() {
		t.Errorf("found run %s, expected %s", found.RunID(), query.RunID())
	}
	must(0, active[0].Stop(ctx))(t)
}

func TestHandlesOfOtherSessionsAndRunsAreTyped(t *testing.T) {
	ctx, mine, other := testContext(t), newSession(t), newSession(t)
	query := must(mine.ReadStream().Format("rate").Load().WriteStream().Format("memory").QueryName("mine").Start(ctx))(t)
	if _, err := other.Streams().Attach(query.ID(), query.RunID(), "").Status(ctx); !errors.Is(err, spark.ErrQueryNotFound) {
		t.Errorf("another session's query gave %v, expected ErrQueryNotFound", err)
	}
	if _, err := mine.Streams().Attach(query.ID(), "0b0c5a5e-8b1f-4d0e-9a55-2f6a1c3d4e5f", "").Status(ctx); !errors.Is(err, spark.ErrQueryRestarted) {
		t.Errorf("another run gave %v, expected ErrQueryRestarted", err)
	}
	must(0, query.Stop(ctx))(t)
	status := must(mine.Streams().Attach(query.ID(), query.RunID(), "").Status(ctx))(t)
	if status.Active {
		t.Error("a stopped query is active to who attaches to it")
	}
}

// TestDeduplicationBetweenTwoViews is the shape of the election's query: view, DropDuplicates, view, aggregation, update mode.
func TestDeduplicationBetweenTwoViews(t *testing.T) {
	ctx, session := testContext(t), newSession(t)
	folder := t.TempDir()
	rows := must(session.SQL(ctx, "SELECT CAST(id % 100 AS STRING) AS ballot, CAST(id % 100 % 3 AS STRING) AS candidate FROM range(0, 1000)"))(t)
	must(0, rows.Write().Format("json").Mode(spark.Overwrite).Option("path", folder+"/in").Save(ctx))(t)

	source := session.ReadStream().Format("json").Schema("ballot STRING, candidate STRING").Load(folder + "/in")
	must(0, source.CreateOrReplaceTempView(ctx, "cast_votes"))(t)
	checked := must(session.SQL(ctx, "SELECT ballot, candidate FROM cast_votes WHERE ballot IS NOT NULL"))(t)
	must(0, checked.DropDuplicates("ballot").CreateOrReplaceTempView(ctx, "ballots"))(t)
	counted := must(session.SQL(ctx, "SELECT candidate, count(*) AS votes FROM ballots GROUP BY candidate"))(t)
	query := must(counted.WriteStream().Format("memory").QueryName("totals").OutputMode(spark.OutputComplete).
		Option("checkpointLocation", folder+"/checkpoint").Trigger(spark.AvailableNow()).Start(ctx))(t)
	must(0, query.AwaitTermination(ctx))(t)

	totals := map[any]any{}
	for _, row := range must(session.Table("totals").Collect(ctx))(t) {
		totals[row.At(0)] = row.At(1)
	}
	if totals["0"] != int64(34) || totals["1"] != int64(33) || totals["2"] != int64(33) {
		t.Errorf("totals %v, expected 34, 33 and 33 of 100 ballots sent ten times", totals)
	}
	var operators []string
	for _, report := range must(query.RecentProgress(ctx))(t) {
		for _, operator := range report.StateOperators {
			operators = append(operators, operator.OperatorName)
			if len(operator.CustomMetrics) == 0 {
				t.Errorf("operator %s without custom metrics", operator.OperatorName)
			}
		}
	}
	if !strings.Contains(strings.Join(operators, " "), "dedupe") {
		t.Errorf("state operators %v, expected a dedupe", operators)
	}
}
