package spark_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

func TestBatchWriterSendsAllThatWasAsked(t *testing.T) {
	ctx, server := t.Context(), sparktest.New(t)
	writer := scripted.Dial(t, server).Read().Format("csv").Schema("a INT").Load("/in").Limit(7).Where("a > 1").Write().Format("parquet").
		Mode(spark.Append).Option("path", "/out").Options(map[string]string{"compression": "zstd"}).PartitionBy("a", "b")
	input := &wire.Relation{RelType: &wire.Relation_Read{Read: &wire.Read{ReadType: &wire.Read_DataSource_{
		DataSource: &wire.Read_DataSource{Format: proto.String("csv"), Schema: proto.String("a INT"), Paths: []string{"/in"}},
	}}}}
	sent := func(write error) *wire.WriteOperation {
		t.Helper()
		if write != nil {
			t.Fatal(write)
		}
		return lastPlan(t, server).GetCommand().GetWriteOperation()
	}
	server.Execute(sparktest.Done()...)
	saved := sent(writer.Save(ctx))
	filter := saved.GetInput().GetFilter()
	if filter.GetCondition().GetExpressionString().GetExpression() != "a > 1" || filter.GetInput().GetLimit().GetLimit() != 7 {
		t.Errorf("filter %v", filter)
	}
	if diff := diffPlan(input, filter.GetInput().GetLimit().GetInput()); diff != "" {
		t.Errorf("source (-expected +got):\n%s", diff)
	}
	expected := &wire.WriteOperation{
		Input: saved.GetInput(), Source: proto.String("parquet"), Mode: wire.WriteOperation_SAVE_MODE_APPEND,
		PartitioningColumns: []string{"a", "b"}, Options: map[string]string{"path": "/out", "compression": "zstd"},
	}
	if diff := diffPlan(expected, saved); diff != "" {
		t.Errorf("write (-expected +got):\n%s", diff)
	}
	server.Execute(sparktest.Done()...)
	if table := sent(writer.SaveAsTable(ctx, "t")).GetTable(); table.GetTableName() != "t" || table.GetSaveMethod() != wire.WriteOperation_SaveTable_TABLE_SAVE_METHOD_SAVE_AS_TABLE {
		t.Errorf("table %v", table)
	}
	server.Execute(sparktest.Done()...)
	if table := sent(writer.InsertInto(ctx, "t")).GetTable(); table.GetTableName() != "t" || table.GetSaveMethod() != wire.WriteOperation_SaveTable_TABLE_SAVE_METHOD_INSERT_INTO {
		t.Errorf("table %v", table)
	}
	server.Execute(sparktest.Fail(sparktest.Failure(codes.Internal, "PATH_ALREADY_EXISTS", "It exists.")))
	if err := writer.Save(ctx); err == nil || !strings.Contains(err.Error(), "write to parquet") {
		t.Errorf("got %v, expected an error that names the sink", err)
	}
}
