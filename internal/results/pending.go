package results

import "time"

// pendingChanges says when changes are to be published. A micro-batch writes its totals one by one, so changes are published
// when no other has come for an interval, or after maxIntervals while changes keep coming.
type pendingChanges struct {
	interval time.Duration
	any      bool      // whether there are changes
	since    time.Time // time of the first change
	until    time.Time // when to publish the changes
}

// maxIntervals is the largest number of intervals for which changes are pending.
const maxIntervals = 12

// add notes a change.
func (p *pendingChanges) add(now time.Time) {
	if !p.any {
		p.any, p.since = true, now
	}
	p.until = now.Add(p.interval)
	if last := p.since.Add(maxIntervals * p.interval); p.until.After(last) {
		p.until = last
	}
}

func (p *pendingChanges) due(now time.Time) bool { return p.any && !now.Before(p.until) }
