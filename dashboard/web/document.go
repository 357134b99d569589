package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"realtime-election/dashboard/live"
	"realtime-election/election"
	"realtime-election/internal/results"
)

// Document is the answer of /api/v1/results. The answer is 503 before the results have been read to their end, so that nobody
// gets half a count.
type Document struct {
	CountDocument
	AgeSeconds *float64 `json:"age_seconds"` // the age of NewestRecordAt; null before the first vote
}

// CountDocument is the part of a Document that changes only with the count. It has the votes of everything in the definition,
// even if they are 0. Lists are in the definition's order.
type CountDocument struct {
	Election       *ElectionDocument `json:"election"`          // null until one is announced
	Run            int               `json:"run"`               // the official run; 0 if there is none yet
	Version        uint64            `json:"version"`           // rises with each change, from 1 at the start of the process
	TotalVotes     int64             `json:"total_votes"`       // the sum over the candidates
	ExpectedVotes  int64             `json:"expected_votes"`    // 0 if not known
	Registered     int64             `json:"registered_voters"` // 0 if not known of every district
	DistrictStep   int64             `json:"district_step"`     // the votes in Districts are rounded down to multiples of it; 1 once the polls are closed
	NewestRecordAt *time.Time        `json:"newest_record_at"`  // when the newest vote counted was produced; null before the first

	Leader   *election.CandidateID     `json:"leader"`   // null before the first vote and in a tie
	Tie      bool                      `json:"tie"`      // several candidates have the most votes
	Rejected map[election.Reason]int64 `json:"rejected"` // reasons that occurred

	Candidates []CandidateDocument   `json:"candidates"`
	Regions    []RegionDocument      `json:"regions"`
	Districts  []DistrictDocument    `json:"districts"`
	AgeGroups  []AgeDocument         `json:"age_groups"`
	Query      *election.QueryStatus `json:"query"` // last status of the streaming query; null if there is none
}

// ElectionDocument names the election.
type ElectionDocument struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Fingerprint string    `json:"fingerprint"`
	Opens       time.Time `json:"opens"`
	Closes      time.Time `json:"closes"`
}

// CandidateDocument is a candidate's total.
type CandidateDocument struct {
	ID    election.CandidateID `json:"id"`
	Name  string               `json:"name"`
	Party string               `json:"party"`
	Photo string               `json:"photo"`
	Votes int64                `json:"votes"`
	Share float64              `json:"share"` // of all votes, 0 to 1
}

// RegionDocument are a region's totals.
type RegionDocument struct {
	ID               election.RegionID              `json:"id"`
	Name             string                         `json:"name"`
	RegisteredVoters int64                          `json:"registered_voters"` // 0 where not known of every district
	Votes            int64                          `json:"votes"`
	Candidates       map[election.CandidateID]int64 `json:"candidates"`
}

// DistrictDocument are a district's totals.
type DistrictDocument struct {
	ID         election.DistrictID            `json:"id"`
	RegionID   election.RegionID              `json:"region_id"`
	Votes      int64                          `json:"votes"`
	Candidates map[election.CandidateID]int64 `json:"candidates"`
}

// AgeDocument are an age group's totals.
type AgeDocument struct {
	AgeGroup         string `json:"age_group"`         // empty for ballots that state no age; that row comes last, if there is one
	RegisteredVoters int64  `json:"registered_voters"` // 0 where not known
	Votes            int64  `json:"votes"`
}

func newCountDocument(u *live.Update) CountDocument {
	s := u.Snapshot
	d := CountDocument{
		Run: s.Run, Version: u.Version, TotalVotes: s.TotalVotes, ExpectedVotes: s.ExpectedVotes,
		Registered: s.Registered, DistrictStep: s.DistrictStep, Query: s.Query,
		Rejected:   map[election.Reason]int64{},
		Candidates: []CandidateDocument{}, Regions: []RegionDocument{}, Districts: []DistrictDocument{},
		AgeGroups: []AgeDocument{},
	}
	if s.Definition != nil {
		d.Election = &ElectionDocument{
			s.Definition.ID, s.Definition.Name, s.Fingerprint, s.Definition.Polling.Opens, s.Definition.Polling.Closes,
		}
	}
	if !s.NewestRecordAt.IsZero() {
		d.NewestRecordAt = &s.NewestRecordAt
	}
	switch leaders := s.Leaders(); len(leaders) {
	case 0:
	case 1:
		d.Leader = &s.Candidates[leaders[0]].ID
	default:
		d.Tie = true
	}
	for _, r := range s.Rejected {
		d.Rejected[r.Reason] = r.Records
	}
	for _, c := range s.Candidates {
		d.Candidates = append(d.Candidates, CandidateDocument{c.ID, c.Name, c.Party, c.Photo, c.Votes, share(c.Votes, s.TotalVotes)})
	}
	for _, r := range s.Regions {
		d.Regions = append(d.Regions, RegionDocument{r.ID, r.Name, r.Register, r.Votes, byID(s, r.ByCandidate)})
	}
	for _, in := range s.Districts {
		d.Districts = append(d.Districts, DistrictDocument{in.ID, in.Region.ID, in.Votes, byID(s, in.ByCandidate)})
	}
	for _, age := range s.ByAge {
		d.AgeGroups = append(d.AgeGroups, AgeDocument{age.Group, age.Registered, age.Votes})
	}
	return d
}

func byID(s *results.Snapshot, votes []int64) map[election.CandidateID]int64 {
	m := make(map[election.CandidateID]int64, len(votes))
	for i, n := range votes {
		m[s.Candidates[i].ID] = n
	}
	return m
}

func share(votes, of int64) float64 {
	if of == 0 {
		return 0
	}
	return float64(votes) / float64(of)
}

func (s Site) results(w http.ResponseWriter, r *http.Request) {
	d := s.documents.newest(s.Hub)
	if d == nil {
		s.notReady(w)
		return
	}
	u, h := d.update, w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Encoding")
	// The tag is weak because the age differs each time. The time of the newest record tells this process's versions from those of
	// another process.
	tag := fmt.Sprintf(`W/"%s-%d-%d-%d"`, u.Snapshot.Fingerprint, u.Snapshot.Run, u.Version, u.Snapshot.UpdatedAt.UnixMilli())
	h.Set("ETag", tag)
	for known := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimSpace(known) == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Type", "application/json")
	var shared []byte
	end := d.end(s.Hub.Status())
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		z := d.zipped()
		shared, end = z.data, z.end(end)
	} else {
		shared = d.plain()
	}
	h.Set("Content-Length", strconv.Itoa(len(shared)+len(end)))
	_ = send(w, cmp.Or(s.DownloadTimeout, 30*time.Second), shared, end)
}

// notReady answers that there is no snapshot yet, or no election.
func (s Site) notReady(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	plain(w, http.StatusServiceUnavailable, s.Hub.Status().Detail+"\n")
}

func writeJSON(w http.ResponseWriter, document any) {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(document); err != nil {
		plain(w, http.StatusInternalServerError, "encode the answer: "+err.Error()+"\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body.Bytes())
}
