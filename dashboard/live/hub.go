// Package live hands the newest snapshot to every open browser, and says how fresh it is.
//
// A [Hub] keeps the newest update. Each browser has a mailbox with room for one update. A newer one replaces an update that the
// browser has not fetched yet, so a slow browser skips updates, delays nobody, and still gets the newest. An update is encoded
// once, when the first browser asks for it, and all browsers share the bytes.
//
//	hub := live.NewHub(encode, time.Now)
//	go hub.Watch(ctx)
//	hub.Publish(snapshot)
//
//	box := hub.Join()
//	defer box.Leave()
//	for update := range box.Updates() { … }
package live

import (
	"context"
	"sync"
	"time"

	"realtime-election/internal/results"
)

// Update is a snapshot for the browsers.
type Update struct {
	Version  uint64 // from 1, one more with each snapshot
	Snapshot *results.Snapshot
	Event    func() []byte // the encoded update, made once; the caller must not change it
}

// Hub keeps the newest update and delivers it. Any goroutine may call its methods. Watch and WatchBacklog block, the others do
// not.
type Hub struct {
	encode func(version uint64, s *results.Snapshot) []byte
	now    func() time.Time

	mu      sync.Mutex
	update  *Update // nil before the first snapshot
	backlog Backlog
	clock   clock
	doubts  doubts
	sent    Status // last status that was delivered, without what ages
	boxes   map[*Mailbox]struct{}
}

// NewHub makes a hub that encodes updates with encode, and asks now for the time.
func NewHub(encode func(version uint64, s *results.Snapshot) []byte, now func() time.Time) *Hub {
	return &Hub{encode: encode, now: now, boxes: map[*Mailbox]struct{}{}}
}

// Publish makes a snapshot the newest, as viewers may see it. A snapshot with a smaller total than the one before is not shown
// for a minute.
func (h *Hub) Publish(s *results.Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	version := uint64(1)
	if h.update != nil {
		version = h.update.Version + 1
	}
	now := h.now()
	h.clock.report(now, s.QueryAt)
	if h.doubts.add(now, s) {
		shown := *h.update.Snapshot
		shown.Query, shown.QueryAt = s.Query, s.QueryAt
		s = &shown
	}
	s = s.ForViewers() // doubts are about exact totals
	h.update = &Update{version, s, sync.OnceValue(func() []byte { return h.encode(version, s) })}
	h.sent = h.status().Timeless()
	h.deliver()
}

// Current is the newest update, nil before the first snapshot.
func (h *Hub) Current() *Update {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.update
}

// SetBacklog sets whether there are votes that the newest snapshot does not count.
func (h *Hub) SetBacklog(b Backlog) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.backlog = b
}

// Status is how fresh the newest update is now.
func (h *Hub) Status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.status()
}

func (h *Hub) status() Status {
	var s *results.Snapshot
	if h.update != nil {
		s = h.update.Snapshot
	}
	now := h.now()
	return statusOf(now, h.clock, s, h.backlog, h.doubts.say(now, h.backlog))
}

// Watch checks the status each second until ctx ends, and delivers the newest update again when the status has changed.
func (h *Hub) Watch(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			h.checkStatus()
		}
	}
}

func (h *Hub) checkStatus() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.status().Timeless(); now != h.sent {
		h.sent = now
		h.deliver()
	}
}

func (h *Hub) deliver() {
	if h.update != nil {
		for box := range h.boxes {
			box.put(h.update)
		}
	}
}

// Mailbox holds the update that a browser has not fetched yet.
type Mailbox struct {
	hub  *Hub
	slot chan *Update
}

// Join opens a mailbox. It holds the newest update, if there is one.
func (h *Hub) Join() *Mailbox {
	h.mu.Lock()
	defer h.mu.Unlock()
	box := &Mailbox{h, make(chan *Update, 1)}
	h.boxes[box] = struct{}{}
	if h.update != nil {
		box.put(h.update)
	}
	return box
}

// Leave closes the mailbox.
func (m *Mailbox) Leave() {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	delete(m.hub.boxes, m)
}

// Viewers is the number of open mailboxes.
func (h *Hub) Viewers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.boxes)
}

// Updates delivers the newest update whenever it or its status has changed.
func (m *Mailbox) Updates() <-chan *Update { return m.slot }

// put replaces an update that was not fetched. The hub's lock makes it the only writer, so the slot is empty after the select.
func (m *Mailbox) put(u *Update) {
	select {
	case <-m.slot:
	default:
	}
	m.slot <- u
}
