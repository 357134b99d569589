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
	pageTimeout  = 20 * time.Second
	askPageEvery = 300 * time.Millisecond
)

// page is the page's API, GET /api/v1/results, without the fields that do not depend on the count: the version, the
// query's state, and the newest record's age.
type page struct {
	Election       *pageElection    `json:"election"`
	Run            int              `json:"run"`
	TotalVotes     int64            `json:"total_votes"`
	ExpectedVotes  int64            `json:"expected_votes"`
	Registered     int64            `json:"registered_voters"`
	DistrictStep   int64            `json:"district_step"`
	NewestRecordAt *time.Time       `json:"newest_record_at"`
	Leader         *string          `json:"leader"`
	Tie            bool             `json:"tie"`
	Rejected       map[string]int64 `json:"rejected"`
	Candidates     []pageCandidate  `json:"candidates"`
	Regions        []pageRegion     `json:"regions"`
	Districts      []pageDistrict   `json:"districts"`
	AgeGroups      []pageAge        `json:"age_groups"`
}

type pageElection struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Fingerprint string    `json:"fingerprint"`
	Opens       time.Time `json:"opens"`
	Closes      time.Time `json:"closes"`
}

type pageCandidate struct {
	ID    string  `json:"id"`
	Name  string  `json:"name"`
	Party string  `json:"party"`
	Photo string  `json:"photo"`
	Votes int64   `json:"votes"`
	Share float64 `json:"share"`
}

type pageRegion struct {
	ID         string           `json:"id"`
	Name       string           `json:"name"`
	Registered int64            `json:"registered_voters"`
	Votes      int64            `json:"votes"`
	Candidates map[string]int64 `json:"candidates"`
}

type pageDistrict struct {
	ID         string           `json:"id"`
	RegionID   string           `json:"region_id"`
	Votes      int64            `json:"votes"`
	Candidates map[string]int64 `json:"candidates"`
}

type pageAge struct {
	AgeGroup   string `json:"age_group"`
	Registered int64  `json:"registered_voters"`
	Votes      int64  `json:"votes"`
}

// figures are all values that a page shows, by name.
type figures map[string]string

func (f figures) put(value any, name ...string) {
	text := fmt.Sprint(value)
	switch v := value.(type) {
	case string:
		text = strconv.Quote(v)
	case float64:
		text = strconv.FormatFloat(v, 'f', 6, 64)
	case time.Time:
		text = v.UTC().Format(election.TimeLayout)
	}
	key := strings.Join(name, " ")
	for _, twice := f[key]; twice; _, twice = f[key] {
		key += " again"
	}
	f[key] = text
}

// putOrder adds the order in which candidates, regions and so on are shown.
func putOrder[T any](f figures, what string, all []T, id func(T) string) {
	for i, x := range all {
		f.put(id(x), what, "number", strconv.Itoa(i+1))
	}
}

func (p page) figures() figures {
	f := make(figures)
	if e := p.Election; e != nil {
		f.put(e.ID, "election")
		f.put(e.Name, "election name")
		f.put(e.Fingerprint, "election fingerprint")
		f.put(e.Opens, "election opens")
		f.put(e.Closes, "election closes")
	}
	f.put(p.Run, "run")
	f.put(p.TotalVotes, "total")
	f.put(p.ExpectedVotes, "expected votes")
	f.put(p.Registered, "registered voters")
	f.put(p.DistrictStep, "district step")
	f.put(p.Tie, "tie")
	if p.NewestRecordAt != nil {
		f.put(*p.NewestRecordAt, "newest record")
	}
	if p.Leader != nil {
		f.put(*p.Leader, "leader")
	}
	for reason, n := range p.Rejected {
		f.put(n, "rejected", reason)
	}
	byCandidate := func(votes map[string]int64, name ...string) {
		for id, n := range votes {
			f.put(n, append(name[:len(name):len(name)], "candidate", id)...)
		}
	}
	for _, c := range p.Candidates {
		f.put(c.Votes, "candidate", c.ID)
		f.put(c.Share, "candidate", c.ID, "share")
		f.put(c.Name, "candidate", c.ID, "name")
		f.put(c.Party, "candidate", c.ID, "party")
		f.put(c.Photo, "candidate", c.ID, "photo")
	}
	for _, r := range p.Regions {
		f.put(r.Votes, "region", r.ID)
		f.put(r.Name, "region", r.ID, "name")
		f.put(r.Registered, "region", r.ID, "registered voters")
		byCandidate(r.Candidates, "region", r.ID)
	}
	for _, d := range p.Districts {
		f.put(d.Votes, "district", d.ID)
		f.put(d.RegionID, "district", d.ID, "region")
		byCandidate(d.Candidates, "district", d.ID)
	}
	for _, a := range p.AgeGroups {
		name := a.AgeGroup
		if name == "" {
			name = "not stated"
		}
		f.put(a.Votes, "age group", name)
		f.put(a.Registered, "age group", name, "registered voters")
	}
	putOrder(f, "candidate", p.Candidates, func(c pageCandidate) string { return c.ID })
	putOrder(f, "region", p.Regions, func(r pageRegion) string { return r.ID })
	putOrder(f, "district", p.Districts, func(d pageDistrict) string { return d.ID })
	putOrder(f, "age group", p.AgeGroups, func(a pageAge) string { return a.AgeGroup })
	return f
}

// comparePage compares the page's API with the recount. The page follows the topics, so comparePage asks again until
// they agree, or until PageTimeout has passed.
func comparePage(ctx context.Context, c Config, report *report, expected page) error {
	want := expected.figures()
	asking, cancel := context.WithTimeout(ctx, cmp.Or(c.PageTimeout, pageTimeout))
	defer cancel()
	ticker := time.NewTicker(askPageEvery)
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
		case <-asking.Done():
		}
		break
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, difference := range differences {
		report.addDifference("page: %s", difference)
	}
	report.addRow("page "+c.Page, fmt.Sprintf("%d in %d figures", expected.TotalVotes, len(want)), strconv.FormatInt(total, 10), len(differences))
	return nil
}

func (want figures) differences(got figures) []string {
	var found []string
	for _, name := range sortedKeys(want) {
		switch value, shown := got[name]; {
		case !shown:
			found = append(found, fmt.Sprintf("%s is not shown; it must be %s", name, want[name]))
		case value != want[name]:
			found = append(found, fmt.Sprintf("%s is %s; it must be %s", name, value, want[name]))
		}
	}
	for _, name := range sortedKeys(got) {
		if _, expected := want[name]; !expected {
			found = append(found, fmt.Sprintf("%s is %s; it must not be shown", name, got[name]))
		}
	}
	return found
}

func fetchPage(ctx context.Context, url string) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
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
