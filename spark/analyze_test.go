package spark_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

func field(name string, kind *wire.DataType) *wire.DataType_StructField {
	return &wire.DataType_StructField{Name: name, DataType: kind, Nullable: true}
}

// TestSchemaNamesTypesAsSparkDoes lists Spark's own simpleString of each.
func TestSchemaNamesTypesAsSparkDoes(t *testing.T) {
	integer := &wire.DataType{Kind: &wire.DataType_Integer_{Integer: &wire.DataType_Integer{}}}
	long := &wire.DataType{Kind: &wire.DataType_Long_{Long: &wire.DataType_Long{}}}
	cases := map[string]*wire.DataType{
		"int": integer, "bigint": long,
		"void":                      {Kind: &wire.DataType_Null{Null: &wire.DataType_NULL{}}},
		"binary":                    {Kind: &wire.DataType_Binary_{Binary: &wire.DataType_Binary{}}},
		"boolean":                   {Kind: &wire.DataType_Boolean_{Boolean: &wire.DataType_Boolean{}}},
		"tinyint":                   {Kind: &wire.DataType_Byte_{Byte: &wire.DataType_Byte{}}},
		"smallint":                  {Kind: &wire.DataType_Short_{Short: &wire.DataType_Short{}}},
		"float":                     {Kind: &wire.DataType_Float_{Float: &wire.DataType_Float{}}},
		"double":                    {Kind: &wire.DataType_Double_{Double: &wire.DataType_Double{}}},
		"decimal(10,2)":             {Kind: &wire.DataType_Decimal_{Decimal: &wire.DataType_Decimal{Precision: proto.Int32(10), Scale: proto.Int32(2)}}},
		"string":                    {Kind: &wire.DataType_String_{String_: &wire.DataType_String{Collation: "UTF8_BINARY"}}},
		"string collate UNICODE":    {Kind: &wire.DataType_String_{String_: &wire.DataType_String{Collation: "UNICODE"}}},
		"char(3)":                   {Kind: &wire.DataType_Char_{Char: &wire.DataType_Char{Length: 3}}},
		"varchar(4)":                {Kind: &wire.DataType_VarChar_{VarChar: &wire.DataType_VarChar{Length: 4}}},
		"date":                      {Kind: &wire.DataType_Date_{Date: &wire.DataType_Date{}}},
		"timestamp":                 {Kind: &wire.DataType_Timestamp_{Timestamp: &wire.DataType_Timestamp{}}},
		"timestamp_ntz":             {Kind: &wire.DataType_TimestampNtz{TimestampNtz: &wire.DataType_TimestampNTZ{}}},
		"interval":                  {Kind: &wire.DataType_CalendarInterval_{CalendarInterval: &wire.DataType_CalendarInterval{}}},
		"interval year to month":    {Kind: &wire.DataType_YearMonthInterval_{YearMonthInterval: &wire.DataType_YearMonthInterval{EndField: proto.Int32(1)}}},
		"interval day to second":    {Kind: &wire.DataType_DayTimeInterval_{DayTimeInterval: &wire.DataType_DayTimeInterval{EndField: proto.Int32(3)}}},
		"interval hour":             {Kind: &wire.DataType_DayTimeInterval_{DayTimeInterval: &wire.DataType_DayTimeInterval{StartField: proto.Int32(1), EndField: proto.Int32(1)}}},
		"interval unknown":          {Kind: &wire.DataType_DayTimeInterval_{DayTimeInterval: &wire.DataType_DayTimeInterval{EndField: proto.Int32(4)}}},
		"array<int>":                {Kind: &wire.DataType_Array_{Array: &wire.DataType_Array{ElementType: integer}}},
		"map<int,bigint>":           {Kind: &wire.DataType_Map_{Map: &wire.DataType_Map{KeyType: integer, ValueType: long}}},
		"struct<a:int,b:bigint>":    {Kind: &wire.DataType_Struct_{Struct: &wire.DataType_Struct{Fields: []*wire.DataType_StructField{field("a", integer), field("b", long)}}}},
		"variant":                   {Kind: &wire.DataType_Variant_{Variant: &wire.DataType_Variant{}}},
		"what Spark cannot resolve": {Kind: &wire.DataType_Unparsed_{Unparsed: &wire.DataType_Unparsed{DataTypeString: "what Spark cannot resolve"}}},
		"unknown":                   {},
	}
	sent := &wire.DataType_Struct{}
	for name, kind := range cases {
		sent.Fields = append(sent.Fields, field(name, kind))
	}
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	server.HandleCall(func(context.Context, proto.Message) (proto.Message, error) {
		return &wire.AnalyzePlanResponse{Result: &wire.AnalyzePlanResponse_Schema_{Schema: &wire.AnalyzePlanResponse_Schema{
			Schema: &wire.DataType{Kind: &wire.DataType_Struct_{Struct: sent}},
		}}}, nil
	})
	schema, err := session.Table("t").Schema(t.Context())
	if err != nil || len(schema) != len(cases) {
		t.Fatalf("%d columns and %v", len(schema), err)
	}
	for _, column := range schema {
		if column.Type != column.Name || !column.Nullable {
			t.Errorf("type %q, nullable %v, expected %q", column.Type, column.Nullable, column.Name)
		}
	}
}

func TestAnalysesOfAPlan(t *testing.T) {
	ctx, server := t.Context(), sparktest.New(t)
	df := scripted.Dial(t, server).Table("t")
	server.HandleCall(func(_ context.Context, request proto.Message) (proto.Message, error) {
		analyze := request.(*wire.AnalyzePlanRequest)
		if explain := analyze.GetExplain(); explain.GetExplainMode() == wire.AnalyzePlanRequest_Explain_EXPLAIN_MODE_COST &&
			explain.GetPlan().GetRoot().GetRead().GetNamedTable().GetUnparsedIdentifier() == "t" {
			return &wire.AnalyzePlanResponse{Result: &wire.AnalyzePlanResponse_Explain_{Explain: &wire.AnalyzePlanResponse_Explain{ExplainString: "the plan"}}}, nil
		}
		if analyze.GetIsStreaming() != nil {
			return &wire.AnalyzePlanResponse{Result: &wire.AnalyzePlanResponse_IsStreaming_{IsStreaming: &wire.AnalyzePlanResponse_IsStreaming{IsStreaming: true}}}, nil
		}
		return nil, sparktest.Failure(codes.Internal, "TABLE_OR_VIEW_NOT_FOUND", "No t.")
	})
	if plan, err := df.Explain(ctx, spark.ExplainCost); err != nil || plan != "the plan" {
		t.Errorf("plan %q and %v", plan, err)
	}
	if yes, err := df.IsStreaming(ctx); err != nil || !yes {
		t.Errorf("streaming %v and %v", yes, err)
	}
	if _, err := df.Schema(ctx); err == nil || !strings.Contains(err.Error(), "TABLE_OR_VIEW_NOT_FOUND") {
		t.Errorf("got %v, expected the server's class", err)
	}
}
