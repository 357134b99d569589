package spark

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// nestedSchema is an Arrow stream of a schema with one column, of so many levels. A column has width columns in it, all of them the same
// place of the schema.
func nestedSchema(levels, width int) []byte {
	const messageTable, schemaTable, fieldTable, message, schema = 4, 16, 24, 40, 56
	size := 12 + 4*width // of a field
	metadata := make([]byte, schema+24+size*(levels+1))
	uint32s := func(at int, values ...int) {
		for i, value := range values {
			binary.LittleEndian.PutUint32(metadata[at+4*i:], uint32(value))
		}
	}
	uint16s := func(at int, values ...uint16) {
		for i, value := range values {
			binary.LittleEndian.PutUint16(metadata[at+2*i:], value)
		}
	}
	uint32s(0, message)
	uint16s(messageTable, 10, 12, 0, 8, 4) // the message's kind and its header
	uint16s(schemaTable, 8, 8, 0, 4)       // the schema's fields
	uint16s(fieldTable, 16, 8, 0, 0, 0, 0, 0, 4)
	uint32s(message, message-messageTable, schema-(message+4), arrowSchema)
	uint32s(schema, schema-schemaTable, 4, 1, 4)
	for level := range levels {
		field := schema + 16 + size*level
		uint32s(field, field-fieldTable, 4)
		if level == levels-1 {
			continue
		}
		uint32s(field+8, width)
		for i := range width {
			uint32s(field+12+4*i, 4*(width-i))
		}
	}
	stream := binary.LittleEndian.AppendUint32(nil, 0xffffffff)
	return append(binary.LittleEndian.AppendUint32(stream, uint32(len(metadata))), metadata...)
}

// TestDeeplyNestedSchemaIsRefused: a stack that overflows ends the program, which no recover prevents.
func TestDeeplyNestedSchemaIsRefused(t *testing.T) {
	for _, levels := range []int{513, 1_500_000} {
		if _, err := decodeArrow(nestedSchema(levels, 1), 0); !errors.Is(err, errMalformed) {
			t.Errorf("%d levels gave %v", levels, err)
		}
	}
	if err := checkArrow(nestedSchema(512, 1), 0); err != nil {
		t.Errorf("%d levels gave %v", 512, err)
	}
}

// TestSchemaOfOneColumnInManyPlacesIsRefused: what is small on the wire would be 16 million columns.
func TestSchemaOfOneColumnInManyPlacesIsRefused(t *testing.T) {
	if err := checkArrow(nestedSchema(25, 2), 0); !errors.Is(err, errMalformed) {
		t.Errorf("got %v", err)
	}
}

// arrowStream is an Arrow stream of one batch, of rows as JSON.
func arrowStream(t *testing.T, rows string, fields []arrow.Field, options ...ipc.Option) []byte {
	t.Helper()
	schema := arrow.NewSchema(fields, nil)
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	var data bytes.Buffer
	writer := ipc.NewWriter(&data, append(options, ipc.WithSchema(schema))...)
	if err := errors.Join(writer.Write(record), writer.Close()); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// messages calls see with each message of an Arrow stream, its header, and its body, which it may change.
func messages(data []byte, see func(kind uint8, header table, body []byte)) {
	for len(data) > 8 {
		size := int(binary.LittleEndian.Uint32(data[4:]))
		message := rootTable(data[8:][:size])
		body := data[8+size:][:message.int64(3)]
		see(message.uint8(1), message.child(2), body)
		data = data[8+size+len(body):]
	}
}

// claim writes into the first buffers of the stream's batches how long they are unpacked.
func claim(data []byte, lengths ...int64) []byte {
	data = bytes.Clone(data)
	messages(data, func(kind uint8, batch table, body []byte) {
		if kind != arrowRecordBatch {
			return
		}
		start, n := batch.vector(2, 16)
		for i := range n {
			place, length := batch.data[start+16*i:], binary.LittleEndian.Uint64(batch.data[start+16*i+8:])
			if length > 0 && len(lengths) > 0 {
				binary.LittleEndian.PutUint64(body[binary.LittleEndian.Uint64(place):], uint64(lengths[0]))
				lengths = lengths[1:]
			}
		}
	})
	return data
}

// TestBuffersUnpackToAtMostAGibibyte: Arrow's reader allocates what a compressed buffer says it unpacks to.
func TestBuffersUnpackToAtMostAGibibyte(t *testing.T) {
	packed := arrowStream(t, `[{"a":1,"b":2}]`, []arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.PrimitiveTypes.Int64}}, ipc.WithZstd())
	if _, err := decodeArrow(packed, 1); err != nil {
		t.Fatal(err)
	}
	for title, lengths := range map[string][]int64{
		"one of more":     {1<<30 + 1},
		"two of half":     {1 << 29, 1<<29 + 1},
		"two of most":     {1 << 29, 1<<63 - 1},
		"a negative":      {-2},
		"a most negative": {-1 << 63},
	} {
		if err := checkArrow(claim(packed, lengths...), 1); !errors.Is(err, errMalformed) {
			t.Errorf("%s gave %v", title, err)
		}
	}
	if err := checkArrow(claim(packed, 1<<29, 1<<29), 1); err != nil {
		t.Errorf("a gibibyte gave %v", err)
	}
}

// TestColumnOfAKindThatSparkDoesNotSendIsRefused: Arrow's reader of such columns believes more than checkArrow looks at.
func TestColumnOfAKindThatSparkDoesNotSendIsRefused(t *testing.T) {
	number := arrow.PrimitiveTypes.Int32
	dictionary := &arrow.DictionaryType{IndexType: number, ValueType: arrow.BinaryTypes.String}
	for _, kind := range []arrow.DataType{
		dictionary,
		arrow.SparseUnionOf([]arrow.Field{{Name: "x", Type: number}}, []arrow.UnionTypeCode{0}),
		arrow.RunEndEncodedOf(number, number),
		arrow.BinaryTypes.StringView,
		arrow.ListViewOf(number),
		arrow.ListOf(dictionary),
		arrow.StructOf(arrow.Field{Name: "x", Type: arrow.BinaryTypes.BinaryView}),
	} {
		var data bytes.Buffer
		if err := ipc.NewWriter(&data, ipc.WithSchema(arrow.NewSchema([]arrow.Field{{Name: "x", Type: kind}}, nil))).Close(); err != nil {
			t.Fatal(err)
		}
		if err := checkArrow(data.Bytes(), 0); !errors.Is(err, errMalformed) || !strings.Contains(err.Error(), "kind that Spark does not send") {
			t.Errorf("%s gave %v", kind, err)
		}
	}
}

// errorOf is what checkArrow says of a stream, in an error or in a panic, as decodeArrow has it.
func errorOf(data []byte, rows int64) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errMalformed, p)
		}
	}()
	return checkArrow(data, rows)
}

// withVector is an Arrow stream in which a table of the first message of a kind has a vector of so many elements, none of which is there.
func withVector(data []byte, kind uint8, of func(message table) table, slot int, elements uint32) []byte {
	place, metadata, message := 0, []byte(nil), table{}
	for message.uint8(1) != kind {
		place += len(metadata)
		metadata = data[place+8:][:binary.LittleEndian.Uint32(data[place+4:])]
		message = rootTable(metadata)
		place += 8
		if message.uint8(1) != kind {
			place += int(message.int64(3))
		}
	}
	grown, changed := bytes.Clone(metadata), of(message)
	vtable := make([]byte, max(4+2*(slot+1), 4+len(changed.vtable)))
	binary.LittleEndian.PutUint16(vtable, uint16(len(vtable)))
	copy(vtable[4:], changed.vtable)
	binary.LittleEndian.PutUint16(vtable[4+2*slot:], uint16(len(grown)+len(vtable)-changed.start))
	binary.LittleEndian.PutUint32(grown[changed.start:], uint32(changed.start-len(grown)))
	grown = append(grown, vtable...)
	grown = binary.LittleEndian.AppendUint32(grown, 4)
	grown = binary.LittleEndian.AppendUint32(grown, elements)
	whole := binary.LittleEndian.AppendUint32(bytes.Clone(data[:place-4]), uint32(len(grown)))
	return append(append(whole, grown...), data[place+len(metadata):]...)
}

// TestVectorLongerThanItsMessageIsRefused: Arrow's reader allocates what a vector's length claims.
func TestVectorLongerThanItsMessageIsRefused(t *testing.T) {
	whole := arrowStream(t, `[{"a":[1]}]`, []arrow.Field{{Name: "a", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)}})
	message := func(message table) table { return message }
	header := func(message table) table { return message.child(2) }
	field := func(message table) table {
		start, _ := message.child(2).vector(1, 4)
		return message.child(2).at(start)
	}
	for title, c := range map[string]struct {
		kind uint8
		of   func(table) table
		slot int
	}{
		"fields":                      {arrowSchema, header, 1},
		"metadata of a schema":        {arrowSchema, header, 2},
		"features":                    {arrowSchema, header, 3},
		"metadata of a message":       {arrowSchema, message, 4},
		"fields of a field":           {arrowSchema, field, 5},
		"metadata of a field":         {arrowSchema, field, 6},
		"columns of a batch":          {arrowRecordBatch, header, 1},
		"buffers of a batch":          {arrowRecordBatch, header, 2},
		"buffers of a batch's column": {arrowRecordBatch, header, 4},
	} {
		if err := errorOf(withVector(whole, c.kind, c.of, c.slot, 1<<30), 1); !errors.Is(err, errMalformed) {
			t.Errorf("%s gave %v", title, err)
		}
	}
}

// TestBatchThatReachesOutsideItsBodyIsRefused changes a number of a batch that is fine otherwise.
func TestBatchThatReachesOutsideItsBodyIsRefused(t *testing.T) {
	whole := arrowStream(t, `[{"a":1}]`, []arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}})
	if err := checkArrow(whole, 1); err != nil {
		t.Fatal(err)
	}
	rows := func(batch table) []byte { return batch.data[batch.field(0):] }
	length := func(batch table) []byte { start, _ := batch.vector(1, 16); return batch.data[start:] }
	// The first buffer, of nulls, is empty.
	offset := func(batch table) []byte { start, _ := batch.vector(2, 16); return batch.data[start+16:] }
	size := func(batch table) []byte { return offset(batch)[8:] }
	for title, c := range map[string]struct {
		place func(batch table) []byte
		value int64
	}{
		"more rows":                  {rows, 2},
		"less than no rows":          {rows, -1},
		"more values than fit":       {length, 1<<20 + 8*64 + 2},
		"less than no values":        {length, -1},
		"a buffer before the body":   {offset, -8},
		"a buffer after the body":    {offset, 1 << 40},
		"a buffer beyond the end":    {offset, 60},
		"a buffer of too many bytes": {size, 65},
		"a buffer of less than none": {size, -1},
	} {
		data := bytes.Clone(whole)
		messages(data, func(kind uint8, batch table, _ []byte) {
			if kind == arrowRecordBatch {
				binary.LittleEndian.PutUint64(c.place(batch), uint64(c.value))
			}
		})
		if err := errorOf(data, 1); !errors.Is(err, errMalformed) {
			t.Errorf("%s gave %v", title, err)
		}
	}
}
