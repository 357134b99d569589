package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"realtime-election/dashboard/charts"
	"realtime-election/dashboard/live"
	"realtime-election/internal/results"
)

// payload is the data of a "results" event: the changes to a page that shows the election of this fingerprint.
type payload struct {
	Version     uint64            `json:"version"`
	Fingerprint string            `json:"fingerprint"` // the page reloads if it shows another
	Texts       map[string]string `json:"texts"`       // by data-text
	Order       []string          `json:"order"`       // candidate ids, most votes first
	Leading     []string          `json:"leading"`     // ids of the candidates with the most votes, none before the first vote
	Portrait    string            `json:"portrait"`    // of the leader; empty: show the initials
	Progress    float64           `json:"progress"`    // 0 to 1
	Times       [][2]string       `json:"times"`       // rows of the table of the polling day
	Charts      []charts.Chart    `json:"charts"`
}

// Event encodes a snapshot as a "results" event, for [live.NewHub]. The event holds no ages.
func (p Portraits) Event(version uint64, s *results.Snapshot) []byte {
	v := newView(s, p)
	data, err := json.Marshal(payload{
		version, s.Fingerprint, v.texts, v.order(), v.leading(), v.Portrait, v.Progress, v.Times, charts.All(s),
	})
	if err != nil {
		panic(err) // JSON can hold all fields
	}
	return fmt.Appendf(nil, "id: %d\nevent: results\ndata: %s\n\n", version, data)
}

// statusEvent encodes a status. It is made for each browser right before it is sent, so its age is right.
func statusEvent(s live.Status) []byte {
	text, err := json.Marshal(struct {
		State  live.State `json:"state"`
		Detail string     `json:"detail"`
		Age    *float64   `json:"age_seconds"` // null before the first vote
	}{s.State, s.Detail, seconds(s.Age)})
	if err != nil {
		panic(err) // JSON can hold all fields
	}
	return fmt.Appendf(nil, "event: status\ndata: %s\n\n", text)
}

// events streams updates until the browser disconnects or the server stops.
func (s Site) events(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	from := addressOf(r.RemoteAddr)
	if !s.viewers.enter(from) {
		h.Set("Retry-After", "15")
		plain(w, http.StatusServiceUnavailable, "Too many pages are open. Close some, or reload later to see the count of that moment.\n")
		return
	}
	defer s.viewers.leave(from)
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // or a proxy may collect events
	if r.Method == http.MethodHead {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the server's limit is for requests, and this one has been read
	send := func(parts ...[]byte) error { return send(w, cmp.Or(s.WriteTimeout, 10*time.Second), parts...) }

	box := s.Hub.Join()
	defer box.Leave()
	heartbeat := time.NewTicker(cmp.Or(s.Heartbeat, 15*time.Second))
	defer heartbeat.Stop()
	pace := time.NewTimer(0)
	defer pace.Stop()
	<-pace.C

	if send([]byte("retry: 2000\n\n"), statusEvent(s.Hub.Status())) != nil {
		return
	}
	var sent uint64
	updates := box.Updates()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-pace.C:
			updates = box.Updates()
		case <-heartbeat.C:
			err = send([]byte(": heartbeat\n\n"), statusEvent(s.Hub.Status()))
		case u := <-updates:
			var event []byte
			if u.Version != sent {
				event, sent = u.Event(), u.Version
			}
			err = send(event, statusEvent(s.Hub.Status()))
			// Until the pace allows it, the next update waits in the mailbox, where a newer one replaces it.
			updates = nil
			pace.Reset(cmp.Or(s.Pace, 250*time.Millisecond))
		}
		if err != nil {
			return // the browser is gone or too slow
		}
	}
}
