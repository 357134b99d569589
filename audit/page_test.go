package audit_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"realtime-election/audit"
	"realtime-election/election"
)

// document is the page's answer, of which the audit reads this.
type document struct {
	Run        int              `json:"run"`
	TotalVotes int64            `json:"total_votes"`
	Rejected   map[string]int64 `json:"rejected"`
	Candidates []votesOf        `json:"candidates"`
	Regions    []votesOf        `json:"regions"`
	Districts  []votesOf        `json:"districts"`
}

type votesOf struct {
	ID         string           `json:"id"`
	Votes      int64            `json:"votes"`
	Candidates map[string]int64 `json:"candidates,omitempty"`
}

// shown is what a page must show of resultLines.
func shown() *document {
	return &document{
		Run: run, TotalVotes: votes, Rejected: map[string]int64{},
		Candidates: []votesOf{{"ana", 100, nil}, {"bo", 100, nil}, {"nobody", 0, nil}},
		Regions:    []votesOf{{"north", 160, map[string]int64{"ana": 100, "bo": 60, "nobody": 0}}, {"south", 40, map[string]int64{"bo": 40}}},
		Districts: []votesOf{
			{"N1", 90, map[string]int64{"ana": 90}}, {"N2", 70, map[string]int64{"ana": 10, "bo": 60}}, {"S1", 40, map[string]int64{"bo": 40}},
		},
	}
}

// servePage serves what answer writes at the page's API.
func servePage(t *testing.T, f *fixture, answer http.HandlerFunc) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("GET /api/v1/results", answer)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.config.Page = server.URL + "/"
	f.config.Settles = time.Nanosecond
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
	servePage(t, f, func(w http.ResponseWriter, _ *http.Request) { write(t, w, shown()) })
	printed, err := f.audit(t)
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "page "+f.config.Page+" 200 in 16 figures 200 agrees")
}

func TestPageMayNeedAMoment(t *testing.T) {
	t.Parallel()
	f := newPublished(t)
	var asked atomic.Int64
	servePage(t, f, func(w http.ResponseWriter, _ *http.Request) {
		switch asked.Add(1) {
		case 1:
			http.Error(w, "half a count is nobody's business", http.StatusServiceUnavailable)
		case 2:
			behind := shown()
			behind.TotalVotes--
			write(t, w, behind)
		default:
			write(t, w, shown())
		}
	})
	f.config.Settles = 0 // as long as it takes without being told
	if printed, err := f.audit(t); err != nil || asked.Load() != 3 {
		t.Errorf("ended after %d answers with %v:\n%s", asked.Load(), err, printed)
	}
}

func TestAuditNamesWhatThePageShowsWrong(t *testing.T) {
	t.Parallel()
	f := newPublished(t)
	d := shown()
	var says []string
	wrong := func(change func(), said string) {
		change()
		says = append(says, "page: "+said+"\n")
	}
	wrong(func() { d.Run = 1 }, "run is 1; it must be 2")
	wrong(func() { d.TotalVotes = 199 }, "total is 199; it must be 200")
	wrong(func() { d.Candidates[1].Votes = 101 }, "candidate bo is 101; it must be 100")
	wrong(func() { d.Candidates[2].Votes = 1 }, "candidate nobody is 1; it must be 0")
	wrong(func() { d.Candidates = d.Candidates[1:] }, "candidate ana is 0; it must be 100")
	wrong(func() { d.Regions[0].Votes++ }, "region north is 161; it must be 160")
	wrong(func() { d.Regions[1].Candidates["bo"] = 0 }, "region south candidate bo is 0; it must be 40")
	wrong(func() { d.Districts[2].Votes = 0 }, "district S1 is 0; it must be 40")
	wrong(func() { d.Districts[1].Candidates["ana"] = 11 }, "district N2 candidate ana is 11; it must be 10")
	wrong(func() { d.Districts = append(d.Districts, votesOf{"X", 5, nil}) }, "district X is 5; it must be 0")
	wrong(func() { d.Rejected["malformed"] = 3 }, "rejected malformed is 3; it must be 0")
	servePage(t, f, func(w http.ResponseWriter, _ *http.Request) { write(t, w, d) })
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, append(says, "200 in 16 figures 199 DIFFERS (11)")...)
}

// TestOneWrongFigureIsEnough has the page's total wrong, and everything else right.
func TestOneWrongFigureIsEnough(t *testing.T) {
	t.Parallel()
	f := newPublished(t)
	d := shown()
	d.TotalVotes++
	servePage(t, f, func(w http.ResponseWriter, _ *http.Request) { write(t, w, d) })
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "page: total is 201; it must be 200", "DIFFERS (1)")
}

func TestPageShowsRejectsButNotCopies(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cast(1, "ana", "nowhere"), cast(2, "ana", "N1"), cast(2, "ana", "N1"), cast(2, "bo", "N1"))
	f.publish(t)
	f.config.Expect = votes + 1
	d := shown()
	d.TotalVotes++
	d.Candidates[0].Votes++
	for _, of := range []votesOf{d.Regions[0], d.Districts[0]} {
		of.Candidates["ana"]++
	}
	d.Regions[0].Votes++
	d.Districts[0].Votes++
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
	f.config.Page, f.config.Settles = gone.URL, 50*time.Millisecond
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "page: ask the page: Get ", "DIFFERS (1)")
}
