package results

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"realtime-election/election"
)

// cell is what a total is of: an aggregation and a natural key, whole and as the values of its fields.
type cell struct {
	aggregation election.Aggregation
	natural     string
	values      []string
}

// total is one result record.
type total struct {
	votes  int64
	newest int64 // newest_record_at, in milliseconds since 1970
}

// compare compares two totals of a cell by votes, and then by age. The newer total is the greater.
func (t total) compare(u total) int {
	return cmp.Or(cmp.Compare(t.votes, u.votes), cmp.Compare(t.newest, u.newest))
}

// shownFields are the fields by which a snapshot shows the totals of a topic, if these are not all fields of its key. A snapshot
// shows the votes per slot without regions, and the votes by age group without regions, genders and candidates. The sums are
// kept up to date, so that the cost of a snapshot depends on what it shows and not on what the topics hold.
var shownFields = map[string][]election.Field{
	election.ByDemographicTopic: {election.AgeGroupField},
	election.PerSlotTopic:       {election.SlotField, election.CandidateField},
}

// shown is the part of the natural key by which a snapshot shows the total.
func (c cell) shown() string {
	fields, some := shownFields[c.aggregation.Topic]
	if !some {
		return c.natural
	}
	var values []string
	for i, field := range c.aggregation.Key {
		if slices.Contains(fields, field) {
			values = append(values, c.values[i])
		}
	}
	return election.NaturalKey(values...)
}

// runTotals are the totals of one run. A large election has a million cells, so the data of each is small.
type runTotals struct {
	topics map[string]*topicTotals
	newest time.Time // never falls, even when a key is removed
}

// topicTotals are the totals of one topic.
type topicTotals struct {
	aggregation election.Aggregation
	totals      map[string]cellTotal // by natural key
	sums        []shownSum
	index       map[string]uint32 // positions in sums, by shown
}

// cellTotal is a total, and the position in topicTotals.sums of the sum that it is part of.
type cellTotal struct {
	total
	sum uint32
}

// shownSum is the sum of all totals that a snapshot shows as one.
type shownSum struct {
	shown string // see cell.shown
	votes int64
}

func newRunTotals() *runTotals { return &runTotals{topics: map[string]*topicTotals{}} }

func (t *runTotals) empty() bool {
	for _, in := range t.topics {
		if len(in.totals) > 0 {
			return false
		}
	}
	return true
}

// raise sets the total of a cell if the new one is greater, and reports whether it is.
func (t *runTotals) raise(at cell, to total) bool {
	in := t.topics[at.aggregation.Topic]
	if in == nil {
		in = &topicTotals{aggregation: at.aggregation, totals: map[string]cellTotal{}, index: map[string]uint32{}}
		t.topics[at.aggregation.Topic] = in
	}
	old, exists := in.totals[at.natural]
	if exists {
		if to.compare(old.total) <= 0 {
			return false
		}
		in.sums[old.sum].votes -= old.votes
	} else {
		old.sum = in.sum(at.shown())
	}
	in.sums[old.sum].votes += to.votes
	in.totals[at.natural] = cellTotal{to, old.sum}
	if newest := time.UnixMilli(to.newest).UTC(); newest.After(t.newest) {
		t.newest = newest
	}
	return true
}

// remove removes the total of a cell, and reports whether there was one.
func (t *runTotals) remove(at cell) bool {
	in := t.topics[at.aggregation.Topic]
	if in == nil {
		return false
	}
	old, exists := in.totals[at.natural]
	if exists {
		delete(in.totals, at.natural)
		in.sums[old.sum].votes -= old.votes
	}
	return exists
}

// each calls f for each sum that is not 0, with the shown part of the natural key, and with the values in it, which f must not
// keep.
func (t *runTotals) each(f func(a election.Aggregation, shown string, values []string, votes int64)) {
	var values []string
	for _, in := range t.topics {
		for _, s := range in.sums {
			if s.votes == 0 {
				continue
			}
			values = values[:0]
			for value := range strings.SplitSeq(s.shown, "/") {
				values = append(values, value)
			}
			f(in.aggregation, s.shown, values, s.votes)
		}
	}
}

// sum is the position of a sum in sums. It adds the sum if it is missing.
func (in *topicTotals) sum(shown string) uint32 {
	n, known := in.index[shown]
	if !known {
		n = uint32(len(in.sums))
		in.sums, in.index[shown] = append(in.sums, shownSum{shown: shown}), n
	}
	return n
}
