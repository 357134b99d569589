package results

import (
	"cmp"
	"errors"

	"realtime-election/election"
)

// place is where a total stands: a topic, and the key without its run.
type place struct{ topic, natural string }

// cell is what a total is of. Which fields are used depends on the topic.
type cell struct{ candidate, region, district, ageGroup, gender, minute, reason string }

// total is one result record.
type total struct {
	of     cell
	votes  int64
	newest string // in election.TimeLayout
}

// compare orders the totals of one place: more votes first, and then anything, so long as it is always the same.
func (t total) compare(u total) int {
	return cmp.Or(
		cmp.Compare(t.votes, u.votes), cmp.Compare(t.newest, u.newest),
		cmp.Compare(t.of.candidate, u.of.candidate), cmp.Compare(t.of.region, u.of.region),
		cmp.Compare(t.of.district, u.of.district), cmp.Compare(t.of.ageGroup, u.of.ageGroup),
		cmp.Compare(t.of.gender, u.of.gender), cmp.Compare(t.of.minute, u.of.minute),
		cmp.Compare(t.of.reason, u.of.reason),
	)
}

var errMissing = errors.New("a field is missing that the topic needs")

// needed says, for each result topic, which fields a record must hold.
var needed = map[string]func(cell) error{
	election.PerCandidateTopic:      func(c cell) error { return present(c.candidate) },
	election.TurnoutByLocationTopic: func(c cell) error { return present(c.region) },
	election.ByLocationTopic:        func(c cell) error { return present(c.region, c.candidate) },
	election.ByDistrictTopic:        func(c cell) error { return present(c.district, c.candidate) },
	election.ByDemographicTopic:     func(c cell) error { return present(c.candidate) },
	election.PerMinuteTopic:         func(c cell) error { return present(c.minute, c.candidate) },
	election.PerReasonTopic:         func(c cell) error { return present(c.reason) },
}

func present(fields ...string) error {
	for _, f := range fields {
		if f == "" {
			return errMissing
		}
	}
	return nil
}

// shown is the part of a cell that snapshots distinguish: the series per minute is not shown by region, nor are the
// demographics by region, gender and candidate. Sums over the rest are kept up to date, so that a snapshot costs what it
// shows and not what the topics hold.
func shown(topic string, c cell) sum {
	switch topic {
	case election.ByDemographicTopic:
		c = cell{ageGroup: c.ageGroup}
	case election.PerMinuteTopic:
		c = cell{minute: c.minute, candidate: c.candidate}
	case election.ByDistrictTopic:
		c = cell{district: c.district, candidate: c.candidate}
	}
	return sum{topic, c}
}

type sum struct {
	topic string
	of    cell
}

// tally is what one run has counted.
type tally struct {
	totals map[place]total
	sums   map[sum]int64
	newest string // a high-water mark: it does not fall when a key is forgotten
}

func newTally() *tally { return &tally{totals: map[place]total{}, sums: map[sum]int64{}} }

func (t *tally) empty() bool { return len(t.totals) == 0 }

// raise keeps the greater of what the place holds and the new total, and reports whether that changed anything.
func (t *tally) raise(at place, to total) bool {
	old, held := t.totals[at]
	if held && to.compare(old) <= 0 {
		return false
	}
	t.add(at, old, -old.votes)
	t.totals[at] = to
	t.add(at, to, to.votes)
	t.newest = max(t.newest, to.newest)
	return true
}

// forget takes a place out, and reports whether it was there.
func (t *tally) forget(at place) bool {
	old, held := t.totals[at]
	if held {
		delete(t.totals, at)
		t.add(at, old, -old.votes)
	}
	return held
}

func (t *tally) add(at place, of total, votes int64) {
	s := shown(at.topic, of.of)
	if t.sums[s] += votes; t.sums[s] == 0 {
		delete(t.sums, s)
	}
}
