package web

import (
	"net/url"
	"slices"
	"testing"

	"realtime-election/election"
	"realtime-election/internal/results"
)

// FuzzLocationQuery checks that any parameters give a valid query, and that the query's own link gives the same query.
func FuzzLocationQuery(f *testing.F) {
	for _, query := range []string{
		"", "q=north+sea&sort=votes&dir=asc&size=50&page=3", "sort=candidate.ann", "sort=candidate.zed", "size=-1&page=0", "q=%ff", "page=99999999999999999999", "dir=up",
	} {
		f.Add(query)
	}
	d := &election.Definition{
		Candidates: []election.Candidate{{ID: "ann", Name: "Ann"}},
		Regions:    []election.Region{{ID: "r", Name: "Région 2", Districts: []election.District{{ID: "d1"}, {ID: "d2", Name: "Ærø", Registered: 3}}}},
	}
	s := &results.Snapshot{Definition: d, Candidates: []results.CandidateVotes{{Candidate: &d.Candidates[0]}}}
	for _, in := range d.Districts() {
		s.Districts = append(s.Districts, results.DistrictVotes{DistrictIn: in, ByCandidate: []int64{0}})
	}
	a := newSearchIndex(d)
	f.Fuzz(func(t *testing.T, query string) {
		values, _ := url.ParseQuery(query)
		q, _ := parseLocationQuery(values, s)
		if q.Page < 1 || !slices.Contains(sizes, q.Size) || !isColumn(q.Sort, s) {
			t.Fatalf("%q: %+v", query, q)
		}
		if again, err := parseLocationQuery(q.values(), s); err != nil || again != q {
			t.Errorf("%q: %+v leads to %+v, %v", query, q, again, err)
		}
		if page := a.find(s, q); len(page.rows) > q.Size || page.matching > len(s.Districts) || page.query.Page > page.pages() {
			t.Errorf("%q: %+v", query, page)
		}
	})
}
