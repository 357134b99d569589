package results

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

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
	newest int64 // newest_record_at, in milliseconds since 1970
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

var (
	errMissing  = errors.New("a field is missing that the topic needs")
	errOtherKey = errors.New("the key says another cell than the value")
)

// naturals says, for each result topic, of which fields its natural keys are made.
var naturals = map[string]func(cell) []string{
	election.PerCandidateTopic:      func(c cell) []string { return []string{c.candidate} },
	election.TurnoutByLocationTopic: func(c cell) []string { return []string{c.region} },
	election.ByLocationTopic:        func(c cell) []string { return []string{c.region, c.candidate} },
	election.ByDistrictTopic:        func(c cell) []string { return []string{c.district, c.candidate} },
	election.ByDemographicTopic:     func(c cell) []string { return []string{c.region, c.ageGroup, c.gender, c.candidate} },
	election.PerMinuteTopic:         func(c cell) []string { return []string{c.region, c.minute, c.candidate} },
	election.PerReasonTopic:         func(c cell) []string { return []string{c.reason} },
}

// unstated says which parts of a natural key may be empty: not every ballot states age and gender.
var unstated = map[string][]int{election.ByDemographicTopic: {1, 2}}

// belongs says whether a cell is the one that a record's key names.
func (c cell) belongs(at place) error {
	fields := naturals[at.topic](c)
	for i, field := range fields {
		if field == "" && !slices.Contains(unstated[at.topic], i) {
			return errMissing
		}
	}
	if strings.Join(fields, "/") != at.natural {
		return errOtherKey
	}
	return nil
}

// shown is the part of a cell that snapshots distinguish: the series per minute is not shown by region, nor are the
// demographics by region, gender and candidate. Sums over the rest are kept up to date, so that a snapshot costs what it
// shows and not what the topics hold.
func shown(topic string, c cell) cell {
	switch topic {
	case election.ByDemographicTopic:
		return cell{ageGroup: c.ageGroup}
	case election.PerMinuteTopic:
		return cell{minute: c.minute, candidate: c.candidate}
	case election.ByDistrictTopic:
		return cell{district: c.district, candidate: c.candidate}
	}
	return c
}

// tally is what one run has counted. A large election has a million places, so what is kept of each is small: numbers
// stand for texts, and a cell is kept once.
type tally struct {
	tables map[string]*table // by topic
	texts  []string
	ids    map[string]textID
	newest time.Time // a high-water mark: it does not fall when a key is forgotten
}

// textID is a place in tally.texts.
type textID uint32

// table is what one topic holds.
type table struct {
	totals map[string]kept // by the key without its run
	sums   []sum
	index  map[cellIDs]uint32 // places in sums
}

// kept is a total: a place in table.sums stands for its cell.
type kept struct {
	votes  int64
	newest int64
	sum    uint32
}

// sum are the votes of all totals that are shown as one.
type sum struct {
	of    cellIDs
	votes int64
}

// cellIDs is a cell.
type cellIDs struct{ candidate, region, district, ageGroup, gender, minute, reason textID }

func newTally() *tally { return &tally{tables: map[string]*table{}, ids: map[string]textID{}} }

func (t *tally) empty() bool {
	for _, in := range t.tables {
		if len(in.totals) > 0 {
			return false
		}
	}
	return true
}

// raise keeps the greater of what the place holds and the new total, and reports whether that changed anything.
func (t *tally) raise(at place, to total) bool {
	in := t.tables[at.topic]
	if in == nil {
		in = &table{totals: map[string]kept{}, index: map[cellIDs]uint32{}}
		t.tables[at.topic] = in
	}
	to.of = shown(at.topic, to.of)
	if old, held := in.totals[at.natural]; held {
		if to.compare(total{t.cell(in.sums[old.sum].of), old.votes, old.newest}) <= 0 {
			return false
		}
		in.sums[old.sum].votes -= old.votes
	}
	n := in.sum(t.idsOf(to.of))
	in.sums[n].votes += to.votes
	in.totals[at.natural] = kept{to.votes, to.newest, n}
	if newest := time.UnixMilli(to.newest).UTC(); newest.After(t.newest) {
		t.newest = newest
	}
	return true
}

// forget takes a place out, and reports whether it was there.
func (t *tally) forget(at place) bool {
	in := t.tables[at.topic]
	if in == nil {
		return false
	}
	old, held := in.totals[at.natural]
	if held {
		delete(in.totals, at.natural)
		in.sums[old.sum].votes -= old.votes
	}
	return held
}

// each hands the sums that are not 0 to f.
func (t *tally) each(f func(topic string, of cell, votes int64)) {
	for topic, in := range t.tables {
		for _, s := range in.sums {
			if s.votes != 0 {
				f(topic, t.cell(s.of), s.votes)
			}
		}
	}
}

// sum is the place of a cell's sum, which is made where there is none.
func (in *table) sum(of cellIDs) uint32 {
	n, known := in.index[of]
	if !known {
		n = uint32(len(in.sums))
		in.sums, in.index[of] = append(in.sums, sum{of: of}), n
	}
	return n
}

func (t *tally) idsOf(c cell) cellIDs {
	return cellIDs{t.id(c.candidate), t.id(c.region), t.id(c.district), t.id(c.ageGroup), t.id(c.gender), t.id(c.minute), t.id(c.reason)}
}

func (t *tally) id(text string) textID {
	id, known := t.ids[text]
	if !known {
		id = textID(len(t.texts))
		t.texts, t.ids[text] = append(t.texts, text), id
	}
	return id
}

func (t *tally) cell(of cellIDs) cell {
	return cell{
		t.texts[of.candidate], t.texts[of.region], t.texts[of.district], t.texts[of.ageGroup], t.texts[of.gender],
		t.texts[of.minute], t.texts[of.reason],
	}
}
