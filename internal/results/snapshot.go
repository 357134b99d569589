package results

import (
	"slices"
	"strings"
	"time"

	"realtime-election/election"
)

// MinuteLayout is how a minute of voting_time is written.
const MinuteLayout = "2006-01-02T15:04"

// Snapshot is the count at one moment: totals of the official run, names of the definition. Every candidate, region
// and district of the definition is present, with 0 where nobody voted. It is never changed once it is made; whoever
// reads it must not change it either.
type Snapshot struct {
	Definition  *election.Definition // nil when the election topic holds none: then there are no totals either
	Fingerprint string               // of the definition
	Run         int                  // the official run, 0 when there is none yet

	TotalVotes     int64
	ExpectedVotes  int64     // 0 where the definition promises none
	Registered     int64     // voters on the register, 0 where it is not known
	NewestRecordAt time.Time // Kafka's timestamp of the newest vote counted; zero before the first
	UpdatedAt      time.Time // Kafka's timestamp of the newest result record; zero before the first

	Candidates []CandidateVotes // in the definition's order, as are Regions and Districts
	Regions    []RegionVotes
	Districts  []DistrictVotes
	Minutes    []MinuteVotes         // ascending; minutes without a vote are left out
	ByAge      []LabelVotes          // election.AgeGroups; last, where there are such votes, "" for not known
	ByGender   []LabelVotes          // election.Genders, likewise
	Rejected   []ReasonVotes         // reasons that occurred, in the order of election.Reasons
	Query      *election.QueryStatus // what the streaming query last said of itself, nil if nothing

	OtherRuns []RunVotes // runs that are counted beside the official one, ascending
	Skipped   int64      // malformed records read so far
	Outside   int64      // votes for candidates that the definition does not know; part of no total
}

// CandidateVotes is one candidate's total.
type CandidateVotes struct {
	*election.Candidate
	Votes int64
}

// RegionVotes are a region's totals. ByCandidate is in the order of Snapshot.Candidates, and so everywhere.
type RegionVotes struct {
	*election.Region
	Votes       int64 // as counted in the region
	ByCandidate []int64
}

// DistrictVotes are a district's totals.
type DistrictVotes struct {
	election.DistrictIn
	Votes       int64
	ByCandidate []int64
}

// MinuteVotes are the votes cast in one minute of voting_time.
type MinuteVotes struct {
	Minute      string // in MinuteLayout
	ByCandidate []int64
}

// LabelVotes are the votes of an age group or a gender.
type LabelVotes struct {
	Label string
	Votes int64
}

// ReasonVotes is how many records were not counted, for one reason.
type ReasonVotes struct {
	Reason  election.Reason
	Records int64
}

// RunVotes is how many votes a run has counted.
type RunVotes struct {
	Run   int
	Votes int64
}

// Leaders are the indices in Candidates of those with the most votes: none before the first vote, more than one in a
// tie.
func (s *Snapshot) Leaders() []int {
	var most int64
	var leaders []int
	for i, c := range s.Candidates {
		if c.Votes > most {
			most, leaders = c.Votes, leaders[:0]
		}
		if c.Votes == most && most > 0 {
			leaders = append(leaders, i)
		}
	}
	return leaders
}

// RejectedRecords is how many records were not counted, for any reason.
func (s *Snapshot) RejectedRecords() int64 {
	var n int64
	for _, r := range s.Rejected {
		n += r.Records
	}
	return n
}

// Snapshot is the count as the fold now holds it.
func (f *Fold) Snapshot() *Snapshot {
	s := &Snapshot{Run: f.official, UpdatedAt: f.updated, Skipped: f.skipped, Query: f.query}
	for run, t := range f.runs {
		if run != f.official {
			s.OtherRuns = append(s.OtherRuns, RunVotes{run, t.cast()})
		}
	}
	slices.SortFunc(s.OtherRuns, func(a, b RunVotes) int { return a.Run - b.Run })
	if f.record == nil {
		return s
	}
	s.Definition, s.Fingerprint = &f.record.Definition, f.record.Fingerprint
	s.ExpectedVotes = s.Definition.ExpectedVotes()
	s.layOut()
	if t := f.runs[f.official]; t != nil {
		s.fill(t)
	}
	for _, c := range s.Candidates {
		s.TotalVotes += c.Votes
	}
	return s
}

// layOut makes room for every candidate, region and district.
func (s *Snapshot) layOut() {
	d := s.Definition
	for i := range d.Candidates {
		s.Candidates = append(s.Candidates, CandidateVotes{Candidate: &d.Candidates[i]})
	}
	for i := range d.Regions {
		s.Regions = append(s.Regions, RegionVotes{Region: &d.Regions[i], ByCandidate: s.zeros()})
		s.Registered += d.Regions[i].Registered()
	}
	for _, in := range d.Districts() {
		s.Districts = append(s.Districts, DistrictVotes{DistrictIn: in, ByCandidate: s.zeros()})
	}
	for _, age := range election.AgeGroups() {
		s.ByAge = append(s.ByAge, LabelVotes{Label: age})
	}
	for _, gender := range election.Genders() {
		s.ByGender = append(s.ByGender, LabelVotes{Label: gender})
	}
}

func (s *Snapshot) zeros() []int64 { return make([]int64, len(s.Definition.Candidates)) }

func (s *Snapshot) fill(t *tally) {
	candidates, regions, districts := map[string]int{}, map[string]int{}, map[string]int{}
	for i, c := range s.Candidates {
		candidates[string(c.ID)] = i
	}
	for i, r := range s.Regions {
		regions[string(r.ID)] = i
	}
	for i, d := range s.Districts {
		districts[string(d.ID)] = i
	}
	minutes, rejected := map[string][]int64{}, map[election.Reason]int64{}

	for sum, votes := range t.sums {
		c, known := candidates[sum.of.candidate]
		switch sum.topic {
		case election.PerCandidateTopic:
			if known {
				s.Candidates[c].Votes = votes
			} else {
				s.Outside += votes
			}
		case election.TurnoutByLocationTopic:
			if r, ok := regions[sum.of.region]; ok {
				s.Regions[r].Votes = votes
			}
		case election.ByLocationTopic:
			if r, ok := regions[sum.of.region]; ok && known {
				s.Regions[r].ByCandidate[c] = votes
			}
		case election.ByDistrictTopic:
			if d, ok := districts[sum.of.district]; ok && known {
				s.Districts[d].ByCandidate[c] = votes
				s.Districts[d].Votes += votes
			}
		case election.PerMinuteTopic:
			if minutes[sum.of.minute] == nil {
				minutes[sum.of.minute] = s.zeros()
			}
			if known {
				minutes[sum.of.minute][c] = votes
			}
		case election.ByDemographicTopic:
			s.ByAge = addTo(s.ByAge, sum.of.ageGroup, votes)
			s.ByGender = addTo(s.ByGender, sum.of.gender, votes)
		case election.VotesRejectedTopic:
			rejected[election.Reason(sum.of.reason)] += votes
		}
	}
	for minute, votes := range minutes {
		s.Minutes = append(s.Minutes, MinuteVotes{minute, votes})
	}
	slices.SortFunc(s.Minutes, func(a, b MinuteVotes) int { return strings.Compare(a.Minute, b.Minute) })
	for reason, records := range rejected {
		s.Rejected = append(s.Rejected, ReasonVotes{reason, records})
	}
	slices.SortFunc(s.Rejected, compareReasons)
	if newest, err := time.Parse(election.TimeLayout, t.newest); err == nil {
		s.NewestRecordAt = newest
	}
}

// addTo adds votes to a label. An unknown label is counted as not known, so that the sum is right.
func addTo(all []LabelVotes, label string, votes int64) []LabelVotes {
	for i := range all {
		if all[i].Label == label {
			all[i].Votes += votes
			return all
		}
	}
	if label != "" {
		return addTo(all, "", votes)
	}
	return append(all, LabelVotes{"", votes})
}

func compareReasons(a, b ReasonVotes) int {
	rank := func(r election.Reason) int {
		if i := slices.Index(election.Reasons(), r); i >= 0 {
			return i
		}
		return len(election.Reasons())
	}
	if d := rank(a.Reason) - rank(b.Reason); d != 0 {
		return d
	}
	return strings.Compare(string(a.Reason), string(b.Reason))
}
