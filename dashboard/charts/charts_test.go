package charts_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"realtime-election/dashboard/charts"
	"realtime-election/election"
	"realtime-election/internal/results"
	"realtime-election/internal/results/resultstest"
)

var noon = time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC)

func definition(names ...string) election.Definition {
	d := election.Definition{ID: "e", Name: "E", Regions: []election.Region{{ID: "r", Name: "R", Districts: []election.District{{ID: "d"}}}}}
	for i, name := range names {
		d.Candidates = append(d.Candidates, election.Candidate{ID: election.CandidateID('a' + rune(i)), Name: name})
	}
	return d
}

func snapshot(d election.Definition, votes ...int64) *results.Snapshot {
	count := map[election.CandidateID]int64{}
	for i, n := range votes {
		count[d.Candidates[i].ID] = n
	}
	records := []resultstest.Record{resultstest.Definition(d), resultstest.Official(d, 1)}
	return resultstest.Snapshot(append(records, resultstest.Totals(d, 1, resultstest.Votes{"d": count}, noon)...)...)
}

func encode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// stringsIn are all strings in what a browser gets after parsing the JSON.
func stringsIn(v any) []string {
	var all []string
	switch v := v.(type) {
	case string:
		all = append(all, v)
	case []any:
		for _, e := range v {
			all = append(all, stringsIn(e)...)
		}
	case map[string]any:
		for _, e := range v {
			all = append(all, stringsIn(e)...)
		}
	}
	return all
}

func TestNamesStayStrings(t *testing.T) {
	names := []string{`</script><script>alert(1)</script>`, `__f__alert(1)__f__`, `"+alert(1)+"`, "ليلى حداد", "⛴️ 🦆", `{b}`, "a\u2028b"}
	s := snapshot(definition(names...), 1, 2, 3, 4, 5, 6, 7)
	text := encode(t, charts.All(s))
	if strings.Contains(text, "</script") || strings.Contains(text, "<script") {
		t.Error("the JSON holds a tag, and would end a script that it stood in")
	}
	var parsed any
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		t.Fatal(err)
	}
	found := stringsIn(parsed)
	for _, name := range names {
		if !slices.Contains(found, name) {
			t.Errorf("%q is not among the strings of the options", name)
		}
	}
	for _, f := range found {
		if strings.Contains(f, "__f__") && f != names[1] || strings.Contains(f, "function") {
			t.Errorf("%q would be taken for code", f)
		}
	}
}

func TestSameSnapshotGivesTheSameCharts(t *testing.T) {
	d := definition("Ann", "Ben", "Cas")
	first, second := encode(t, charts.All(snapshot(d, 3, 1, 2))), encode(t, charts.All(snapshot(d, 3, 1, 2)))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

func ids(all []charts.Chart) []string {
	var ids []string
	for _, c := range all {
		ids = append(ids, c.ID)
	}
	return ids
}

// option walks into a chart's option as the browser sees it.
func option(t *testing.T, c charts.Chart, path ...any) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(encode(t, c.Option)), &v); err != nil {
		t.Fatal(err)
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			v = v.(map[string]any)[step]
		case int:
			v = v.([]any)[step]
		}
	}
	return v
}

func TestBarsAreRanked(t *testing.T) {
	bars := charts.Votes(snapshot(definition("Ann", "Ben", "Cas"), 1000, 20000))
	if diff := cmp.Diff([]any{"Ben", "Ann", "Cas"}, option(t, bars, "yAxis", 0, "data")); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if got := option(t, bars, "series", 0, "data", 2, "value"); got != 0.0 {
		t.Errorf("a candidate without votes has %v", got)
	}
	if got := option(t, bars, "series", 0, "data", 0, "label", "formatter"); got != "20,000" {
		t.Errorf("label %v", got)
	}
}

func TestDonutShowsNobodyBeforeTheFirstVote(t *testing.T) {
	if got := option(t, charts.Shares(snapshot(definition("Ann", "Ben"))), "series", 0, "data"); len(got.([]any)) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestDonutGathersTheSmall(t *testing.T) {
	names := strings.Split("abcdefghijkl", "")
	votes := []int64{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}
	data := option(t, charts.Shares(snapshot(definition(names...), votes...)), "series", 0, "data").([]any)
	if len(data) != 9 || data[8].(map[string]any)["name"] != "All others" || data[8].(map[string]any)["value"] != 10.0 {
		t.Errorf("got %v", data)
	}
}

func TestEqualNamesAreToldApart(t *testing.T) {
	data := option(t, charts.Votes(snapshot(definition("Jan", "Jan"), 1, 2)), "yAxis", 0, "data")
	if diff := cmp.Diff([]any{"Jan (b)", "Jan (a)"}, data); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLongNamesAndMarkup(t *testing.T) {
	long := strings.Repeat("Ä", 200)
	data := option(t, charts.Votes(snapshot(definition(long, long, "{red|Ann}", "{b}: {c}"), 4, 3, 2, 1)), "yAxis", 0, "data")
	short := strings.Repeat("Ä", 39) + "…"
	if diff := cmp.Diff([]any{short + " (a)", short + " (b)", "{\u2060red|Ann}", "{b}: {c}"}, data); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTurnoutByAge(t *testing.T) {
	d := definition("Ann")
	without := ids(charts.All(snapshot(d, 1)))
	for _, id := range []string{charts.VotesID, charts.ShareID, charts.TimeID} {
		if !slices.Contains(without, id) {
			t.Errorf("without an electorate there are %v, without %s", without, id)
		}
	}
	if slices.Contains(without, charts.AgesID) {
		t.Errorf("without an electorate there are %v", without)
	}
	d.Regions[0].Districts[0].Registered = 3000
	d.Electorate = &election.Electorate{MinimumCell: 1, Ages: map[string]float64{"18-24": 0.5, "65+": 0.5}}
	s := snapshot(d, 1234)
	with, want := slices.Sorted(slices.Values(ids(charts.All(s)))), slices.Sorted(slices.Values(append(without, charts.AgesID)))
	if diff := cmp.Diff(want, with); diff != "" {
		t.Errorf("charts of an electorate (-want +got):\n%s", diff)
	}
	ages := charts.Ages(s)
	if diff := cmp.Diff([]any{"18-24", "25-34", "35-44", "45-54", "55-64", "65+"}, option(t, ages, "xAxis", 0, "data")); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	for i, want := range map[int][2]any{0: {8.2, "8.2%"}, 1: {0.0, "–"}, 5: {20.7, "20.7%"}} {
		got := [2]any{option(t, ages, "series", 0, "data", i, "value"), option(t, ages, "series", 0, "data", i, "label", "formatter")}
		if got != want {
			t.Errorf("bar %d is %v, want %v", i, got, want)
		}
	}
}

func TestNothingToDraw(t *testing.T) {
	for _, s := range []*results.Snapshot{{}, snapshot(definition())} {
		encode(t, charts.All(s))
	}
}

func TestIntervalsCoverTheDay(t *testing.T) {
	for _, test := range []struct {
		minutes []string
		width   time.Duration
		votes   map[int]int64
		count   int
	}{
		{nil, time.Minute, nil, 0},
		{[]string{"2026-03-18T08:00"}, time.Minute, map[int]int64{0: 3}, 1},
		{[]string{"2026-03-18T08:00", "2026-03-18T08:03"}, time.Minute, map[int]int64{0: 3, 1: 0, 3: 3}, 4},
		{[]string{"2026-03-18T07:31", "2026-03-18T07:39", "2026-03-18T20:59"}, 10 * time.Minute, map[int]int64{0: 6, 80: 3}, 81},
		{[]string{"2026-03-18T08:01", "2026-03-18T09:40"}, time.Minute, map[int]int64{0: 3, 99: 3}, 100},
		{[]string{"2026-03-18T08:01", "2026-03-18T09:41"}, 2 * time.Minute, map[int]int64{0: 3, 50: 3}, 51},
		{[]string{"2026-03-18T00:01", "2026-03-18T03:20"}, 5 * time.Minute, map[int]int64{0: 3, 40: 3}, 41}, // 101 of two minutes
		{[]string{"2024-01-01T00:00", "2026-03-18T08:00"}, 10080 * time.Minute, nil, 0},                     // over 100 weeks
		{[]string{"0001-01-01T00:00", "2026-03-18T08:00"}, 10080 * time.Minute, nil, 0},
	} {
		s := &results.Snapshot{}
		for _, m := range test.minutes {
			s.Slots = append(s.Slots, results.SlotVotes{Slot: m, ByCandidate: []int64{1, 2}})
		}
		got, width := charts.Intervals(s)
		if len(got) != test.count || width != test.width {
			t.Errorf("%v: %d intervals of %v, want %d of %v", test.minutes, len(got), width, test.count, test.width)
			continue
		}
		for i, votes := range test.votes {
			if got[i].Votes != votes {
				t.Errorf("%v: interval %d has %d votes, want %d", test.minutes, i, got[i].Votes, votes)
			}
		}
	}
}

func TestIntervalsAreNotShorterThanASlot(t *testing.T) {
	s := &results.Snapshot{
		Definition: &election.Definition{Electorate: &election.Electorate{}},
		Slots:      []results.SlotVotes{{Slot: "2026-03-18T08:00", ByCandidate: []int64{1}}, {Slot: "2026-03-18T08:30", ByCandidate: []int64{2}}},
	}
	if got, width := charts.Intervals(s); width != 10*time.Minute || len(got) != 4 || got[0].Votes != 1 || got[3].Votes != 2 {
		t.Errorf("%v of %v, want 4 of the 10 minutes of a slot", got, width)
	}
}

func TestWidthsForPeople(t *testing.T) {
	for width, want := range map[time.Duration]string{
		time.Minute: "minute", 5 * time.Minute: "5 minutes", time.Hour: "hour", 6 * time.Hour: "6 hours", 168 * time.Hour: "168 hours",
	} {
		if got := charts.IntervalName(width); got != want {
			t.Errorf("%v is %q, want %q", width, got, want)
		}
	}
}

func TestLabelsOfSeveralDaysSayTheDay(t *testing.T) {
	for last, want := range map[string]string{"2026-03-18T22:30": "07:30", "2026-03-19T07:30": "18 Mar 07:30"} {
		s := &results.Snapshot{Slots: []results.SlotVotes{{Slot: "2026-03-18T07:30"}, {Slot: last}}}
		if got := option(t, charts.OverTime(s), "xAxis", 0, "data", 0); got != want {
			t.Errorf("to %s the first label is %v, want %s", last, got, want)
		}
	}
}

func TestNineCandidatesAreAllNamed(t *testing.T) {
	data := option(t, charts.Shares(snapshot(definition(strings.Split("abcdefghi", "")...), 9, 8, 7, 6, 5, 4, 3, 2, 1)), "series", 0, "data").([]any)
	if len(data) != 9 || data[8].(map[string]any)["name"] != "i" {
		t.Errorf("got %v; a slice for one candidate alone says nothing with another name", data)
	}
}

func TestEqualVotesKeepTheDefinitionsOrder(t *testing.T) {
	s := &results.Snapshot{}
	for i := range 50 { // more than a short sort keeps in order by itself
		s.Candidates = append(s.Candidates, results.CandidateVotes{Votes: int64(i % 2)})
	}
	order := charts.Ranked(s)
	if !slices.IsSorted(order[:25]) || !slices.IsSorted(order[25:]) || order[0] != 1 {
		t.Errorf("got %v", order)
	}
}

func TestAgesThatAreNotStatedAreNoBar(t *testing.T) {
	s := &results.Snapshot{ByAge: []results.AgeVotes{{Group: "18-24", Registered: 10, Votes: 5}, {Votes: 3}}}
	if got := option(t, charts.Ages(s), "xAxis", 0, "data").([]any); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestSharesForPeople(t *testing.T) {
	if got := charts.Percent(1.0 / 3); got != "33.3%" {
		t.Errorf("Percent(1/3) = %q", got)
	}
}
