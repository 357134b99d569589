package spark

import "encoding/binary"

// table is a table of a flatbuffer, the form of Arrow's metadata. Its fields are found by their slot in a vtable. Whatever lies
// outside the data is a panic of an index out of range; offsets only point forward, so a walk comes to an end.
type table struct {
	data   []byte
	start  int
	vtable []byte // offsets of the fields from start, 0 for what is absent
}

func rootTable(data []byte) table { return table{data: data}.at(0) }

// at follows the offset at a place to the table there.
func (t table) at(place int) table {
	start := place + int(binary.LittleEndian.Uint32(t.data[place:]))
	vtable := t.data[start-int(int32(binary.LittleEndian.Uint32(t.data[start:]))):]
	return table{t.data, start, vtable[4:binary.LittleEndian.Uint16(vtable)]}
}

// field is the place of a field, 0 for one that is absent.
func (t table) field(slot int) int {
	if len(t.vtable) <= 2*slot {
		return 0
	}
	// A vtable of an odd size still has its last field, as Arrow's reader sees it: two bytes, one of them after it.
	if offset := binary.LittleEndian.Uint16(t.vtable[2*slot : 2*slot+2]); offset != 0 {
		return t.start + int(offset)
	}
	return 0
}

func (t table) uint8(slot int) uint8 {
	if place := t.field(slot); place != 0 {
		return t.data[place]
	}
	return 0
}

func (t table) int64(slot int) int64 {
	if place := t.field(slot); place != 0 {
		return int64(binary.LittleEndian.Uint64(t.data[place:]))
	}
	return 0
}

// child is the table in a field, an empty one if it is absent.
func (t table) child(slot int) table {
	if place := t.field(slot); place != 0 {
		return t.at(place)
	}
	return table{data: t.data}
}

// vector is the place of a field's first element and their number.
func (t table) vector(slot, size int) (start, n int) {
	place := t.field(slot)
	if place == 0 {
		return 0, 0
	}
	place += int(binary.LittleEndian.Uint32(t.data[place:]))
	n = int(binary.LittleEndian.Uint32(t.data[place:]))
	_ = t.data[place+4 : place+4+n*size]
	return place + 4, n
}
