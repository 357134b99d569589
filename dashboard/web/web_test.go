package web_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"realtime-election/dashboard/charts"
	"realtime-election/dashboard/live"
	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/internal/results"
	"realtime-election/internal/results/resultstest"
)

var noon = time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC)

const hostile = `</script><script>alert(1)</script>`

func lakes() election.Definition {
	return election.Definition{
		ID: "lakes", Name: "Lakes", Polling: election.Polling{Opens: noon.Add(-time.Hour), Closes: noon.Add(time.Hour)},
		Candidates: []election.Candidate{
			{ID: "ann", Name: "Ann de Wit", Party: "Water", Photo: "ann.svg"},
			{ID: "evil", Name: hostile, Party: `__f__alert(1)__f__`, Photo: "https://example.org/spy.png"},
			{ID: "layla", Name: "ليلى حداد", Party: "⛴️ 🦆"},
		},
		Regions: []election.Region{
			{ID: "north", Name: "North", Districts: []election.District{{ID: "n1", Registered: 3000}}},
			{ID: "south", Name: "South & Sons", Districts: []election.District{{ID: "s1"}}},
		},
	}
}

// counted is a snapshot in which ann leads in the north.
func counted() *results.Snapshot {
	d := lakes()
	records := []resultstest.Record{
		resultstest.Definition(d), resultstest.Official(d, 2), resultstest.Rejected(2, election.UnknownDistrict, 3, noon),
		resultstest.Status(election.QueryStatus{Run: 2, State: "running", Batch: 9, UpdatedAt: noon}),
	}
	return resultstest.Snapshot(append(records, resultstest.Totals(d, 2, resultstest.Votes{
		"n1": {"ann": 1000, "evil": 400}, "s1": {"ann": 200, "evil": 400},
	}, noon)...)...)
}

type site struct {
	*httptest.Server
	hub *live.Hub
}

func newSite(t *testing.T, snapshots ...*results.Snapshot) site {
	t.Helper()
	return serve(t, web.Site{}, snapshots...)
}

func serve(t *testing.T, s web.Site, snapshots ...*results.Snapshot) site {
	t.Helper()
	now := func() time.Time { return noon.Add(5 * time.Second) }
	s.Portraits = web.Portraits{FS: fstest.MapFS{"ann.svg": {Data: []byte("<svg/>")}}}
	s.Hub = live.NewHub(s.Portraits.Event, now)
	s.Log, s.Now = slog.New(slog.NewTextHandler(t.Output(), nil)), now
	for _, snapshot := range snapshots {
		s.Hub.Publish(snapshot)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return site{server, s.Hub}
}

func (s site) do(t *testing.T, method, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func (s site) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	return s.do(t, http.MethodGet, path)
}

func TestEveryAnswerIsStrict(t *testing.T) {
	s := newSite(t, counted())
	for _, path := range []string{"/", "/api/v1/results", "/static/app.js", "/portraits/ann.svg", "/nothing"} {
		response, _ := s.get(t, path)
		policy := response.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "data:") {
			t.Errorf("%s: policy %q", path, policy)
		}
		for _, rule := range []string{"base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} { // default-src does not cover them
			if !strings.Contains(policy, rule) {
				t.Errorf("%s: policy %q is without %s", path, policy, rule)
			}
		}
		if got := response.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options %q", path, got)
		}
	}
}

func TestRoutes(t *testing.T) {
	s := newSite(t, counted())
	for _, test := range []struct {
		method, path string
		status       int
		contentType  string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/", 200, "text/html; charset=utf-8"},
		{"POST", "/", 405, ""},
		{"GET", "/api/v1/results", 200, "application/json"},
		{"HEAD", "/api/v1/results", 200, "application/json"},
		{"DELETE", "/api/v1/results", 405, ""},
		{"PUT", "/events", 405, ""},
		{"HEAD", "/events", 200, "text/event-stream"},
		{"GET", "/healthz", 404, ""}, // for operators, at another address
		{"GET", "/readyz", 404, ""},
		{"GET", "/version", 404, ""},
		{"GET", "/metrics", 404, ""},
		{"GET", "/locations", 200, "text/html; charset=utf-8"},
		{"HEAD", "/locations", 200, "text/html; charset=utf-8"},
		{"GET", "/api/v1/locations", 200, "application/json"},
		{"HEAD", "/api/v1/locations", 200, "application/json"},
		{"POST", "/api/v1/locations", 405, ""},
		{"GET", "/static/locations.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/static/app.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/static/style.css", 200, "text/css; charset=utf-8"},
		{"GET", "/static/echarts.min.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/portraits/ann.svg", 200, "image/svg+xml"},
		{"GET", "/favicon.ico", 200, "image/svg+xml"},
		{"GET", "/static/", 404, ""},
		{"GET", "/portraits/", 404, ""},
		{"GET", "/portraits/../web.go", 404, ""},
		{"GET", "/nothing", 404, ""},
	} {
		response, _ := s.do(t, test.method, test.path)
		if response.StatusCode != test.status {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, response.StatusCode, test.status)
		}
		if got := response.Header.Get("Content-Type"); test.contentType != "" && got != test.contentType {
			t.Errorf("%s %s: type %q, want %q", test.method, test.path, got, test.contentType)
		}
	}
}

func TestNotReadyBeforeTheEndWasReached(t *testing.T) {
	s := newSite(t)
	for path, want := range map[string]int{"/api/v1/results": 503, "/api/v1/locations": 503, "/locations": 503, "/": 200} {
		response, body := s.get(t, path)
		if response.StatusCode != want {
			t.Errorf("%s: %d %q, want %d", path, response.StatusCode, body, want)
		}
		if again := response.Header.Get("Retry-After"); want == 503 && again != "1" {
			t.Errorf("%s: Retry-After %q", path, again)
		}
	}
	s.hub.Publish(&results.Snapshot{})
	if response, _ := s.get(t, "/api/v1/results"); response.StatusCode != 200 {
		t.Errorf("%d after the first snapshot", response.StatusCode)
	}
}

// shown is the text of a page as a browser without JavaScript shows it.
func shown(page string) string {
	text := regexp.MustCompile(`(?s)<head>.*</head>|<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

func TestPageIsCompleteWithoutScript(t *testing.T) {
	_, page := newSite(t, counted()).get(t, "/")
	text := shown(page)
	for _, want := range []string{
		"Lakes", "Ann de Wit leads", "1,200 votes (60.0%), 400 ahead of", "2,000 votes counted",
		"Districts 2 Candidates 3 Votes counted 2,000", "Last change 18 Mar, 12:00:00 UTC", "Showing 1–2 of 2 districts", "Page 1 of 1",
		"n1 North 3,000 1,400 46.7% Ann de Wit 1,000 400 0", "s1 South & Sons – 600 – " + hostile + " 200 400 0",
		"Ann de Wit leading Water 1,200 60.0%", "ليلى حداد", "⛴️ 🦆 0 0.0%", "North 1,400 46.7% Ann de Wit 1,000 400 0",
		"South & Sons 600 – " + hostile + " 200 400 0", "3 records not counted", "From an unknown district 3", "Run 2 of the count",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// electorate is a snapshot of an election with a register, a generated electorate, and votes for ann in the north.
func electorate(votes int64) *results.Snapshot {
	d := lakes()
	d.Regions[1].Districts[0].Registered = 1000
	d.Electorate = &election.Electorate{Ages: map[string]float64{"18-24": 0.25, "65+": 0.75}}
	records := []resultstest.Record{resultstest.Definition(d), resultstest.Official(d, 1)}
	return resultstest.Snapshot(append(records, resultstest.Totals(d, 1, resultstest.Votes{"n1": {"ann": votes}}, noon)...)...)
}

func TestEveryChartHasItsPlaceOnThePage(t *testing.T) {
	for _, snapshot := range []*results.Snapshot{counted(), electorate(1000)} {
		_, page := newSite(t, snapshot).get(t, "/")
		for _, chart := range charts.All(snapshot) {
			if n := strings.Count(page, `id="`+chart.ID+`"`); n != 1 {
				t.Errorf("the page has %d elements %s", n, chart.ID)
			}
		}
	}
}

func TestTurnoutIsShownIfTheRegisterIsKnown(t *testing.T) {
	_, page := newSite(t, electorate(2000)).get(t, "/")
	text := shown(page)
	for _, want := range []string{
		"Registered voters 4,000 Candidates 3 Votes counted 2,000 Turnout 50.0%", "2,000 votes counted, 50.0% of 4,000 registered voters",
		"Age group Registered Votes Turnout 18-24 873 200 22.9% 25-34 – 250 –", "65+ 2,988 500 16.7% 0 votes without an age, of 139 registered voters in groups that are too small to be shown.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	if _, page := newSite(t, counted()).get(t, "/"); strings.Contains(page, "Turnout by age group") {
		t.Error("turnout by age without an electorate")
	}
}

func TestMoreVotesThanRegisteredAreNotMoreThanAll(t *testing.T) {
	s := newSite(t, electorate(5000))
	_, page := s.get(t, "/")
	if text := shown(page); !strings.Contains(text, "5,000 votes counted, 100.0% of 4,000 registered voters") || !strings.Contains(page, `max="1" value="1"`) {
		t.Errorf("the page shows %s", text)
	}
	if event := string(s.hub.Current().Event()); !strings.Contains(event, `"progress":1,`) {
		t.Errorf("the event is %s", event)
	}
}

func TestElectionOfOneCandidate(t *testing.T) {
	d := lakes()
	d.Candidates = d.Candidates[:1]
	s := resultstest.Snapshot(append(resultstest.Totals(d, 1, resultstest.Votes{"n1": {"ann": 5}}, noon),
		resultstest.Definition(d), resultstest.Official(d, 1))...)
	if _, page := newSite(t, s).get(t, "/"); !strings.Contains(shown(page), "Ann de Wit leads 5 votes (100.0%)") {
		t.Errorf("the page shows %s", shown(page))
	}
}

func TestPageBeforeTheFirstVote(t *testing.T) {
	_, page := newSite(t, resultstest.Snapshot(resultstest.Definition(lakes()))).get(t, "/")
	if text := shown(page); !strings.Contains(text, "No votes counted yet") || !strings.Contains(text, "Ann de Wit leading Water 0 0.0%") {
		t.Errorf("the page shows %s", text)
	}
	if strings.Contains(page, `class="leads"`) {
		t.Error("somebody leads without a vote")
	}
	for _, s := range []site{newSite(t), newSite(t, &results.Snapshot{})} {
		if _, page := s.get(t, "/"); !strings.Contains(shown(page), "Waiting for the election") {
			t.Errorf("without an election the page shows %s", shown(page))
		}
	}
}

func TestTieIsShown(t *testing.T) {
	d := lakes()
	s := resultstest.Snapshot(append(resultstest.Totals(d, 1, resultstest.Votes{"n1": {"ann": 5, "layla": 5}}, noon),
		resultstest.Definition(d), resultstest.Official(d, 1))...)
	site := newSite(t, s)
	_, page := site.get(t, "/")
	if text := shown(page); !strings.Contains(text, "Ann de Wit and ليلى حداد are tied") || !strings.Contains(text, "5 votes (50.0%) each") || !strings.Contains(text, "North 10 0.3% Tied 5 0 5") {
		t.Errorf("the page shows %s", text)
	}
	var document web.Document
	decode(t, site, &document)
	if document.Leader != nil || !document.Tie {
		t.Errorf("leader %v, tie %v", document.Leader, document.Tie)
	}
}

func TestNamesAreText(t *testing.T) {
	_, page := newSite(t, counted()).get(t, "/")
	if strings.Contains(page, "<script>") || strings.Contains(page, "example.org") {
		t.Error("a name became a tag, or a picture of another site is shown")
	}
	if inline := regexp.MustCompile(`(?i)<script(>| [^>]*>[^<])|\son[a-z]+=|style=|javascript:`).FindString(page); inline != "" {
		t.Errorf("the page holds %q, which its policy forbids", inline)
	}
	if n := strings.Count(page, html.EscapeString(hostile)); n < 3 {
		t.Errorf("the page has the name %d times", n)
	}
}

func TestPortraitIsOursOrInitials(t *testing.T) {
	d := lakes()
	for leader, want := range map[election.CandidateID]string{
		"ann": `src="/portraits/ann.svg"`, "evil": `width="96" height="96" hidden>`, "layla": `>لح</span>`,
	} {
		records := []resultstest.Record{resultstest.Definition(d), resultstest.Official(d, 1)}
		s := resultstest.Snapshot(append(records, resultstest.Totals(d, 1, resultstest.Votes{"n1": {leader: 5}}, noon)...)...)
		_, page := newSite(t, s).get(t, "/")
		if !strings.Contains(page, want) || strings.Contains(page, "example.org") {
			t.Errorf("%s leads: the page does not hold %s, or another site's picture", leader, want)
		}
	}
}

func TestNoPortraitsWithoutAFolder(t *testing.T) {
	if event := string(web.Portraits{}.Event(1, counted())); !strings.Contains(event, `"portrait":""`) {
		t.Errorf("the event is %s", event)
	}
}

func TestPageAndEventSayTheSame(t *testing.T) {
	for _, snapshot := range []*results.Snapshot{counted(), electorate(5)} {
		sayTheSame(t, newSite(t, snapshot))
	}
}

func sayTheSame(t *testing.T, s site) {
	t.Helper()
	_, page := s.get(t, "/")
	var payload struct{ Texts map[string]string }
	_, data, _ := strings.Cut(string(s.hub.Current().Event()), "data: ")
	if err := json.Unmarshal([]byte(data), &payload); err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, m := range regexp.MustCompile(`data-text="([^"]*)"[^>]*>([^<]*)<`).FindAllStringSubmatch(page, -1) {
		shown[html.UnescapeString(m[1])] = html.UnescapeString(m[2])
	}
	delete(payload.Texts, "title") // the page has it in its head
	if diff := cmp.Diff(shown, payload.Texts); diff != "" {
		t.Errorf("(-page +event):\n%s", diff)
	}
}

func decode(t *testing.T, s site, document any) *http.Response {
	t.Helper()
	response, body := s.get(t, "/api/v1/results")
	if err := json.Unmarshal([]byte(body), document); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return response
}

func TestDocument(t *testing.T) {
	var got map[string]any
	response := decode(t, newSite(t, counted()), &got)
	if cache := response.Header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("Cache-Control %q", cache)
	}
	d := lakes()
	query := got["query"].(map[string]any)
	if query["run"] != 2.0 || query["state"] != "running" || query["batch"] != 9.0 {
		t.Errorf("query %v", query)
	}
	delete(got, "query")
	want := map[string]any{
		"election": map[string]any{
			"id": "lakes", "name": "Lakes", "fingerprint": d.Fingerprint(),
			"opens": "2026-03-18T11:00:00Z", "closes": "2026-03-18T13:00:00Z",
		},
		"run": 2.0, "version": 1.0, "total_votes": 2000.0, "expected_votes": 0.0, "registered_voters": 0.0, "district_step": 1.0,
		"newest_record_at": "2026-03-18T12:00:00Z", "age_seconds": 5.0, "leader": "ann", "tie": false,
		"rejected": map[string]any{"unknown_district": 3.0},
		"candidates": []any{
			map[string]any{"id": "ann", "name": "Ann de Wit", "party": "Water", "photo": "ann.svg", "votes": 1200.0, "share": 0.6},
			map[string]any{"id": "evil", "name": hostile, "party": "__f__alert(1)__f__", "photo": "https://example.org/spy.png", "votes": 800.0, "share": 0.4},
			map[string]any{"id": "layla", "name": "ليلى حداد", "party": "⛴️ 🦆", "photo": "", "votes": 0.0, "share": 0.0},
		},
		"regions": []any{
			map[string]any{
				"id": "north", "name": "North", "registered_voters": 3000.0, "votes": 1400.0,
				"candidates": map[string]any{"ann": 1000.0, "evil": 400.0, "layla": 0.0},
			},
			map[string]any{
				"id": "south", "name": "South & Sons", "registered_voters": 0.0, "votes": 600.0,
				"candidates": map[string]any{"ann": 200.0, "evil": 400.0, "layla": 0.0},
			},
		},
		"districts": []any{
			map[string]any{"id": "n1", "region_id": "north", "votes": 1400.0, "candidates": map[string]any{"ann": 1000.0, "evil": 400.0, "layla": 0.0}},
			map[string]any{"id": "s1", "region_id": "south", "votes": 600.0, "candidates": map[string]any{"ann": 200.0, "evil": 400.0, "layla": 0.0}},
		},
		"age_groups": []any{
			map[string]any{"age_group": "18-24", "registered_voters": 0.0, "votes": 200.0},
			map[string]any{"age_group": "25-34", "registered_voters": 0.0, "votes": 250.0},
			map[string]any{"age_group": "35-44", "registered_voters": 0.0, "votes": 300.0},
			map[string]any{"age_group": "45-54", "registered_voters": 0.0, "votes": 350.0},
			map[string]any{"age_group": "55-64", "registered_voters": 0.0, "votes": 400.0},
			map[string]any{"age_group": "65+", "registered_voters": 0.0, "votes": 500.0},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestChartLibraryIsTheOnePublished(t *testing.T) {
	const published = "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0" // of dist/echarts.min.js in echarts@6.1.0
	s := newSite(t)
	_, body := s.get(t, "/static/echarts.min.js")
	if sum := fmt.Sprintf("%x", sha256.Sum256([]byte(body))); sum != published {
		t.Errorf("echarts.min.js has the SHA-256 %s, want %s", sum, published)
	}
	if _, license := s.get(t, "/static/echarts.LICENSE.txt"); !strings.Contains(license, "Apache License") {
		t.Error("its license is not beside it")
	}
	if _, notice := s.get(t, "/static/echarts.NOTICE.txt"); !strings.Contains(notice, "The Apache Software Foundation") {
		t.Error("its notice is not beside it")
	}
}

func TestDocumentWithoutAnElection(t *testing.T) {
	var got map[string]any
	decode(t, newSite(t, &results.Snapshot{}), &got)
	want := map[string]any{
		"election": nil, "run": 0.0, "version": 1.0, "total_votes": 0.0, "expected_votes": 0.0, "registered_voters": 0.0, "district_step": 1.0, "newest_record_at": nil,
		"age_seconds": nil, "leader": nil, "tie": false, "rejected": map[string]any{}, "candidates": []any{}, "regions": []any{},
		"districts": []any{}, "age_groups": []any{}, "query": nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDocumentIsTheSameUntilTheCountIsAnother(t *testing.T) {
	s := newSite(t, counted())
	first, body := s.get(t, "/api/v1/results")
	if _, again := s.get(t, "/api/v1/results"); again != body {
		t.Errorf("first %s\nthen %s", body, again)
	}
	tag := first.Header.Get("ETag")
	if response, _ := s.do(t, "GET", "/api/v1/results", "If-None-Match", `"other", `+tag); response.StatusCode != http.StatusNotModified {
		t.Errorf("status %d for the ETag that was answered", response.StatusCode)
	}
	later := *counted()
	later.UpdatedAt = later.UpdatedAt.Add(time.Second)
	if response, _ := newSite(t, &later).do(t, "GET", "/api/v1/results", "If-None-Match", tag); response.StatusCode != 200 {
		t.Errorf("status %d from another process, whose first version is another", response.StatusCode)
	}
	s.hub.Publish(counted())
	response, _ := s.do(t, "GET", "/api/v1/results", "If-None-Match", tag)
	if response.StatusCode != 200 || response.Header.Get("ETag") == tag {
		t.Errorf("after a change: status %d, ETag %s as before", response.StatusCode, tag)
	}
}
