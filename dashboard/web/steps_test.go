package web_test

import (
	"encoding/json"
	"strings"
	"testing"

	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/internal/results"
	"realtime-election/internal/results/resultstest"
)

// polling is an election with an electorate while the polls are open: North has 19 votes, and then South 11.
func polling() *results.Snapshot {
	d := lakes()
	d.Regions[1].Districts[0].Registered = 1000
	d.Electorate = &election.Electorate{}
	votes := resultstest.Votes{"n1": {"ann": 10, "evil": 9}, "s1": {"ann": 5, "evil": 6}}
	records := []resultstest.Record{resultstest.Definition(d), resultstest.Official(d, 1)}
	return resultstest.Snapshot(append(records, resultstest.Totals(d, 1, votes, noon)...)...)
}

const inSteps = "While the polls are open, the votes of a district are shown in steps of 10."

// TestPageShowsDistrictsInSteps looks at all that the page serves of districts.
func TestPageShowsDistrictsInSteps(t *testing.T) {
	s := newSite(t, polling())
	for _, path := range []string{"/", "/locations"} {
		_, page := s.get(t, path)
		text := shown(page)
		for _, want := range []string{inSteps, "n1 North 3,000 10 0.3% Ann de Wit 10 0 0", "s1 South & Sons 1,000 10 1.0% – 0 0 0"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not show %q: %s", path, want, text)
			}
		}
	}
	_, page := s.get(t, "/")
	for _, want := range []string{"North 19 0.6% Ann de Wit 10 9 0", "South & Sons 11 1.1% " + hostile + " 5 6 0", "30 votes counted"} {
		if !strings.Contains(shown(page), want) {
			t.Errorf("the page does not show %q exactly", want)
		}
	}
	var document web.Document
	decode(t, s, &document)
	if d := document.Districts[0]; document.DistrictStep != 10 || d.Votes != 10 || d.Candidates["ann"] != 10 || d.Candidates["evil"] != 0 || document.Regions[0].Votes != 19 {
		t.Errorf("the results have step %d, %+v", document.DistrictStep, d)
	}
	if rows := ask(t, s, "sort=turnout"); rows.DistrictStep != 10 || *rows.Rows[0].Turnout != 0.01 || rows.Rows[0].Leader != nil || rows.Rows[0].Votes != 10 {
		t.Errorf("the districts are %+v", rows)
	}
	// The greater of two that are shown as equal must not come first.
	for query, first := range map[string]election.DistrictID{"sort=votes": "n1", "sort=votes&dir=asc": "n1", "sort=candidate.evil&dir=asc": "n1", "sort=candidate.evil": "n1"} {
		if got := ask(t, s, query).Rows[0].ID; got != first {
			t.Errorf("%s: %s is first", query, got)
		}
	}
	if event := string(s.hub.Current().Event()); strings.Contains(event, "n1") || !json.Valid([]byte(event[strings.Index(event, "{"):])) {
		t.Errorf("the event has districts: %s", event)
	}
}

func TestPageShowsExactDistrictsOnceThePollsAreClosed(t *testing.T) {
	closed := polling()
	closed.PollsClosed = true
	s := newSite(t, closed)
	_, page := s.get(t, "/")
	if text := shown(page); strings.Contains(text, "steps of") || !strings.Contains(text, "n1 North 3,000 19 0.6% Ann de Wit 10 9 0") {
		t.Errorf("the page shows %s", text)
	}
	if rows := ask(t, s, "sort=votes"); rows.DistrictStep != 1 || rows.Rows[0].Votes != 19 {
		t.Errorf("the districts are %+v", rows)
	}
}
