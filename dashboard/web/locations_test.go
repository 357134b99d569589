package web_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/internal/results"
	"realtime-election/internal/results/resultstest"
)

// country is an election with districts in 51 regions. Some districts share a name; some have no register, no votes, or a tie.
func country(districts int) *results.Snapshot {
	random := rand.New(rand.NewPCG(7, 7))
	d := election.Definition{ID: "country", Name: "Country", Candidates: []election.Candidate{
		{ID: "zoe", Name: "Zoe"}, {ID: "ann", Name: "Ann"}, {ID: "evil", Name: hostile},
	}}
	for r := range 51 {
		d.Regions = append(d.Regions, election.Region{ID: election.RegionID(fmt.Sprintf("r%02d", r)), Name: fmt.Sprintf("Region %c%02d", 'A'+r%7, r)})
	}
	votes := resultstest.Votes{}
	for i := range districts {
		id := election.DistrictID(fmt.Sprintf("d%04d", i))
		district := election.District{ID: id, Name: fmt.Sprintf("County %d", random.IntN(900)), Registered: int64(random.IntN(5)) * 1000}
		region := &d.Regions[random.IntN(len(d.Regions))]
		region.Districts = append(region.Districts, district)
		n := int64(random.IntN(6)) * 100
		votes[id] = map[election.CandidateID]int64{"zoe": n, "ann": int64(random.IntN(6)) * 100, "evil": int64(random.IntN(3)) * 100}
	}
	records := []resultstest.Record{resultstest.Definition(d), resultstest.Official(d, 1)}
	return resultstest.Snapshot(append(records, resultstest.Totals(d, 1, votes, noon)...)...)
}

func ask(t *testing.T, s site, query string) web.LocationsDocument {
	t.Helper()
	response, body := s.get(t, "/api/v1/locations?"+query)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", query, response.StatusCode, body)
	}
	var d web.LocationsDocument
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPagesReachEveryDistrictInEachOrder(t *testing.T) {
	const districts = 312
	s := newSite(t, country(districts))
	number := func(d web.LocationDocument) (n int) {
		if _, err := fmt.Sscanf(d.Name, "County %d", &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	names := func(a, b web.LocationDocument) int {
		return cmp.Or(cmp.Compare(number(a), number(b)), strings.Compare(a.Region, b.Region), strings.Compare(string(a.ID), string(b.ID)))
	}
	// The value by which each column is sorted, and whether it is known.
	leader := func(d web.LocationDocument) (string, bool) {
		switch {
		case d.Tie:
			return "~", true
		case d.Leader == nil:
			return "", false
		}
		return map[election.CandidateID]string{"zoe": "zoe", "ann": "ann", "evil": hostile}[*d.Leader], true
	}
	turnout := func(d web.LocationDocument) (float64, bool) {
		if d.Turnout == nil {
			return 0, false
		}
		return *d.Turnout, true
	}
	columns := map[string]func(a, b web.LocationDocument) (order int, aKnown, bKnown bool){
		"district": func(a, b web.LocationDocument) (int, bool, bool) { return names(a, b), true, true },
		"region": func(a, b web.LocationDocument) (int, bool, bool) {
			return strings.Compare(a.Region, b.Region), true, true
		},
		"registered": func(a, b web.LocationDocument) (int, bool, bool) {
			return cmp.Compare(a.RegisteredVoters, b.RegisteredVoters), a.RegisteredVoters > 0, b.RegisteredVoters > 0
		},
		"votes": func(a, b web.LocationDocument) (int, bool, bool) { return cmp.Compare(a.Votes, b.Votes), true, true },
		"turnout": func(a, b web.LocationDocument) (int, bool, bool) {
			x, xKnown := turnout(a)
			y, yKnown := turnout(b)
			return cmp.Compare(x, y), xKnown, yKnown
		},
		"leader": func(a, b web.LocationDocument) (int, bool, bool) {
			x, xKnown := leader(a)
			y, yKnown := leader(b)
			return strings.Compare(x, y), xKnown, yKnown
		},
		"candidate.evil": func(a, b web.LocationDocument) (int, bool, bool) {
			return cmp.Compare(a.Candidates["evil"], b.Candidates["evil"]), true, true
		},
	}
	for column, compare := range columns {
		for dir, sign := range map[string]int{"asc": 1, "desc": -1} {
			for _, size := range []int{10, 25, 50, 100} {
				var all []web.LocationDocument
				for page, pages := 1, 1; page <= pages; page++ {
					d := ask(t, s, fmt.Sprintf("sort=%s&dir=%s&size=%d&page=%d", column, dir, size, page))
					if d.Page != page || d.Districts != districts || d.Matching != districts || d.Sort != column || d.Dir != dir || d.Size != size {
						t.Fatalf("%s %s %d, page %d: %+v", column, dir, size, page, d)
					}
					if want := min(size, districts-(page-1)*size); len(d.Rows) != want {
						t.Fatalf("%s %s %d, page %d: %d rows, want %d", column, dir, size, page, len(d.Rows), want)
					}
					pages = d.Pages
					all = append(all, d.Rows...)
				}
				sorted := slices.IsSortedFunc(all, func(a, b web.LocationDocument) int {
					order, aKnown, bKnown := compare(a, b)
					switch {
					case aKnown != bKnown && aKnown:
						return -1
					case aKnown != bKnown:
						return 1
					case !aKnown:
						return names(a, b)
					}
					return cmp.Or(sign*order, names(a, b))
				})
				if !sorted {
					t.Errorf("%s %s, %d a page: not sorted", column, dir, size)
				}
				ids := map[election.DistrictID]bool{}
				for _, d := range all {
					ids[d.ID] = true
				}
				if len(ids) != districts {
					t.Errorf("%s %s, %d a page: %d districts, want %d", column, dir, size, len(ids), districts)
				}
			}
		}
	}
}

func TestSearchFoldsCaseAndAccents(t *testing.T) {
	d := lakes()
	for i, name := range []string{"Súdwest-Fryslân", "ŁÓDŹ", "Straße", "København", "İzmir", "Kraków", "東京", "بغداد", "New York"} {
		d.Regions[0].Districts = append(d.Regions[0].Districts, election.District{ID: election.DistrictID(fmt.Sprint("x", i)), Name: name})
	}
	s := newSite(t, resultstest.Snapshot(resultstest.Definition(d)))
	for search, want := range map[string][]string{
		"fryslan": {"Súdwest-Fryslân"}, "SÚDWEST": {"Súdwest-Fryslân"}, "lodz": {"ŁÓDŹ"}, "łódź": {"ŁÓDŹ"}, "STRASSE": {"Straße"},
		"kobenhavn": {"København"}, "izmir": {"İzmir"}, "krako\u0301w": {"Kraków"}, "東": {"東京"}, "بغ": {"بغداد"}, "ｙｏｒｋ": {"New York"},
		"south sons": {"s1"}, "  york   north ": {"New York"}, "york south": nil, "%": nil, "(": nil, `\`: nil,
	} {
		var got []string
		for _, row := range ask(t, s, "q="+url.QueryEscape(search)).Rows {
			got = append(got, row.Name)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", search, diff)
		}
	}
	if got := ask(t, s, "q=%20"); got.Matching != got.Districts {
		t.Errorf("blank search: %d of %d", got.Matching, got.Districts)
	}
	var names []string
	for _, row := range ask(t, s, "q=north").Rows {
		names = append(names, row.Name)
	}
	if want := []string{"İzmir", "København", "Kraków", "ŁÓDŹ", "n1", "New York", "Straße", "Súdwest-Fryslân", "بغداد", "東京"}; !slices.Equal(names, want) {
		t.Errorf("sorted as %q, want %q", names, want)
	}
}

func TestLocationDocument(t *testing.T) {
	var got map[string]any
	_, body := newSite(t, counted()).get(t, "/api/v1/locations?q=n1")
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"version": 1.0, "run": 2.0, "district_step": 1.0, "districts": 2.0, "matching": 1.0, "sort": "district", "dir": "asc", "size": 25.0, "page": 1.0, "pages": 1.0,
		"rows": []any{map[string]any{
			"id": "n1", "name": "n1", "region_id": "north", "region": "North", "registered_voters": 3000.0, "votes": 1400.0,
			"turnout": 1400.0 / 3000, "leader": "ann", "tie": false, "candidates": map[string]any{"ann": 1000.0, "evil": 400.0, "layla": 0.0},
		}},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWrongParametersAreRefusedByTheAPIAndIgnoredByThePage(t *testing.T) {
	s := newSite(t, country(60))
	_, table := s.get(t, "/locations")
	for query, want := range map[string]string{
		"sort=names":                    `sort="names": no such column`,
		"sort=candidate.bob":            `sort="candidate.bob": no such column`,
		"dir=up":                        `dir="up": it must be asc or desc`,
		"size=11":                       `size="11": it must be 10, 25, 50 or 100`,
		"size=0":                        `size="0": it must be`,
		"page=0":                        `page="0": it must be a number from 1`,
		"page=-1":                       `page="-1": it must be`,
		"page=x":                        `page="x": it must be`,
		"page=99999999999999999999":     `it must be a number from 1`,
		"q=%ff":                         `it is not UTF-8`,
		"q=" + strings.Repeat("x", 101): `it is longer than 100 characters`,
	} {
		if response, body := s.get(t, "/api/v1/locations?"+query); response.StatusCode != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: %d %q, want 400 %q", query, response.StatusCode, body, want)
		}
		if _, got := s.get(t, "/locations?"+query); got != table {
			t.Errorf("%s: the page shows another table than without", query)
		}
		if response, page := s.get(t, "/?"+query); response.StatusCode != http.StatusOK || !strings.Contains(page, "Showing 1–25 of 60 districts") {
			t.Errorf("%s: the page answers %d, and shows no table", query, response.StatusCode)
		}
	}
	if response, body := s.get(t, "/api/v1/locations?page=4"); response.StatusCode != 400 || body != "page=\"4\": the last page is 3\n" {
		t.Errorf("page 4 of 3: %d %q", response.StatusCode, body)
	}
	if _, body := s.get(t, "/?page=4"); !strings.Contains(body, "Showing 51–60 of 60 districts") {
		t.Error("page 4 of 3 does not show the last")
	}
	if response, body := s.get(t, "/api/v1/locations?sort=x&dir=y"); response.StatusCode != 400 || strings.Count(body, "\n") != 2 {
		t.Errorf("two mistakes: %q", body)
	}
}

func TestAnotherElectionHasOtherDistricts(t *testing.T) {
	s := newSite(t, country(3))
	if got := ask(t, s, ""); got.Matching != 3 {
		t.Errorf("%d districts, want 3", got.Matching)
	}
	s.hub.Publish(counted())
	if got := ask(t, s, "q=south"); got.Matching != 1 || got.Rows[0].ID != "s1" {
		t.Errorf("got %+v", got)
	}
}
