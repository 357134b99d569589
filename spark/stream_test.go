package spark_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// lastPlan is the plan of the latest execution, without the numbers of its relations.
func lastPlan(t *testing.T, server *sparktest.Server) *wire.Plan {
	t.Helper()
	sent := sparktest.Sent[*wire.ExecutePlanRequest](server)
	if len(sent) == 0 {
		t.Fatal("nothing was executed")
	}
	return sent[len(sent)-1].GetPlan()
}

func diffPlan(expected, got proto.Message) string {
	return cmp.Diff(expected, got, protocmp.Transform(), protocmp.IgnoreFields(&wire.Relation{}, "common"))
}

func kafkaSource() *wire.Relation {
	return &wire.Relation{RelType: &wire.Relation_Read{Read: &wire.Read{
		IsStreaming: true, ReadType: &wire.Read_DataSource_{DataSource: &wire.Read_DataSource{
			Format: proto.String("kafka"), Options: map[string]string{"subscribe": "votes", "startingOffsets": "earliest"},
		}},
	}}}
}

func kafkaStream(session *spark.Session) *spark.DataFrame {
	return session.ReadStream().Format("kafka").Option("subscribe", "votes").
		Options(map[string]string{"startingOffsets": "earliest"}).Load()
}

func TestViewOverAStreamingSource(t *testing.T) {
	server := sparktest.New(t)
	server.Execute(sparktest.Done()...)
	if err := kafkaStream(scripted.Dial(t, server)).CreateOrReplaceTempView(t.Context(), "cast_votes"); err != nil {
		t.Fatal(err)
	}
	expected := &wire.Plan{OpType: &wire.Plan_Command{Command: &wire.Command{CommandType: &wire.Command_CreateDataframeView{
		CreateDataframeView: &wire.CreateDataFrameViewCommand{Input: kafkaSource(), Name: "cast_votes", Replace: true},
	}}}}
	if diff := diffPlan(expected, lastPlan(t, server)); diff != "" {
		t.Errorf("plan (-expected +got):\n%s", diff)
	}
}

func TestStreamWriterSendsAllThatWasAsked(t *testing.T) {
	server := sparktest.New(t)
	server.Execute(sparktest.Answer(sparktest.Started("id-1", "run-1", "totals"))...)
	query, err := kafkaStream(scripted.Dial(t, server)).WithWatermark("timestamp", 90*time.Second).DropDuplicatesWithinWatermark("key").
		WriteStream().Format("kafka").Option("topic", "out").Options(map[string]string{"checkpointLocation": "/c"}).
		OutputMode(spark.OutputUpdate).QueryName("totals").PartitionBy("a", "b").Trigger(spark.ProcessingTime(1500 * time.Millisecond)).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if query.ID() != "id-1" || query.RunID() != "run-1" || query.Name() != "totals" {
		t.Errorf("query %s run %s name %s", query.ID(), query.RunID(), query.Name())
	}
	yes, no := true, false
	watermark := &wire.Relation{RelType: &wire.Relation_WithWatermark{WithWatermark: &wire.WithWatermark{
		Input: kafkaSource(), EventTime: "timestamp", DelayThreshold: "90000 milliseconds",
	}}}
	dedupe := &wire.Relation{RelType: &wire.Relation_Deduplicate{Deduplicate: &wire.Deduplicate{
		Input: watermark, ColumnNames: []string{"key"}, AllColumnsAsKeys: &no, WithinWatermark: &yes,
	}}}
	expected := &wire.WriteStreamOperationStart{
		Input: dedupe, Format: "kafka", Options: map[string]string{"topic": "out", "checkpointLocation": "/c"},
		PartitioningColumnNames: []string{"a", "b"}, OutputMode: "update", QueryName: "totals",
		Trigger: &wire.WriteStreamOperationStart_ProcessingTimeInterval{ProcessingTimeInterval: "1500 milliseconds"},
	}
	if diff := diffPlan(expected, lastPlan(t, server).GetCommand().GetWriteStreamOperationStart()); diff != "" {
		t.Errorf("start (-expected +got):\n%s", diff)
	}
}

func TestErrorOfAStartNamesTheQueryIfItHasAName(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	for name, expected := range map[string]string{"": "start streaming query: spark: ", "totals": "start streaming query totals: spark: "} {
		server.Execute(sparktest.Fail(sparktest.Failure(codes.Internal, "STREAM_FAILED", "no")))
		if _, err := session.Table("t").WriteStream().QueryName(name).Start(t.Context()); err == nil || !strings.HasPrefix(err.Error(), expected) {
			t.Errorf("query %q: %v", name, err)
		}
	}
}

func TestTriggersAndTables(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	for _, c := range []struct {
		trigger spark.Trigger
		holds   func(*wire.WriteStreamOperationStart) bool
	}{
		{spark.AvailableNow(), func(w *wire.WriteStreamOperationStart) bool { return w.GetAvailableNow() }},
		{spark.Once(), func(w *wire.WriteStreamOperationStart) bool { return w.GetOnce() }},
		{spark.Continuous(time.Second), func(w *wire.WriteStreamOperationStart) bool {
			return w.GetContinuousCheckpointInterval() == "1000 milliseconds"
		}},
		{spark.ProcessingTime(0), func(w *wire.WriteStreamOperationStart) bool {
			return w.GetProcessingTimeInterval() == "0 milliseconds"
		}},
		{spark.Trigger{}, func(w *wire.WriteStreamOperationStart) bool { return w.GetProcessingTimeInterval() == "0 milliseconds" }},
		{spark.ProcessingTime(time.Nanosecond), func(w *wire.WriteStreamOperationStart) bool {
			return w.GetProcessingTimeInterval() == "1 microseconds"
		}},
	} {
		server.Execute(sparktest.Answer(sparktest.Started("i", "r", ""))...)
		if _, err := session.Table("t").WriteStream().Trigger(c.trigger).ToTable(t.Context(), "target"); err != nil {
			t.Fatal(err)
		}
		start := lastPlan(t, server).GetCommand().GetWriteStreamOperationStart()
		if !c.holds(start) || start.GetTableName() != "target" {
			t.Errorf("start %v", start)
		}
	}
}

func TestDropDuplicatesWithoutColumnsTakesAll(t *testing.T) {
	server := sparktest.New(t)
	server.Execute(sparktest.Done()...)
	if err := scripted.Dial(t, server).Table("t").DropDuplicates().CreateOrReplaceTempView(t.Context(), "v"); err != nil {
		t.Fatal(err)
	}
	d := lastPlan(t, server).GetCommand().GetCreateDataframeView().GetInput().GetDeduplicate()
	if !d.GetAllColumnsAsKeys() || d.GetWithinWatermark() {
		t.Errorf("deduplicate %v", d)
	}
}

func TestSQLUsesTheRelationTheServerReturns(t *testing.T) {
	server := sparktest.New(t)
	result := &wire.Relation{RelType: &wire.Relation_LocalRelation{LocalRelation: &wire.LocalRelation{Schema: proto.String("a INT")}}}
	server.Execute(sparktest.Answer(sparktest.SQL(result))...)
	session := scripted.Dial(t, server)
	df, err := session.SQL(t.Context(), "SHOW TABLES IN :db", spark.Args{"db": "x"})
	if err != nil {
		t.Fatal(err)
	}
	sent := lastPlan(t, server).GetCommand().GetSqlCommand().GetInput().GetSql()
	if sent.GetQuery() != "SHOW TABLES IN :db" || sent.GetNamedArguments()["db"].GetLiteral().GetString_() != "x" {
		t.Errorf("sent %v", sent)
	}
	server.Execute(sparktest.Done()...)
	if err := df.CreateOrReplaceTempView(t.Context(), "tables"); err != nil {
		t.Fatal(err)
	}
	if diff := diffPlan(result, lastPlan(t, server).GetCommand().GetCreateDataframeView().GetInput()); diff != "" {
		t.Errorf("relation (-expected +got):\n%s", diff)
	}
	if _, err := session.SQL(t.Context(), "SELECT ?", struct{}{}); err == nil || !strings.Contains(err.Error(), "argument 1") {
		t.Errorf("got %v, expected an error that names the argument", err)
	}
}

func TestQueryQuestionsAndAnswers(t *testing.T) {
	ctx, server := t.Context(), sparktest.New(t)
	query := scripted.Dial(t, server).Streams().Attach("id-1", "run-1", "totals")
	server.Execute(sparktest.Answer(sparktest.Status("Waiting for data to arrive", true))...)
	if status, err := query.Status(ctx); err != nil || !status.Active || status.Message != "Waiting for data to arrive" {
		t.Errorf("status %+v and %v", status, err)
	}
	id := lastPlan(t, server).GetCommand().GetStreamingQueryCommand().GetQueryId()
	if id.GetId() != "id-1" || id.GetRunId() != "run-1" {
		t.Errorf("asked about %v", id)
	}
	server.Execute(sparktest.Answer(sparktest.Progress())...)
	if progress, err := query.LastProgress(ctx); err != nil || progress != nil {
		t.Errorf("progress before the first batch is %v and %v", progress, err)
	}
	server.Execute(sparktest.Answer(sparktest.Progress(`{"batchId":1}`, `{"batchId":2}`))...)
	if progress, err := query.RecentProgress(ctx); err != nil || len(progress) != 2 || progress[1].BatchID != 2 {
		t.Errorf("recent progress %v and %v", progress, err)
	}
	server.Execute(sparktest.Answer(sparktest.Exception("", ""))...)
	if failure, err := query.Exception(ctx); failure != nil || err != nil {
		t.Errorf("exception of a healthy query is %v and %v", failure, err)
	}
	server.Execute(sparktest.Answer(sparktest.Exception("STREAM_FAILED", "[STREAM_FAILED] It broke."))...)
	if failure, err := query.Exception(ctx); err != nil || failure == nil || failure.Class != "STREAM_FAILED" {
		t.Errorf("exception %v and %v", failure, err)
	}
	server.Execute(sparktest.Fail(sparktest.Failure(codes.Internal, "CONNECT_INVALID_PLAN.STREAMING_QUERY_NOT_FOUND", "No such query.")))
	if err := query.Stop(ctx); !errors.Is(err, spark.ErrQueryNotFound) || !strings.Contains(err.Error(), "totals") {
		t.Errorf("stopping a forgotten query gave %v", err)
	}
}

func TestAwaitTerminationAsksUntilTheEnd(t *testing.T) {
	server := sparktest.New(t)
	query := scripted.Dial(t, server).Streams().Attach("id-1", "run-1", "")
	server.Execute(sparktest.Answer(sparktest.Terminated(false))...)
	server.Execute(sparktest.Cut(), sparktest.Reply(sparktest.Terminated(false)), sparktest.Complete())
	server.Execute(sparktest.Answer(sparktest.Terminated(true))...)
	if err := query.AwaitTermination(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](server) {
		wait := request.GetPlan().GetCommand().GetStreamingQueryCommand().GetAwaitTermination()
		if ms := wait.GetTimeoutMs(); ms < 1 || ms > 10_000 {
			t.Errorf("a question may block for %d ms on the server", ms)
		}
	}
}

func TestActiveQueriesAreHandles(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	server.Execute(sparktest.Answer(sparktest.Active(sparktest.Instance("id-1", "run-1", "a"), sparktest.Instance("id-2", "run-2", "")))...)
	active, err := session.Streams().Active(t.Context())
	if err != nil || len(active) != 2 || active[0].String() != "a" || active[1].String() != "id-2" || active[1].RunID() != "run-2" {
		t.Errorf("active %v and %v", active, err)
	}
}

func TestQueriesAreFoundAndAwaited(t *testing.T) {
	ctx, server := t.Context(), sparktest.New(t)
	streams := scripted.Dial(t, server).Streams()
	manager := func(result *wire.StreamingQueryManagerCommandResult) []sparktest.Step {
		return sparktest.Answer(&wire.ExecutePlanResponse{ResponseType: &wire.ExecutePlanResponse_StreamingQueryManagerCommandResult{StreamingQueryManagerCommandResult: result}})
	}
	server.Execute(manager(&wire.StreamingQueryManagerCommandResult{ResultType: &wire.StreamingQueryManagerCommandResult_Query{Query: sparktest.Instance("id-1", "run-1", "a")}})...)
	if query, err := streams.Get(ctx, "id-1"); err != nil || query.RunID() != "run-1" || query.Name() != "a" {
		t.Errorf("query %v and %v", query, err)
	}
	server.Execute(manager(&wire.StreamingQueryManagerCommandResult{})...)
	if _, err := streams.Get(ctx, "id-2"); !errors.Is(err, spark.ErrQueryNotFound) {
		t.Errorf("got %v, expected ErrQueryNotFound", err)
	}
	for _, terminated := range []bool{false, true} {
		server.Execute(manager(&wire.StreamingQueryManagerCommandResult{ResultType: &wire.StreamingQueryManagerCommandResult_AwaitAnyTermination{
			AwaitAnyTermination: &wire.StreamingQueryManagerCommandResult_AwaitAnyTerminationResult{Terminated: terminated},
		}})...)
	}
	if err := streams.AwaitAnyTermination(ctx); err != nil {
		t.Error(err)
	}
	server.Execute(manager(&wire.StreamingQueryManagerCommandResult{ResultType: &wire.StreamingQueryManagerCommandResult_ResetTerminated{ResetTerminated: true}})...)
	if err := streams.ResetTerminated(ctx); err != nil || !lastPlan(t, server).GetCommand().GetStreamingQueryManagerCommand().GetResetTerminated() {
		t.Errorf("reset: %v", err)
	}
	server.Execute(sparktest.Done()...)
	if _, err := streams.Active(ctx); err == nil || !strings.Contains(err.Error(), "without an answer") {
		t.Errorf("got %v, expected an error for a command without an answer", err)
	}
}

func TestQueryIsExplainedAndDrained(t *testing.T) {
	ctx, server := t.Context(), sparktest.New(t)
	query := scripted.Dial(t, server).Streams().Attach("id-1", "run-1", "totals")
	server.Execute(sparktest.Answer(sparktest.Query(&wire.StreamingQueryCommandResult{ResultType: &wire.StreamingQueryCommandResult_Explain{
		Explain: &wire.StreamingQueryCommandResult_ExplainResult{Result: "the plan"},
	}}))...)
	if plan, err := query.Explain(ctx, true); err != nil || plan != "the plan" || !lastPlan(t, server).GetCommand().GetStreamingQueryCommand().GetExplain().GetExtended() {
		t.Errorf("plan %q and %v", plan, err)
	}
	server.Execute(sparktest.Answer(sparktest.Query(&wire.StreamingQueryCommandResult{}))...)
	if err := query.ProcessAllAvailable(ctx); err != nil || !lastPlan(t, server).GetCommand().GetStreamingQueryCommand().GetProcessAllAvailable() {
		t.Errorf("process all available: %v", err)
	}
}
