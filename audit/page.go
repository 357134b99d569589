package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"realtime-election/election"
)

const (
	pageSettles = 20 * time.Second
	pageEvery   = 300 * time.Millisecond
)

// page is what the audit compares of the page's API, GET /api/v1/results.
type page struct {
	Run        int              `json:"run"`
	TotalVotes int64            `json:"total_votes"`
	Rejected   map[string]int64 `json:"rejected"`
	Candidates []struct {
		ID    string `json:"id"`
		Votes int64  `json:"votes"`
	} `json:"candidates"`
	Regions []struct {
		ID         string           `json:"id"`
		Votes      int64            `json:"votes"`
		Candidates map[string]int64 `json:"candidates"`
	} `json:"regions"`
	Districts []struct {
		ID         string           `json:"id"`
		Votes      int64            `json:"votes"`
		Candidates map[string]int64 `json:"candidates"`
	} `json:"districts"`
}

// figures are all figures of a page by name, without those that are zero.
type figures map[string]int64

func (f figures) put(votes int64, name ...string) {
	if votes != 0 {
		f[strings.Join(name, " ")] = votes
	}
}

// pageExpectation is what the page must show.
func pageExpectation(count *election.Count, record *election.Record, run int) figures {
	f := make(figures)
	f.put(int64(run), "run")
	f.put(count.Votes(), "total")
	for reason, n := range count.Rejected() {
		if reason != election.Duplicate && reason != election.Conflicting {
			f.put(n, "rejected", string(reason))
		}
	}
	results := count.Results(run)
	for id, r := range results[election.PerCandidateTopic] {
		f.put(r.TotalVotes, "candidate", id)
	}
	for id, r := range results[election.TurnoutByLocationTopic] {
		f.put(r.TotalVotes, "region", id)
	}
	for _, r := range results[election.ByLocationTopic] {
		f.put(r.TotalVotes, "region", *r.RegionID, "candidate", *r.CandidateID)
	}
	for _, r := range results[election.ByDistrictTopic] {
		f.put(r.TotalVotes, "district", *r.DistrictID, "candidate", *r.CandidateID)
		f["district "+*r.DistrictID] += r.TotalVotes
	}
	return f
}

func (p page) figures() figures {
	f := make(figures)
	f.put(int64(p.Run), "run")
	f.put(p.TotalVotes, "total")
	for reason, n := range p.Rejected {
		f.put(n, "rejected", reason)
	}
	for _, c := range p.Candidates {
		f.put(c.Votes, "candidate", c.ID)
	}
	for _, r := range p.Regions {
		f.put(r.Votes, "region", r.ID)
		for id, votes := range r.Candidates {
			f.put(votes, "region", r.ID, "candidate", id)
		}
	}
	for _, d := range p.Districts {
		f.put(d.Votes, "district", d.ID)
		for id, votes := range d.Candidates {
			f.put(votes, "district", d.ID, "candidate", id)
		}
	}
	return f
}

// comparePage compares the page's API with the recount. The page follows the topics, so it may need a moment.
func comparePage(ctx context.Context, c Config, report *report, want figures) error {
	settled, cancel := context.WithTimeout(ctx, cmp.Or(c.Settles, pageSettles))
	defer cancel()
	ticker := time.NewTicker(pageEvery)
	defer ticker.Stop()
	var differences []string
	var total int64
	for {
		shown, err := fetchPage(ctx, c.Page)
		if err == nil {
			total, differences = shown.TotalVotes, want.differences(shown.figures())
			if len(differences) == 0 {
				break
			}
		} else if differences == nil {
			differences = []string{err.Error()}
		}
		select {
		case <-ticker.C:
			continue
		case <-settled.Done():
		}
		break
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, difference := range differences {
		report.say("page: %s", difference)
	}
	report.row("page "+c.Page, fmt.Sprintf("%d in %d figures", want["total"], len(want)), strconv.FormatInt(total, 10), len(differences))
	return nil
}

func (want figures) differences(got figures) []string {
	var found []string
	for _, name := range sortedKeys(want) {
		if got[name] != want[name] {
			found = append(found, fmt.Sprintf("%s is %d; it must be %d", name, got[name], want[name]))
		}
	}
	for _, name := range sortedKeys(got) {
		if _, expected := want[name]; !expected {
			found = append(found, fmt.Sprintf("%s is %d; it must be 0", name, got[name]))
		}
	}
	return found
}

func fetchPage(ctx context.Context, url string) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, pageSettles)
	defer cancel()
	var p page
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(url, "/")+"/api/v1/results", nil)
	if err != nil {
		return p, fmt.Errorf("ask the page: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return p, fmt.Errorf("ask the page: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return p, fmt.Errorf("ask the page: it answers %s", response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(&p); err != nil {
		return p, fmt.Errorf("read the page's answer: %w", err)
	}
	return p, nil
}
