package results

import "time"

// held are changes that are not published yet: a micro-batch writes its totals one by one, and is shown when nothing more
// has come for an interval, or at the latest after twelve where more keeps coming.
type held struct {
	interval time.Duration
	any      bool
	since    time.Time // of the first of them
	until    time.Time // when they are to be published
}

// longest is for how many intervals changes are held.
const longest = 12

// more notes a change.
func (h *held) more(now time.Time) {
	if !h.any {
		h.any, h.since = true, now
	}
	h.until = now.Add(h.interval)
	if last := h.since.Add(longest * h.interval); h.until.After(last) {
		h.until = last
	}
}

func (h *held) due(now time.Time) bool { return h.any && !now.Before(h.until) }
