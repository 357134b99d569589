package web

import (
	"fmt"
	"net/http"

	"realtime-election/election"
	"realtime-election/internal/results"
)

// LocationsDocument is the answer of /api/v1/locations: a page of the districts that match a search, sorted. Parameters:
//
//	q     words that the names of district and region must contain; case and accents do not matter
//	sort  district (the default), region, registered, votes, turnout, leader, or candidate.ID for a candidate's votes
//	dir   asc or desc; by default names begin with A, and numbers with the greatest
//	size  rows of a page: 10, 25 (the default), 50 or 100
//	page  from 1 (the default) to the last
//
// Rows with equal values are sorted by name. Rows whose value is not known come last. For a wrong parameter the answer is 400,
// and says what is wrong.
type LocationsDocument struct {
	Version      uint64             `json:"version"` // as in Document
	Run          int                `json:"run"`
	DistrictStep int64              `json:"district_step"` // as in Document; turnout, leader and order follow from the rounded votes
	Districts    int                `json:"districts"`     // of the election
	Matching     int                `json:"matching"`      // of them, those that match q
	Sort         string             `json:"sort"`
	Dir          string             `json:"dir"`
	Size         int                `json:"size"`
	Page         int                `json:"page"`
	Pages        int                `json:"pages"` // at least 1
	Rows         []LocationDocument `json:"rows"`
}

// LocationDocument is a district's row.
type LocationDocument struct {
	ID               election.DistrictID            `json:"id"`
	Name             string                         `json:"name"`
	RegionID         election.RegionID              `json:"region_id"`
	Region           string                         `json:"region"`
	RegisteredVoters int64                          `json:"registered_voters"` // 0 if not known
	Votes            int64                          `json:"votes"`
	Turnout          *float64                       `json:"turnout"` // 0 to 1; null if the number of registered voters is not known
	Leader           *election.CandidateID          `json:"leader"`  // null before the first vote and in a tie
	Tie              bool                           `json:"tie"`
	Candidates       map[election.CandidateID]int64 `json:"candidates"`
}

func newLocationDocument(s *results.Snapshot, l location) LocationDocument {
	d := LocationDocument{
		ID: l.ID, Name: l.label(), RegionID: l.DistrictIn.Region.ID, Region: l.DistrictIn.Region.Name,
		RegisteredVoters: l.Registered, Votes: l.Votes, Tie: len(l.leaders) > 1, Candidates: byID(s, l.ByCandidate),
	}
	if l.Registered > 0 {
		turnout := share(l.Votes, l.Registered)
		d.Turnout = &turnout
	}
	if len(l.leaders) == 1 {
		d.Leader = &s.Candidates[l.leaders[0]].ID
	}
	return d
}

func (s Site) locationsAPI(w http.ResponseWriter, r *http.Request) {
	u := s.Hub.Current()
	if u == nil || u.Snapshot.Definition == nil {
		s.notReady(w)
		return
	}
	q, err := parseLocationQuery(r.URL.Query(), u.Snapshot)
	if err != nil {
		plain(w, http.StatusBadRequest, err.Error()+"\n")
		return
	}
	page := s.searchIndexes.of(u.Snapshot.Definition).find(u.Snapshot, q)
	if q.Page > page.pages() {
		plain(w, http.StatusBadRequest, fmt.Sprintf("page=\"%d\": the last page is %d\n", q.Page, page.pages()))
		return
	}
	d := LocationsDocument{
		Version: u.Version, Run: u.Snapshot.Run, DistrictStep: u.Snapshot.DistrictStep, Districts: len(u.Snapshot.Districts), Matching: page.matching,
		Sort: q.Sort, Dir: q.direction(), Size: q.Size, Page: q.Page, Pages: page.pages(), Rows: []LocationDocument{},
	}
	for _, l := range page.rows {
		d.Rows = append(d.Rows, newLocationDocument(u.Snapshot, l))
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, d)
}
