package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"realtime-election/dashboard/charts"
	"realtime-election/internal/number"
	"realtime-election/internal/results"
)

// locationTable has the texts of a locationPage for the template.
type locationTable struct {
	Search       string
	Hidden       []parameter // hidden fields of the search form
	Sizes        []sizeOption
	Matching     int
	Shown        string // which rows these are
	Step         string // that the votes are shown in steps; empty where they are exact
	WithRegister bool
	Headers      []locationHeader
	Rows         []locationRow
	Page, Pages  string
	Links        []pageLink
}

type parameter struct{ Name, Value string }

type sizeOption struct {
	Size     int
	Selected bool
}

// locationHeader is a column's header, a form of one button that sorts by the column.
type locationHeader struct {
	Name       string
	Colour     int         // of the candidate, -1 for none
	Number     bool        // the column holds numbers
	Sorted     string      // aria-sort, empty where the rows are sorted otherwise
	Parameters []parameter // of the query after a press
}

type locationRow struct {
	District, Region           string
	Registered, Votes, Turnout string
	Leader                     string
	Colour                     int // of the leader, -1 for none
	Candidates                 []string
}

// pageLink is a link to another page. It has no target if the page is the current one or does not exist.
type pageLink struct{ Name, Text, Target string }

func newLocationTable(s *results.Snapshot, a *searchIndex, q locationQuery) locationTable {
	page := a.find(s, q)
	q = page.query
	t := locationTable{
		Search: q.Search, Matching: page.matching, WithRegister: slices.ContainsFunc(s.Regions, func(r results.RegionVotes) bool { return r.Registered() > 0 }),
		Page: number.Thousands(int64(q.Page)), Pages: number.Thousands(int64(page.pages())),
	}
	of := quantity(int64(len(s.Districts)), "district")
	if q.Search != "" {
		of = quantity(int64(page.matching), "matching district")
	}
	t.Shown = fmt.Sprintf("Showing %s–%s of %s", number.Thousands(int64(min(page.from+1, page.matching))), number.Thousands(int64(page.from+len(page.rows))), of)
	if s.DistrictStep > 1 {
		t.Step = fmt.Sprintf("While the polls are open, the votes of a district are shown in steps of %s.", number.Thousands(s.DistrictStep))
	}
	for _, name := range []string{"sort", "dir"} {
		if value := q.values().Get(name); value != "" {
			t.Hidden = append(t.Hidden, parameter{name, value})
		}
	}
	for _, n := range sizes {
		t.Sizes = append(t.Sizes, sizeOption{n, n == q.Size})
	}
	t.headers(s, q)
	for _, l := range page.rows {
		t.Rows = append(t.Rows, newLocationRow(s, l))
	}
	for _, to := range []struct {
		name string
		page int
	}{{"First", 1}, {"Previous", q.Page - 1}, {"Next", q.Page + 1}, {"Last", page.pages()}} {
		link := pageLink{Name: to.name + " page", Text: to.name}
		if to.page != q.Page && to.page >= 1 && to.page <= page.pages() {
			link.Target = "/?" + q.onPage(to.page).values().Encode() + "#locations"
		}
		t.Links = append(t.Links, link)
	}
	return t
}

func (t *locationTable) headers(s *results.Snapshot, q locationQuery) {
	add := func(column, name string, colour int) {
		h := locationHeader{Name: name, Colour: colour, Number: numeric(column)}
		if q.Sort == column {
			h.Sorted = "ascending"
			if q.Descending {
				h.Sorted = "descending"
			}
		}
		pressed := q.sortedBy(column).values()
		for _, name := range []string{"q", "sort", "dir", "size"} {
			if value := pressed.Get(name); value != "" {
				h.Parameters = append(h.Parameters, parameter{name, value})
			}
		}
		t.Headers = append(t.Headers, h)
	}
	add(byDistrict, "District", -1)
	add(byRegion, "Region", -1)
	if t.WithRegister {
		add(byRegistered, "Registered", -1)
	}
	add(byVotes, "Votes", -1)
	if t.WithRegister {
		add(byTurnout, "Turnout", -1)
	}
	add(byLeader, "Leader", -1)
	for c, candidate := range s.Candidates {
		add(byCandidate+string(candidate.ID), candidate.Name, c%charts.Colours())
	}
}

func newLocationRow(s *results.Snapshot, l location) locationRow {
	row := locationRow{
		District: l.label(), Region: l.DistrictIn.Region.Name, Registered: "–", Votes: number.Thousands(l.Votes), Turnout: "–",
		Leader: "–", Colour: -1,
	}
	if l.Registered > 0 {
		row.Registered, row.Turnout = number.Thousands(l.Registered), charts.Percent(share(l.Votes, l.Registered))
	}
	switch len(l.leaders) {
	case 0:
	case 1:
		row.Leader, row.Colour = s.Candidates[l.leaders[0]].Name, l.leaders[0]%charts.Colours()
	default:
		row.Leader = "Tied"
	}
	for _, votes := range l.ByCandidate {
		row.Candidates = append(row.Candidates, number.Thousands(votes))
	}
	return row
}

// table is the location table for a request. A wrong parameter gets its default, so that an old link still shows a table.
func (s Site) table(snapshot *results.Snapshot, r *http.Request) locationTable {
	q, _ := parseLocationQuery(r.URL.Query(), snapshot)
	return newLocationTable(snapshot, s.searchIndexes.of(snapshot.Definition), q)
}

// locations is the part of the page that holds the rows, for the page's script.
func (s Site) locations(w http.ResponseWriter, r *http.Request) {
	u := s.Hub.Current()
	if u == nil || u.Snapshot.Definition == nil {
		s.notReady(w)
		return
	}
	data := struct {
		locationTable
		Version string
	}{s.table(u.Snapshot, r), strconv.FormatUint(u.Version, 10)}
	s.render(w, "locations", data)
}
