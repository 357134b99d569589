package spark

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Arrow's numbers of the kinds of messages and of fields that the check looks for.
const (
	arrowSchema      = 1
	arrowRecordBatch = 3
	arrowUnion       = 14
	arrowLargeList   = 21
)

// maxDepth is how many levels deep columns may lie in one another. A stack that overflows ends the program, and this check, Arrow's reader
// and cell all recurse.
const maxDepth = 512

// errMalformed is the error of data that Arrow's reader would believe.
var errMalformed = errors.New("malformed Arrow data")

// checkArrow refuses an Arrow IPC stream that claims more than it holds. Arrow's reader allocates what a length claims before it
// looks for the data, and memory that runs out ends the program, which no recover prevents. It panics on an index out of range,
// as the reader does too: the caller recovers.
func checkArrow(data []byte, rows int64) error {
	for len(data) >= 8 && binary.LittleEndian.Uint32(data) == 0xffffffff {
		size := int(int32(binary.LittleEndian.Uint32(data[4:])))
		if size == 0 {
			return nil
		}
		meta := data[8:][:size]
		message := rootTable(meta)
		rest := data[8+size:]
		body := rest[:message.int64(3)]
		message.vector(4, 4)
		switch kind, header := message.uint8(1), message.child(2); kind {
		case arrowSchema:
			fields := len(meta) / 8 // a field takes more
			header.vector(2, 4)
			header.vector(3, 8)
			if err := checkFields(header, 1, &fields, maxDepth); err != nil {
				return err
			}
		case arrowRecordBatch:
			if err := checkBatch(header, body, &rows); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: a message of kind %d", errMalformed, kind)
		}
		data = rest[len(body):]
	}
	if len(data) > 0 && binary.LittleEndian.Uint32(data) != 0 {
		return fmt.Errorf("%w: no message where one should start", errMalformed)
	}
	return nil
}

// checkFields checks the fields in a slot and the fields inside them: at most as many as remain, over at most depth levels.
func checkFields(of table, slot int, remaining *int, depth int) error {
	start, n := of.vector(slot, 4)
	if n > 0 && depth == 0 {
		return fmt.Errorf("%w: columns in columns over more than %d levels", errMalformed, maxDepth)
	}
	for i := range n {
		if *remaining--; *remaining < 0 {
			return fmt.Errorf("%w: more columns than the schema has room for", errMalformed)
		}
		field := of.at(start + 4*i)
		if kind := field.uint8(2); kind == arrowUnion || kind > arrowLargeList || field.field(4) != 0 {
			return fmt.Errorf("%w: a column of a kind that Spark does not send", errMalformed)
		}
		field.vector(6, 4)
		if err := checkFields(field, 5, remaining, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// checkBatch checks a batch, and subtracts its rows from those that may still come.
func checkBatch(batch table, body []byte, rows *int64) error {
	if *rows -= batch.int64(0); *rows < 0 || batch.int64(0) < 0 {
		return fmt.Errorf("%w: more rows than announced", errMalformed)
	}
	batch.vector(4, 8)
	// A value takes a bit at least, but the nulls of a void column take none.
	most := 8*int64(len(body)) + 1<<20 + batch.int64(0)
	start, n := batch.vector(1, 16)
	for i := range n {
		if length := int64(binary.LittleEndian.Uint64(batch.data[start+16*i:])); length < 0 || length > most {
			return fmt.Errorf("%w: a column of %d values in %d bytes", errMalformed, length, len(body))
		}
	}
	const maxUnpacked = 1 << 30
	unpacked := int64(0)
	start, n = batch.vector(2, 16)
	for i := range n {
		offset := int64(binary.LittleEndian.Uint64(batch.data[start+16*i:]))
		length := int64(binary.LittleEndian.Uint64(batch.data[start+16*i+8:]))
		if offset < 0 || length < 0 || length > int64(len(body))-offset {
			return fmt.Errorf("%w: %d bytes at %d of %d", errMalformed, length, offset, len(body))
		}
		if batch.field(3) == 0 || length == 0 {
			continue
		}
		// A compressed buffer starts with its length unpacked; -1 is one that was not worth packing.
		size := int64(binary.LittleEndian.Uint64(body[offset:]))
		if unpacked += size; size < -1 || size > maxUnpacked || unpacked > maxUnpacked {
			return fmt.Errorf("%w: it unpacks to more than %d bytes", errMalformed, maxUnpacked)
		}
	}
	return nil
}
