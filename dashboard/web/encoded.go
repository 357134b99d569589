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

// encoded is the document of an update. It is encoded when the first reader asks for it, and compressed when the first
// one asks who takes that. All readers are sent the same bytes: in a large election a document has megabytes.
type encoded struct {
	update *live.Update
	plain  func() []byte // the JSON of a CountDocument, but for the brace at its end
	zipped func() zipped // the same
}

func newEncoded(u *live.Update) *encoded {
	plain := sync.OnceValue(func() []byte {
		text, err := json.Marshal(newCountDocument(u))
		if err != nil {
			panic(err) // nothing in it is beyond JSON
		}
		return bytes.Clone(text[:len(text)-1])
	})
	return &encoded{u, plain, sync.OnceValue(func() zipped { return zip(plain()) })}
}

// end is what a reader alone is sent: the rest of the Document.
func (*encoded) end(status live.Status) []byte {
	text, err := json.Marshal(struct {
		Age *float64 `json:"age_seconds"`
	}{seconds(status.Age)})
	if err != nil {
		panic(err) // a number
	}
	text[0] = ','
	return append(text, '\n')
}

// seconds are null where an age is negative: there is nothing that could be old.
func seconds(age time.Duration) *float64 {
	if age < 0 {
		return nil
	}
	n := age.Seconds()
	return &n
}

// documents keeps the newest update's document.
type documents struct {
	mu   sync.Mutex
	last *encoded
}

// newest is the document of the hub's newest update, nil before the first.
func (d *documents) newest(hub *live.Hub) *encoded {
	d.mu.Lock()
	defer d.mu.Unlock()
	if u := hub.Current(); u != nil && (d.last == nil || d.last.update != u) {
		d.last = newEncoded(u)
	}
	return d.last
}

// zipped is a gzip file of which the end is missing, so that each reader can get another end. It ends where a byte and a
// block of the compressed data do.
type zipped struct {
	data []byte
	sum  uint32
	size int
}

func zip(text []byte) zipped {
	var b bytes.Buffer
	b.WriteString("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff") // of a gzip file that says nothing of its origin
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return zipped{bytes.Clone(b.Bytes()), crc32.ChecksumIEEE(text), len(text)}
}

// end is the file's end where the text goes on with this, which is not compressed: at most 64 KiB.
func (z zipped) end(text []byte) []byte {
	b := []byte{1} // the last block, stored as it is
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

// send writes parts, and copies none of them. A reader that takes longer is cut off.
func send(w http.ResponseWriter, patience time.Duration, parts ...[]byte) error {
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return control.Flush()
}
