package scripted

import (
	"bytes"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"realtime-election/spark/wire"
)

// Batch is an answer with one column of numbers whose first row is that of the offset.
func Batch(t *testing.T, offset int64, numbers ...int64) *wire.ExecutePlanResponse {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	builder.Field(0).(*array.Int64Builder).AppendValues(numbers, nil)
	var data bytes.Buffer
	writer := ipc.NewWriter(&data, ipc.WithSchema(schema))
	if err := writer.Write(builder.NewRecordBatch()); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return &wire.ExecutePlanResponse{ResponseType: &wire.ExecutePlanResponse_ArrowBatch_{ArrowBatch: &wire.ExecutePlanResponse_ArrowBatch{
		RowCount: int64(len(numbers)), Data: data.Bytes(), StartOffset: &offset,
	}}}
}
