package election

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Ids of the definition. A vote holds those of its candidate and its district.
type (
	CandidateID string
	DistrictID  string
	RegionID    string
)

// Definition is an election before the first vote: who can be voted for, where, and when.
type Definition struct {
	ID         string      `json:"id" yaml:"id"`
	Name       string      `json:"name" yaml:"name"`
	Polling    Polling     `json:"polling" yaml:"polling"`
	Candidates []Candidate `json:"candidates" yaml:"candidates"`
	Regions    []Region    `json:"regions" yaml:"regions"`
	Electorate *Electorate `json:"electorate,omitempty" yaml:"electorate,omitempty"`
	Source     *Source     `json:"source,omitempty" yaml:"-"`
}

// Polling are the hours in which votes count: from Opens until just before Closes.
type Polling struct {
	Opens  time.Time `json:"opens" yaml:"opens"`
	Closes time.Time `json:"closes" yaml:"closes"`
}

// Candidate is a name on the ballot.
type Candidate struct {
	ID        CandidateID `json:"id" yaml:"id"`
	Name      string      `json:"name" yaml:"name"`
	Party     string      `json:"party" yaml:"party"`
	Biography string      `json:"biography,omitempty" yaml:"biography,omitempty"`
	Platform  string      `json:"platform,omitempty" yaml:"platform,omitempty"`
	Photo     string      `json:"photo,omitempty" yaml:"photo,omitempty"` // URL, or the path of a portrait that the dashboard serves
}

// Region is a group of districts with a result of its own: a province, a state.
type Region struct {
	ID        RegionID   `json:"id" yaml:"id"`
	Name      string     `json:"name" yaml:"name"`
	Districts []District `json:"districts" yaml:"districts"`
}

// District is where a vote is cast. Its id is unique in the whole election.
type District struct {
	ID         DistrictID `json:"id" yaml:"id"`
	Code       string     `json:"code,omitempty" yaml:"-"` // its id in the replayed file, if that cannot be ID
	Name       string     `json:"name" yaml:"name"`
	Registered int64      `json:"registered,omitempty" yaml:"registered,omitempty"` // voters; 0 if not known
}

// Electorate says how generated voters behave. A replayed result has none.
type Electorate struct {
	// Ages is the share, 0 to 1, of each age group among the registered of every district. They sum to 1.
	Ages     map[string]float64 `json:"ages" yaml:"ages"`
	Turnout  Turnout            `json:"turnout" yaml:"turnout"`
	Leanings Leanings           `json:"leanings" yaml:"leanings"`
	Arrival  []Arrival          `json:"arrival" yaml:"arrival"`
	// SlotMinutes is the width of a slot: 1, 2, 5, 10, 15, 30 or 60. A ballot's voting_time is the beginning of its slot. 0 is
	// defaultSlot.
	SlotMinutes int `json:"slot_minutes,omitempty" yaml:"slot_minutes,omitempty"`
	// MinimumCell is how many voters of a district must have an age group and gender in common for their ballots to state it, see
	// [Disclosure], and the step in which the page shows the votes of districts while the polls are open. With 1, all ballots state
	// it and each vote is shown. 0 is defaultMinimumCell.
	MinimumCell int `json:"minimum_cell,omitempty" yaml:"minimum_cell,omitempty"`
}

const (
	defaultSlot        = 10 * time.Minute
	defaultMinimumCell = 10
	maxMinimumCell     = 1000
)

// Slot is the width of the slots of voting_time. The votes of a result file have times that nobody has voted at, and slots of a
// minute.
func (d *Definition) Slot() time.Duration {
	switch {
	case d.Electorate == nil:
		return time.Minute
	case d.Electorate.SlotMinutes == 0:
		return defaultSlot
	}
	return time.Duration(d.Electorate.SlotMinutes) * time.Minute
}

// MinimumCell is the smallest number of voters about whom a ballot may tell something. It is 1 for the votes of a result file, which
// are nobody's.
func (d *Definition) MinimumCell() int {
	switch {
	case d.Electorate == nil:
		return 1
	case d.Electorate.MinimumCell == 0:
		return defaultMinimumCell
	}
	return d.Electorate.MinimumCell
}

// Turnout is the share, 0 to 1, of the registered who vote.
type Turnout struct {
	Overall float64            `json:"overall" yaml:"overall"`
	ByAge   map[string]float64 `json:"by_age,omitempty" yaml:"by_age,omitempty"` // overrides Overall for an age group
}

// Of is the turnout of an age group.
func (t Turnout) Of(age string) float64 {
	if share, own := t.ByAge[age]; own {
		return share
	}
	return t.Overall
}

// Leanings weigh the candidates against each other. A voter's weight for a candidate is the product of the weights
// under the voter's region, age group and gender; a missing weight is 1.
type Leanings struct {
	ByRegion map[RegionID]map[CandidateID]float64 `json:"by_region,omitempty" yaml:"by_region,omitempty"`
	ByAge    map[string]map[CandidateID]float64   `json:"by_age,omitempty" yaml:"by_age,omitempty"`
	ByGender map[string]map[CandidateID]float64   `json:"by_gender,omitempty" yaml:"by_gender,omitempty"`
}

// Arrival is a part of the polling day: Share of all ballots arrive between the previous Until and this one.
type Arrival struct {
	Until string  `json:"until" yaml:"until"` // hh:mm, in UTC, up to 24:00
	Share float64 `json:"share" yaml:"share"`
}

// TimeOfDay is the time from midnight to Until. It reports false if Until is no time of day.
func (a Arrival) TimeOfDay() (time.Duration, bool) {
	if a.Until == "24:00" {
		return 24 * time.Hour, true
	}
	clock, err := time.Parse("15:04", a.Until)
	return time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute, err == nil && len(a.Until) == len("15:04")
}

// Source is the result file that a definition was derived from.
type Source struct {
	SHA256 string   `json:"sha256"` // of the lines that are replayed
	Votes  int64    `json:"votes"`  // all votes of those lines
	Lines  [][2]int `json:"lines"`  // each line's district and candidate, as indices, in the file's order
	CRLF   bool     `json:"crlf"`   // the file ends its lines as RFC 4180 says
}

// Districts are all districts with their regions, in the definition's order.
func (d *Definition) Districts() []DistrictIn {
	var all []DistrictIn
	for r := range d.Regions {
		for i := range d.Regions[r].Districts {
			all = append(all, DistrictIn{&d.Regions[r].Districts[i], &d.Regions[r]})
		}
	}
	return all
}

// DistrictIn is a district with the region it lies in.
type DistrictIn struct {
	*District
	Region *Region
}

// FileCode is the district's id in the replayed file.
func (d District) FileCode() string {
	if d.Code != "" {
		return d.Code
	}
	return string(d.ID)
}

// Registered is the number of registered voters of the region, 0 if it is not known.
func (r *Region) Registered() int64 {
	var n int64
	for _, d := range r.Districts {
		n += d.Registered
	}
	return n
}

// ExpectedVotes is the number of votes in the replayed file, 0 without one.
func (d *Definition) ExpectedVotes() int64 {
	if d.Source == nil {
		return 0
	}
	return d.Source.Votes
}

// Fingerprint identifies the definition: the first 128 bits of the SHA-256 of its JSON, in hexadecimal.
func (d *Definition) Fingerprint() string {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // JSON can hold every Definition
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
