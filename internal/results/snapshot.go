package results

import (
	"slices"
	"strings"
	"time"

	"realtime-election/election"
)

// SlotLayout is how a slot of voting_time is written.
const SlotLayout = election.SlotLayout

// Snapshot is the count at one moment: totals of the official run, names of the definition. Every candidate, region
// and district of the definition is present, with 0 where nobody voted. It is never changed once it is made; whoever
// reads it must not change it either.
type Snapshot struct {
	Definition  *election.Definition // nil if the election topic has none: then there are no totals either
	Fingerprint string               // of the definition
	Run         int                  // the official run, 0 when there is none yet

	TotalVotes     int64
	ExpectedVotes  int64     // 0 if not known
	Registered     int64     // registered voters, 0 if not known of every district
	NewestRecordAt time.Time // Kafka's timestamp of the newest vote counted; zero before the first
	UpdatedAt      time.Time // Kafka's timestamp of the newest result record; zero before the first

	Candidates []CandidateVotes // in the definition's order, as are Regions and Districts
	Regions    []RegionVotes
	Districts  []DistrictVotes
	Slots      []SlotVotes           // ascending; slots without a vote are left out
	ByAge      []AgeVotes            // election.AgeGroups, and then "" for voters and votes that state no age, if there are any
	Rejected   []ReasonVotes         // reasons that occurred, in the order of election.Reasons
	Totals     map[string]Totals     // by topic, of the aggregations that have no field of their own; see Total
	Query      *election.QueryStatus // last status of the streaming query, nil if there is none
	QueryAt    time.Time             // Kafka's timestamp of Query; zero if there is none

	PollsClosed  bool  // `votes` has sent all ballots, and Districts count as many; never in a replay
	DistrictStep int64 // the votes in Districts are multiples of it; set by ForViewers

	Skipped  int64 // malformed records read so far
	Replaced bool  // the topics name another definition than this one, which was the first that was read
}

// Totals are the totals of an aggregation by natural key. Those of candidates, regions and districts that the definition does
// not have are left out.
type Totals map[string]int64

// Total is a total in Totals, 0 if there is none. The values are those of the fields of its key.
func (s *Snapshot) Total(topic string, values ...string) int64 {
	return s.Totals[topic][election.NaturalKey(values...)]
}

// CandidateVotes is one candidate's total.
type CandidateVotes struct {
	*election.Candidate
	Votes int64
}

// RegionVotes are a region's totals. ByCandidate is in the order of Snapshot.Candidates, here and in the types below.
type RegionVotes struct {
	*election.Region
	Register    int64 // registered voters, 0 if not known of every district of the region
	Votes       int64
	ByCandidate []int64
}

// DistrictVotes are a district's totals.
type DistrictVotes struct {
	election.DistrictIn
	Votes       int64
	ByCandidate []int64
}

// SlotVotes are the votes cast in one slot of voting_time.
type SlotVotes struct {
	Slot        string // in SlotLayout
	ByCandidate []int64
}

// AgeVotes are the votes of an age group.
type AgeVotes struct {
	Group      string
	Registered int64 // registered voters of that age, 0 if not known
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

// Snapshot is the count that the fold holds now.
func (f *Fold) Snapshot() *Snapshot {
	s := &Snapshot{Run: f.official.Run, UpdatedAt: f.updated, Skipped: f.skipped, Query: f.query, QueryAt: f.queryAt, Replaced: f.replaced}
	if f.installation == nil {
		return s
	}
	s.Definition, s.Fingerprint = &f.installation.Definition, f.installation.Fingerprint
	s.Replaced = s.Replaced || f.official.Run != 0 && f.official.Fingerprint != s.Fingerprint
	s.ExpectedVotes = s.Definition.ExpectedVotes()
	s.addDefinition(f.ages)
	if t := f.runs[f.official.Run]; t != nil {
		s.fill(t)
	}
	for _, c := range s.Candidates {
		s.TotalVotes += c.Votes
	}
	s.PollsClosed = f.pollsClosed(s)
	return s
}

// addDefinition adds every candidate, region, district and age group of the definition, without votes.
func (s *Snapshot) addDefinition(ages []int64) {
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
	if last := len(s.ByAge); ages != nil && ages[last] > 0 {
		s.ByAge = append(s.ByAge, AgeVotes{Registered: ages[last]})
	}
}

// knownRegister reports whether the register of every district is known. With a generated electorate, a district with 0
// registered voters simply has none.
func knownRegister(d *election.Definition, region *election.Region) bool {
	return d.Electorate != nil || !slices.ContainsFunc(region.Districts, func(x election.District) bool { return x.Registered == 0 })
}

func (s *Snapshot) zeros() []int64 { return make([]int64, len(s.Definition.Candidates)) }

// fill sets the totals. It leaves out those of candidates, regions and districts that the definition does not have.
func (s *Snapshot) fill(t *runTotals) {
	defined := s.positions()
	candidates, regions, districts := defined[election.CandidateField], defined[election.RegionField], defined[election.DistrictField]
	s.Totals = map[string]Totals{}
	slots, rejected := map[string][]int64{}, map[election.Reason]int64{}

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
		case election.PerSlotTopic:
			if slots[values[0]] == nil {
				slots[values[0]] = s.zeros()
			}
			if known {
				slots[values[0]][c] = votes
			}
		case election.ByDemographicTopic:
			s.addAge(shown, votes)
		case election.PerReasonTopic:
			rejected[election.Reason(shown)] += votes
		default:
			s.addTotal(a, shown, values, votes, defined)
		}
	})
	for slot, votes := range slots {
		s.Slots = append(s.Slots, SlotVotes{slot, votes})
	}
	slices.SortFunc(s.Slots, func(a, b SlotVotes) int { return strings.Compare(a.Slot, b.Slot) })
	for reason, records := range rejected {
		s.Rejected = append(s.Rejected, ReasonVotes{reason, records})
	}
	slices.SortFunc(s.Rejected, compareReasons)
	s.NewestRecordAt = t.newest
}

// positions are the indices of candidates, regions and districts, by field and id.
func (s *Snapshot) positions() map[election.Field]map[string]int {
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
	return map[election.Field]map[string]int{
		election.CandidateField: candidates, election.RegionField: regions, election.DistrictField: districts,
	}
}

// addTotal adds a total of an aggregation that has no field of its own.
func (s *Snapshot) addTotal(a election.Aggregation, shown string, values []string, votes int64, defined map[election.Field]map[string]int) {
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

// addAge adds votes to an age group. It counts an unknown group as not stated, so that the sum stays right.
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
