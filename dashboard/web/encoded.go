package web

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"net/http"
	"strings"
	"sync"
	"time"

	"realtime-election/dashboard/live"
)

// encoded is the document of an update. It is encoded when the first reader asks for it, and compressed when the first reader
// asks that accepts gzip. All readers get the same bytes, since the document of a large election has megabytes.
type encoded struct {
	update *live.Update
	plain  func() []byte // the JSON of a CountDocument, without the last brace
	zipped func() zipped // the same, compressed
}

func newEncoded(u *live.Update) *encoded {
	plain := sync.OnceValue(func() []byte {
		text, err := json.Marshal(newCountDocument(u))
		if err != nil {
			panic(err) // JSON can hold all fields
		}
		return bytes.Clone(text[:len(text)-1])
	})
	return &encoded{u, plain, sync.OnceValue(func() zipped { return zip(plain()) })}
}

// end is the rest of the Document, which differs for each reader.
func (*encoded) end(status live.Status) []byte {
	text, err := json.Marshal(struct {
		Age *float64 `json:"age_seconds"`
	}{seconds(status.Age)})
	if err != nil {
		panic(err) // JSON can hold a number
	}
	text[0] = ','
	return append(text, '\n')
}

// seconds is nil for a negative age, which means that there is no vote yet.
func seconds(age time.Duration) *float64 {
	if age < 0 {
		return nil
	}
	n := age.Seconds()
	return &n
}

// documents keeps the document of the newest update.
type documents struct {
	mu   sync.Mutex
	last *encoded
}

// newest is the document of the hub's newest update, nil before the first update.
func (d *documents) newest(hub *live.Hub) *encoded {
	d.mu.Lock()
	defer d.mu.Unlock()
	if u := hub.Current(); u != nil && (d.last == nil || d.last.update != u) {
		d.last = newEncoded(u)
	}
	return d.last
}

// zipped is a gzip file without its end, so that each reader can get another end. It ends with a whole byte and a whole block of
// the compressed data.
type zipped struct {
	data []byte
	sum  uint32
	size int
}

func zip(text []byte) zipped {
	var b bytes.Buffer
	b.WriteString("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff") // header of a gzip file, without name and time
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err) // a buffer accepts all writes
	}
	return zipped{bytes.Clone(b.Bytes()), crc32.ChecksumIEEE(text), len(text)}
}

// end is the end of the file if the text ends with this, uncompressed, at most 64 KiB.
func (z zipped) end(text []byte) []byte {
	b := []byte{1} // the last block, uncompressed
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	b = binary.LittleEndian.AppendUint16(b, ^uint16(len(text)))
	b = append(b, text...)
	b = binary.LittleEndian.AppendUint32(b, crc32.Update(z.sum, crc32.IEEETable, text))
	return binary.LittleEndian.AppendUint32(b, uint32(z.size+len(text)))
}

func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) == "gzip" {
			weight = strings.TrimSpace(weight)
			return weight == "" || strings.Trim(weight, "q=0.") != "" // gzip;q=0.0 refuses it
		}
	}
	return false
}

// send writes parts without copying them. It ends the connection of a reader that takes longer than timeout.
func send(w http.ResponseWriter, timeout time.Duration, parts ...[]byte) error {
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return control.Flush()
}
