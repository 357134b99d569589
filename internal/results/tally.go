package results

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"realtime-election/election"
)

// place is where a total stands: an aggregation, and the key without its run, whole and as the values of its fields.
type place struct {
	of      election.Aggregation
	natural string
	values  []string
}

// total is one result record.
type total struct {
	votes  int64
	newest int64 // newest_record_at, in milliseconds since 1970
}

// compare orders the totals of one place: more votes first, then the newer.
func (t total) compare(u total) int {
	return cmp.Or(cmp.Compare(t.votes, u.votes), cmp.Compare(t.newest, u.newest))
}

// toldApart are the fields of a key that snapshots tell apart, where these are not all: the series per minute is not shown
// by region, nor are the demographics by region, gender and candidate. Sums over the rest are kept up to date, so that a
// snapshot costs what it shows and not what the topics hold.
var toldApart = map[string][]election.Field{
	election.ByDemographicTopic: {election.AgeGroupField},
	election.PerMinuteTopic:     {election.MinuteField, election.CandidateField},
}

// shown is the part of the natural key that snapshots tell apart.
func (p place) shown() string {
	fields, some := toldApart[p.of.Topic]
	if !some {
		return p.natural
	}
	var values []string
	for i, field := range p.of.Key {
		if slices.Contains(fields, field) {
			values = append(values, p.values[i])
		}
	}
	return election.NaturalKey(values...)
}

// tally is what one run has counted. A large election has a million places, so what is kept of each is small.
type tally struct {
	tables map[string]*table // by topic
	newest time.Time         // a high-water mark: it does not fall when a key is forgotten
}

// table is what one topic holds.
type table struct {
	of     election.Aggregation
	totals map[string]kept // by the key without its run
	sums   []sum
	index  map[string]uint32 // places in sums
}

// kept is a total, and the place in table.sums of the sum that it is part of.
type kept struct {
	total
	sum uint32
}

// sum are the votes of all totals that are shown as one.
type sum struct {
	shown string // the part of their keys that they share
	votes int64
}

func newTally() *tally { return &tally{tables: map[string]*table{}} }

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
	in := t.tables[at.of.Topic]
	if in == nil {
		in = &table{of: at.of, totals: map[string]kept{}, index: map[string]uint32{}}
		t.tables[at.of.Topic] = in
	}
	old, held := in.totals[at.natural]
	if held {
		if to.compare(old.total) <= 0 {
			return false
		}
		in.sums[old.sum].votes -= old.votes
	} else {
		old.sum = in.sum(at.shown())
	}
	in.sums[old.sum].votes += to.votes
	in.totals[at.natural] = kept{to, old.sum}
	if newest := time.UnixMilli(to.newest).UTC(); newest.After(t.newest) {
		t.newest = newest
	}
	return true
}

// forget takes a place out, and reports whether it was there.
func (t *tally) forget(at place) bool {
	in := t.tables[at.of.Topic]
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

// each hands the sums that are not 0 to f: the part of the natural key that is shown, and the values in it, which f must
// not keep.
func (t *tally) each(f func(a election.Aggregation, shown string, values []string, votes int64)) {
	var values []string
	for _, in := range t.tables {
		for _, s := range in.sums {
			if s.votes == 0 {
				continue
			}
			values = values[:0]
			for value := range strings.SplitSeq(s.shown, "/") {
				values = append(values, value)
			}
			f(in.of, s.shown, values, s.votes)
		}
	}
}

// sum is the place of a sum, which is made where there is none.
func (in *table) sum(shown string) uint32 {
	n, known := in.index[shown]
	if !known {
		n = uint32(len(in.sums))
		in.sums, in.index[shown] = append(in.sums, sum{shown: shown}), n
	}
	return n
}
