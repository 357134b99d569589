package web

import (
	"fmt"
	"slices"
	"strings"

	"realtime-election/dashboard/charts"
	"realtime-election/election"
	"realtime-election/internal/number"
	"realtime-election/internal/results"
)

// liveText is a text that changes. The page has it under its key, and events replace it by key.
type liveText struct{ Key, Text string }

// view has the texts of a snapshot for the template and for events.
type view struct {
	snapshot *results.Snapshot
	texts    map[string]string

	Known       bool // there is an election to show
	Fingerprint string
	Title       liveText // of the window
	Name        string   // of the election
	Headline    liveText
	Margin      liveText
	Portrait    string // path; empty: the page shows Initials
	Initials    liveText
	Updated     liveText // when the count last changed; empty before the first change
	Figures     []figure
	Counted     liveText
	Bounded     bool    // whether Progress is known
	Progress    float64 // 0 to 1

	Candidates  []candidateRow // most votes first
	Columns     []candidateRow // in the definition's order
	Regions     []regionRow
	WithTurnout bool     // some region has a register
	Ages        []ageRow // none without an electorate
	AgeNote     liveText
	TimeCaption liveText
	Times       [][2]string // from, votes
	Rejected    liveText
	Reasons     []reasonRow
	Run         liveText
}

type candidateRow struct {
	ID           election.CandidateID
	Name, Party  string
	Colour       int
	Leads        bool
	Votes, Share liveText
}

type regionRow struct {
	Name                   string
	Votes, Turnout, Leader liveText
	Candidates             []liveText
}

type reasonRow struct {
	Reason  string
	Records liveText
}

// reasons are the reasons in the result topics, in words for people.
var reasons = []struct {
	election.Reason
	text string
}{
	{election.Malformed, "Malformed"},
	{election.WrongPartition, "In the wrong partition"},
	{election.UnknownCandidate, "For an unknown candidate"},
	{election.UnknownDistrict, "From an unknown district"},
	{election.OutsidePollingHours, "Outside polling hours"},
	{election.Unregistered, "Of nobody on the register"},
}

func newView(s *results.Snapshot, portraits Portraits) *view {
	v := &view{snapshot: s, texts: map[string]string{}, Fingerprint: s.Fingerprint}
	leaders := s.Leaders()
	updated := ""
	if !s.UpdatedAt.IsZero() {
		updated = "Last change " + s.UpdatedAt.UTC().Format("2 Jan, 15:04:05 UTC")
	}
	v.Updated = v.addText("updated", updated)
	if s.Definition == nil {
		v.Name = "Election results"
		v.Headline = v.addText("headline", "Waiting for the election")
		v.Title = v.addText("title", "Waiting for the election")
		return v
	}
	v.Known, v.Name = true, s.Definition.Name
	v.Headline = v.addText("headline", headline(s, leaders))
	v.Title = v.addText("title", v.Headline.Text+" – "+v.Name)
	v.Margin = v.addText("margin", margin(s, leaders))
	v.Initials = v.addText("initials", "")
	if len(leaders) == 1 {
		leader := s.Candidates[leaders[0]].Candidate
		v.Portrait = portraits.of(leader)
		v.Initials = v.addText("initials", initials(leader.Name))
	}
	v.addCount(s)
	v.addFigures(s)
	for c := range s.Candidates {
		v.Columns = append(v.Columns, v.candidate(c))
	}
	for _, c := range charts.Ranked(s) {
		v.Candidates = append(v.Candidates, v.Columns[c])
	}
	for _, c := range leaders {
		for i := range v.Candidates {
			v.Candidates[i].Leads = v.Candidates[i].Leads || v.Candidates[i].ID == s.Candidates[c].ID
		}
	}
	v.WithTurnout = slices.ContainsFunc(s.Regions, func(r results.RegionVotes) bool { return r.Register > 0 })
	for i := range s.Regions {
		v.Regions = append(v.Regions, v.region(&s.Regions[i]))
	}
	v.addAges(s)
	v.addTimes(s)
	v.addRejected(s)
	v.Run = v.addText("run", fmt.Sprint(s.Run))
	return v
}

// addText adds a text under a key.
func (v *view) addText(key, text string) liveText {
	v.texts[key] = text
	return liveText{key, text}
}

func headline(s *results.Snapshot, leaders []int) string {
	switch len(leaders) {
	case 0:
		return "No votes counted yet"
	case 1:
		return s.Candidates[leaders[0]].Name + " leads"
	case 2, 3:
		names := make([]string, len(leaders))
		for i, c := range leaders {
			names[i] = s.Candidates[c].Name
		}
		last := len(names) - 1
		return strings.Join(names[:last], ", ") + " and " + names[last] + " are tied"
	}
	return fmt.Sprintf("%d candidates are tied", len(leaders))
}

// margin says how far the leader is ahead.
func margin(s *results.Snapshot, leaders []int) string {
	if len(leaders) == 0 {
		return "The first results appear here as soon as votes are counted."
	}
	first := s.Candidates[leaders[0]]
	text := fmt.Sprintf("%s (%s)", quantity(first.Votes, "vote"), charts.Percent(share(first.Votes, s.TotalVotes)))
	switch {
	case len(leaders) > 1:
		return text + " each"
	case len(s.Candidates) == 1:
		return text
	}
	second := s.Candidates[charts.Ranked(s)[1]]
	return fmt.Sprintf("%s, %s ahead of %s", text, number.Thousands(first.Votes-second.Votes), second.Name)
}

func (v *view) candidate(c int) candidateRow {
	of := v.snapshot.Candidates[c]
	key := "candidate." + string(of.ID)
	return candidateRow{
		ID: of.ID, Name: of.Name, Party: of.Party, Colour: c % charts.Colours(),
		Votes: v.addText(key+".votes", number.Thousands(of.Votes)),
		Share: v.addText(key+".share", charts.Percent(share(of.Votes, v.snapshot.TotalVotes))),
	}
}

func (v *view) region(r *results.RegionVotes) regionRow {
	key := "region." + string(r.ID)
	row := regionRow{
		Name:   r.Name,
		Votes:  v.addText(key+".votes", number.Thousands(r.Votes)),
		Leader: v.addText(key+".leader", v.leaderOf(r)),
	}
	if v.WithTurnout {
		turnout := "–"
		if r.Register > 0 {
			turnout = charts.Percent(share(r.Votes, r.Register))
		}
		row.Turnout = v.addText(key+".turnout", turnout)
	}
	for c, votes := range r.ByCandidate {
		row.Candidates = append(row.Candidates, v.addText(key+".of."+string(v.snapshot.Candidates[c].ID), number.Thousands(votes)))
	}
	return row
}

func (v *view) leaderOf(r *results.RegionVotes) string {
	var most int64
	leader := "–"
	for c, votes := range r.ByCandidate {
		switch {
		case votes > most:
			most, leader = votes, v.snapshot.Candidates[c].Name
		case votes == most && most > 0:
			leader = "Tied"
		}
	}
	return leader
}

func (v *view) addTimes(s *results.Snapshot) {
	v.Times = [][2]string{}
	intervals, width := charts.Intervals(s)
	v.TimeCaption = v.addText("time", "Votes cast per "+charts.IntervalName(width))
	for _, in := range intervals {
		v.Times = append(v.Times, [2]string{in.From.Format("2 Jan 15:04"), number.Thousands(in.Votes)})
	}
}

func (v *view) addRejected(s *results.Snapshot) {
	records := map[election.Reason]int64{}
	for _, r := range s.Rejected {
		records[r.Reason] = r.Records
	}
	for _, r := range reasons {
		v.Reasons = append(v.Reasons, reasonRow{r.text, v.addText("reason."+string(r.Reason), number.Thousands(records[r.Reason]))})
	}
	v.Rejected = v.addText("rejected", quantity(s.RejectedRecords(), "record")+" not counted")
}

// order are the ids of the candidates in the order of their rows.
func (v *view) order() []string {
	ids := make([]string, len(v.Candidates))
	for i, c := range v.Candidates {
		ids[i] = string(c.ID)
	}
	return ids
}

func (v *view) leading() []string {
	ids := []string{}
	for _, c := range v.Candidates {
		if c.Leads {
			ids = append(ids, string(c.ID))
		}
	}
	return ids
}

// quantity is a number with its noun, in the plural unless it is 1.
func quantity(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number.Thousands(n) + " " + noun + "s"
}
