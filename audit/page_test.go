package audit_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

// document is the page's answer, as the page documents it.
type document struct {
	Election   map[string]string `json:"election"`
	Run        int               `json:"run"`
	Version    int               `json:"version"`
	TotalVotes int64             `json:"total_votes"`
	Expected   int64             `json:"expected_votes"`
	Registered int64             `json:"registered_voters"`
	Step       int64             `json:"district_step"`
	Newest     *string           `json:"newest_record_at"`
	Leader     *string           `json:"leader"`
	Tie        bool              `json:"tie"`
	Rejected   map[string]int64  `json:"rejected"`
	Candidates []candidateOf     `json:"candidates"`
	Regions    []regionOf        `json:"regions"`
	Districts  []districtOf      `json:"districts"`
	AgeGroups  []ageOf           `json:"age_groups"`
}

type candidateOf struct {
	ID    string  `json:"id"`
	Name  string  `json:"name"`
	Party string  `json:"party"`
	Photo string  `json:"photo"`
	Votes int64   `json:"votes"`
	Share float64 `json:"share"`
}

type regionOf struct {
	ID         string           `json:"id"`
	Name       string           `json:"name"`
	Registered int64            `json:"registered_voters"`
	Votes      int64            `json:"votes"`
	Candidates map[string]int64 `json:"candidates"`
}

type districtOf struct {
	ID         string           `json:"id"`
	RegionID   string           `json:"region_id"`
	Votes      int64            `json:"votes"`
	Candidates map[string]int64 `json:"candidates"`
}

type ageOf struct {
	Group      string `json:"age_group"`
	Registered int64  `json:"registered_voters"`
	Votes      int64  `json:"votes"`
}

func ballots(ana, bo, nobody int64) map[string]int64 {
	return map[string]int64{"ana": ana, "bo": bo, "nobody": nobody}
}

// shown is what a page must show of resultLines, without other votes.
func shown(t *testing.T, f *fixture) *document {
	t.Helper()
	d := resultFile(t).Definition
	newest := f.newest(t)
	return &document{
		Election: map[string]string{
			"id": d.ID, "name": d.Name, "fingerprint": d.Fingerprint(),
			"opens": d.Polling.Opens.Format(time.RFC3339), "closes": d.Polling.Closes.Format(time.RFC3339),
		},
		Run: run, Version: 17, TotalVotes: votes, Expected: 200, Step: 1, Newest: &newest, Tie: true, Rejected: map[string]int64{},
		Candidates: []candidateOf{
			{"ana", "Ana", "Red", "", 100, 0.5}, {"bo", "Bo", "Blue", "", 100, 0.5}, {"nobody", "Nobody", "Grey", "", 0, 0},
		},
		Regions: []regionOf{{"north", "North", 0, 160, ballots(100, 60, 0)}, {"south", "South", 0, 40, ballots(0, 40, 0)}},
		Districts: []districtOf{
			{"N1", "north", 90, ballots(90, 0, 0)}, {"N2", "north", 70, ballots(10, 60, 0)}, {"S1", "south", 40, ballots(0, 40, 0)},
		},
		AgeGroups: []ageOf{
			{"18-24", 0, 0}, {"25-34", 0, 0}, {"35-44", 0, 0}, {"45-54", 0, 0}, {"55-64", 0, 0}, {"65+", 0, 0}, {"", 0, votes},
		},
	}
}

// newest is the newest time in votes_topic, of the first copy of each ballot.
func (f *fixture) newest(t *testing.T) string {
	t.Helper()
	var newest time.Time
	seen := make(map[string]bool)
	for partition := range int32(partitions) {
		for _, r := range kafkatest.Read(t, f.cluster, election.VotesTopic, partition) {
			if !seen[string(r.Key)] && r.Timestamp.After(newest) {
				newest = r.Timestamp
			}
			seen[string(r.Key)] = true
		}
	}
	return newest.UTC().Format("2006-01-02T15:04:05.000Z")
}

// servePage serves what answer writes at the page's API.
func servePage(t *testing.T, f *fixture, answer http.HandlerFunc) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("GET /api/v1/results", answer)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.config.Page = server.URL + "/"
	f.config.PageTimeout = time.Nanosecond
}

func write(t *testing.T, w http.ResponseWriter, d *document) {
	if err := json.NewEncoder(w).Encode(d); err != nil {
		t.Error(err)
	}
}

// newPublished is an election whose topics agree.
func newPublished(t *testing.T) *fixture {
	f := newFixture(t)
	f.publish(t)
	return f
}

func TestAuditOfAnAgreeingPage(t *testing.T) {
	t.Parallel()
	f := newPublished(t)
	servePage(t, f, func(w http.ResponseWriter, _ *http.Request) { write(t, w, shown(t, f)) })
	printed, err := f.audit(t)
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "page "+f.config.Page+" 200 in 83 figures 200 agrees")
}

// TestPageByTLS asks a page whose authority is in SSL_CERT_FILE, under the name of its certificate and under another.
func TestPageByTLS(t *testing.T) {
	f := newPublished(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { write(t, w, shown(t, f)) }))
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", authority)
	f.config.Page, f.config.PageTimeout = server.URL, time.Nanosecond
	if printed, err := f.audit(t); err != nil {
		t.Errorf("ended with %v, %q", err, printed)
	}
	f.config.Page = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	if printed, err := f.audit(t); err == nil || !strings.Contains(printed, "not localhost") {
		t.Errorf("under a name that the certificate does not have, it ended with %v, %q", err, printed)
	}
}

func TestPageMayNeedAMoment(t *testing.T) {
	t.Parallel()
	f := newPublished(t)
	var asked atomic.Int64
	servePage(t, f, func(w http.ResponseWriter, _ *http.Request) {
		switch asked.Add(1) {
		case 1:
			http.Error(w, "the count is not complete yet", http.StatusServiceUnavailable)
		case 2:
			behind := shown(t, f)
			behind.TotalVotes--
			write(t, w, behind)
		default:
			write(t, w, shown(t, f))
		}
	})
	f.config.PageTimeout = 0 // the default
	if printed, err := f.audit(t); err != nil || asked.Load() != 3 {
		t.Errorf("ended after %d answers with %v:\n%s", asked.Load(), err, printed)
	}
}

// TestAuditNamesWhatThePageShowsWrong plants one error at a time.
func TestAuditNamesWhatThePageShowsWrong(t *testing.T) {
	t.Parallel()
	f := newPublished(t)
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		plant func(d *document)
		says  string
	}{
		{func(d *document) { d.Election["id"] = "another" }, `election is "another"; it must be "replay"`},
		{func(d *document) { d.Election["name"] = "Another" }, `election name is "Another"; it must be "Replay of result.csv"`},
		{func(d *document) { d.Election["fingerprint"] = "f" }, `election fingerprint is "f"; it must be "` + resultFile(t).Definition.Fingerprint() + `"`},
		{func(d *document) { d.Election["opens"] = "2024-11-05T07:00:01Z" }, "election opens is 2024-11-05T07:00:01.000Z; it must be 2024-11-05T07:00:00.000Z"},
		{func(d *document) { d.Election["closes"] = "2024-11-05T21:00:01Z" }, "election closes is 2024-11-05T21:00:01.000Z; it must be "},
		{func(d *document) { d.Run = 1 }, "run is 1; it must be 2"},
		{func(d *document) { d.TotalVotes = 199 }, "total is 199; it must be 200"},
		{func(d *document) { d.Expected = 1 }, "expected votes is 1; it must be 200"},
		{func(d *document) { d.Step = 10 }, "district step is 10; it must be 1"},
		{func(d *document) { d.Registered = 7 }, "registered voters is 7; it must be 0"},
		{func(d *document) { d.Newest = text("1999-01-01T00:00:00Z") }, "newest record is 1999-01-01T00:00:00.000Z; it must be " + f.newest(t)},
		{func(d *document) { d.Leader = text("nobody") }, `leader is "nobody"; it must not be shown`},
		{func(d *document) { d.Tie = false }, "tie is false; it must be true"},
		{func(d *document) { d.Candidates[0].Votes = 101 }, "candidate ana is 101; it must be 100"},
		{func(d *document) { d.Candidates[0].Share = 0.51 }, "candidate ana share is 0.510000; it must be 0.500000"},
		{func(d *document) { d.Candidates[0].Name = "Anna" }, `candidate ana name is "Anna"; it must be "Ana"`},
		{func(d *document) { d.Candidates[0].Party = "Blue" }, `candidate ana party is "Blue"; it must be "Red"`},
		{func(d *document) { d.Candidates[0].Photo = "x" }, `candidate ana photo is "x"; it must be ""`},
		{func(d *document) { d.Candidates[1].ID = "ana" }, `candidate ana again is 100; it must not be shown`},
		{func(d *document) { d.Candidates = d.Candidates[:2] }, "candidate nobody is not shown; it must be 0"},
		{func(d *document) { d.Regions[0].Votes++ }, "region north is 161; it must be 160"},
		{func(d *document) { d.Regions[0].Name = "South" }, `region north name is "South"; it must be "North"`},
		{func(d *document) { d.Regions[0].Registered = 1 }, "region north registered voters is 1; it must be 0"},
		{func(d *document) { d.Regions[0].Candidates["ana"] = 0 }, "region north candidate ana is 0; it must be 100"},
		{func(d *document) { d.Districts[2].Votes = 0 }, "district S1 is 0; it must be 40"},
		{func(d *document) { d.Districts[2].RegionID = "north" }, `district S1 region is "north"; it must be "south"`},
		{func(d *document) { d.Districts[2].Candidates["ana"] = 11 }, "district S1 candidate ana is 11; it must be 0"},
		{func(d *document) { d.Districts = append(d.Districts, districtOf{"X", "north", 5, nil}) }, "district X is 5; it must not be shown"},
		{func(d *document) { d.Districts[0], d.Districts[1] = d.Districts[1], d.Districts[0] }, `district number 1 is "N2"; it must be "N1"`},
		{func(d *document) { d.AgeGroups[5].Votes = 999_999 }, "age group 65+ is 999999; it must be 0"},
		{func(d *document) { d.AgeGroups[5].Registered = 1 }, "age group 65+ registered voters is 1; it must be 0"},
		{func(d *document) { d.AgeGroups = d.AgeGroups[:6] }, "age group not stated is not shown; it must be 200"},
		{func(d *document) { d.Rejected["malformed"] = 3 }, "rejected malformed is 3; it must not be shown"},
	} {
		d := shown(t, f)
		c.plant(d)
		servePage(t, f, func(w http.ResponseWriter, _ *http.Request) { write(t, w, d) })
		printed, err := f.audit(t)
		if !errors.Is(err, audit.ErrDisagree) {
			t.Errorf("%s: ended with %v", c.says, err)
		}
		wantSaid(t, printed, "page: "+c.says, "200 in 83 figures")
	}
}

func TestPageShowsRejectsButNotCopies(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cast(1, "ana", "nowhere"), cast(2, "ana", "N1"), cast(2, "ana", "N1"), cast(2, "bo", "N1"))
	f.publish(t)
	f.config.Expect = votes + 1
	d := shown(t, f)
	d.TotalVotes = 201
	d.Candidates[0].Votes, d.Regions[0].Votes, d.Districts[0].Votes, d.AgeGroups[6].Votes = 101, 161, 91, 201
	d.Candidates[0].Share, d.Candidates[1].Share = 101.0/201, 100.0/201
	d.Regions[0].Candidates["ana"], d.Districts[0].Candidates["ana"] = 101, 91
	ana := "ana"
	d.Leader, d.Tie = &ana, false
	d.Rejected[string(election.UnknownDistrict)] = 1
	servePage(t, f, func(w http.ResponseWriter, _ *http.Request) { write(t, w, d) })
	if printed, err := f.audit(t); err != nil {
		t.Errorf("ended with %v:\n%s", err, printed)
	}
}

func TestPageThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	f := newPublished(t)
	for says, answer := range map[string]http.HandlerFunc{
		"page: ask the page: it answers 503 Service Unavailable": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"page: read the page's answer: unexpected EOF": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"run":`)) // the reader's error is what is tested
		},
	} {
		servePage(t, f, answer)
		printed, err := f.audit(t)
		if !errors.Is(err, audit.ErrDisagree) {
			t.Errorf("ended with %v", err)
		}
		wantSaid(t, printed, says, "DIFFERS (1)")
	}

	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	f.config.Page, f.config.PageTimeout = gone.URL, 50*time.Millisecond
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "page: ask the page: Get ", "DIFFERS (1)")
}
