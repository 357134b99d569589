package results

import (
	"slices"
	"strings"
	"time"

	"realtime-election/election"
)

// MinuteLayout is how a minute of voting_time is written.
const MinuteLayout = election.MinuteLayout

// Snapshot is the count at one moment: totals of the official run, names of the definition. Every candidate, region
// and district of the definition is present, with 0 where nobody voted. It is never changed once it is made; whoever
// reads it must not change it either.
type Snapshot struct {
	Definition  *election.Definition // nil when the election topic holds none: then there are no totals either
	Fingerprint string               // of the definition
	Run         int                  // the official run, 0 when there is none yet

	TotalVotes     int64
	ExpectedVotes  int64     // 0 where the definition promises none
	Registered     int64     // voters on the register, 0 where it is not known of every district
	NewestRecordAt time.Time // Kafka's timestamp of the newest vote counted; zero before the first
	UpdatedAt      time.Time // Kafka's timestamp of the newest result record; zero before the first

	Candidates []CandidateVotes // in the definition's order, as are Regions and Districts
	Regions    []RegionVotes
	Districts  []DistrictVotes
	Minutes    []MinuteVotes         // ascending; minutes without a vote are left out
	ByAge      []AgeVotes            // election.AgeGroups; last, where there are such votes, "" for not stated
	Rejected   []ReasonVotes         // reasons that occurred, in the order of election.Reasons
	Totals     map[string]Totals     // by topic, of the aggregations that no other field shows; see Total
	Query      *election.QueryStatus // what the streaming query last said of itself, nil if nothing
	QueryAt    time.Time             // Kafka's timestamp of that; zero if nothing

	Skipped int64 // malformed records read so far
}

// Totals are the totals of an aggregation by natural key, without those of candidates, regions and districts that are
// not in the definition.
type Totals map[string]int64

// Total is a total of an aggregation that is in Totals, 0 where there is none. The values are those of its key's fields.
func (s *Snapshot) Total(topic string, values ...string) int64 {
	return s.Totals[topic][election.NaturalKey(values...)]
}

// CandidateVotes is one candidate's total.
type CandidateVotes struct {
	*election.Candidate
	Votes int64
}

// RegionVotes are a region's totals. ByCandidate is in the order of Snapshot.Candidates, and so everywhere.
type RegionVotes struct {
	*election.Region
	Register    int64 // voters on it, 0 where it is not known of every district of the region
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

// AgeVotes are the votes of an age group.
type AgeVotes struct {
	Group      string
	Registered int64 // voters of that age on the register, 0 where it is not known
	Votes      int64
}

// ReasonVotes is how many records were not counted, for one reason.
type ReasonVotes struct {
	Reason  election.Reason
	Records int64
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
	s := &Snapshot{Run: f.official, UpdatedAt: f.updated, Skipped: f.skipped, Query: f.query, QueryAt: f.queryAt}
	if f.installation == nil {
		return s
	}
	s.Definition, s.Fingerprint = &f.installation.Definition, f.installation.Fingerprint
	s.ExpectedVotes = s.Definition.ExpectedVotes()
	s.layOut(f.ages)
	if t := f.runs[f.official]; t != nil {
		s.fill(t)
	}
	for _, c := range s.Candidates {
		s.TotalVotes += c.Votes
	}
	return s
}

// layOut makes room for every candidate, region, district and age group.
func (s *Snapshot) layOut(ages []int64) {
	d := s.Definition
	for i := range d.Candidates {
		s.Candidates = append(s.Candidates, CandidateVotes{Candidate: &d.Candidates[i]})
	}
	complete := true
	for i := range d.Regions {
		region := RegionVotes{Region: &d.Regions[i], ByCandidate: s.zeros()}
		if knownRegister(d, region.Region) {
			region.Register = region.Registered()
		} else {
			complete = false
		}
		s.Regions = append(s.Regions, region)
		s.Registered += region.Register
	}
	if !complete {
		s.Registered = 0
	}
	for _, in := range d.Districts() {
		s.Districts = append(s.Districts, DistrictVotes{DistrictIn: in, ByCandidate: s.zeros()})
	}
	for i, group := range election.AgeGroups() {
		s.ByAge = append(s.ByAge, AgeVotes{Group: group})
		if ages != nil {
			s.ByAge[i].Registered = ages[i]
		}
	}
}

// knownRegister says whether the register of every district is known. Where an electorate is generated, a district of
// nobody is one that got no voter.
func knownRegister(d *election.Definition, region *election.Region) bool {
	return d.Electorate != nil || !slices.ContainsFunc(region.Districts, func(x election.District) bool { return x.Registered == 0 })
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
	defined := map[election.Field]map[string]int{
		election.CandidateField: candidates, election.RegionField: regions, election.DistrictField: districts,
	}
	s.Totals = map[string]Totals{}
	minutes, rejected := map[string][]int64{}, map[election.Reason]int64{}

	t.each(func(a election.Aggregation, shown string, values []string, votes int64) {
		c, known := candidates[values[len(values)-1]] // where the last field is the candidate
		switch a.Topic {
		case election.PerCandidateTopic:
			if known {
				s.Candidates[c].Votes = votes
			}
		case election.TurnoutByLocationTopic:
			if r, ok := regions[values[0]]; ok {
				s.Regions[r].Votes = votes
			}
		case election.ByLocationTopic:
			if r, ok := regions[values[0]]; ok && known {
				s.Regions[r].ByCandidate[c] = votes
			}
		case election.ByDistrictTopic:
			if d, ok := districts[values[0]]; ok && known {
				s.Districts[d].ByCandidate[c] = votes
				s.Districts[d].Votes += votes
			}
		case election.PerMinuteTopic:
			if minutes[values[0]] == nil {
				minutes[values[0]] = s.zeros()
			}
			if known {
				minutes[values[0]][c] = votes
			}
		case election.ByDemographicTopic:
			s.addAge(shown, votes)
		case election.PerReasonTopic:
			rejected[election.Reason(shown)] += votes
		default:
			for i, field := range a.Key {
				if ids, isID := defined[field]; isID {
					if _, known := ids[values[i]]; !known {
						return
					}
				}
			}
			if s.Totals[a.Topic] == nil {
				s.Totals[a.Topic] = Totals{}
			}
			s.Totals[a.Topic][shown] = votes
		}
	})
	for minute, votes := range minutes {
		s.Minutes = append(s.Minutes, MinuteVotes{minute, votes})
	}
	slices.SortFunc(s.Minutes, func(a, b MinuteVotes) int { return strings.Compare(a.Minute, b.Minute) })
	for reason, records := range rejected {
		s.Rejected = append(s.Rejected, ReasonVotes{reason, records})
	}
	slices.SortFunc(s.Rejected, compareReasons)
	s.NewestRecordAt = t.newest
}

// addAge adds votes to an age group. An unknown one is counted as not stated, so that the sum is right.
func (s *Snapshot) addAge(group string, votes int64) {
	for i := range s.ByAge {
		if s.ByAge[i].Group == group {
			s.ByAge[i].Votes += votes
			return
		}
	}
	if group != "" {
		s.addAge("", votes)
		return
	}
	s.ByAge = append(s.ByAge, AgeVotes{Votes: votes})
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
