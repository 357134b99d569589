// Package live hands the newest snapshot to every open browser, and says how fresh it is.
//
// A [Hub] keeps one update, the newest. Each browser has a mailbox of one slot: a newer update takes the place of one
// that was not fetched yet, so a slow browser skips updates, holds up nobody and never ends on an old one. An update
// is encoded once, when the first browser asks for it, and the bytes are shared.
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

// Update is a snapshot as it goes to the browsers.
type Update struct {
	Version  uint64 // from 1, one more with each snapshot
	Snapshot *results.Snapshot
	Event    func() []byte // the encoded update: made once, not to be changed
}

// Hub keeps the newest update and passes it on. Its methods may be called by any goroutine; none blocks.
type Hub struct {
	encode func(version uint64, s *results.Snapshot) []byte
	now    func() time.Time

	mu      sync.Mutex
	update  *Update // nil before the first snapshot
	backlog Backlog
	clock   clock
	told    Status // what the browsers know, but for the ages
	boxes   map[*Mailbox]struct{}
}

// NewHub makes a hub that encodes its updates with encode, and tells the time by now.
func NewHub(encode func(version uint64, s *results.Snapshot) []byte, now func() time.Time) *Hub {
	return &Hub{encode: encode, now: now, boxes: map[*Mailbox]struct{}{}}
}

// Publish makes a snapshot the newest.
func (h *Hub) Publish(s *results.Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	version := uint64(1)
	if h.update != nil {
		version = h.update.Version + 1
	}
	h.update = &Update{version, s, sync.OnceValue(func() []byte { return h.encode(version, s) })}
	h.clock.hear(h.now(), s.QueryAt)
	h.told = h.status().Timeless()
	h.passOn()
}

// Current is the newest update, nil before the first snapshot.
func (h *Hub) Current() *Update {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.update
}

// SetBacklog says whether there are votes that the newest snapshot does not count.
func (h *Hub) SetBacklog(b Backlog) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.backlog = b
}

// Status is how fresh the newest update is at this moment.
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
	return judge(h.now(), h.clock, s, h.backlog)
}

// Watch looks at the status each second until ctx ends, and wakes the browsers when it becomes another.
func (h *Hub) Watch(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			h.look()
		}
	}
}

func (h *Hub) look() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.status().Timeless(); now != h.told {
		h.told = now
		h.passOn()
	}
}

func (h *Hub) passOn() {
	if h.update != nil {
		for box := range h.boxes {
			box.put(h.update)
		}
	}
}

// Mailbox is one browser's.
type Mailbox struct {
	hub  *Hub
	slot chan *Update
}

// Join opens a mailbox. If there is an update already, it lies in it.
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

// Viewers is how many mailboxes are open.
func (h *Hub) Viewers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.boxes)
}

// Updates delivers the newest update, once each time that it or its status is another.
func (m *Mailbox) Updates() <-chan *Update { return m.slot }

// put replaces what was not fetched. The hub's lock makes it the only writer, so the slot has room after the first
// select, whichever way that went.
func (m *Mailbox) put(u *Update) {
	select {
	case <-m.slot:
	default:
	}
	m.slot <- u
}
