package generate

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"sort"
	"time"

	"realtime-election/election"
)

// Ballots computes how an electorate votes. What each voter does follows from the voter, the definition and the ballot
// key. Methods may be called by several goroutines.
type Ballots struct {
	key         election.BallotKey
	fingerprint string // of the definition
	opens       time.Time
	day         curve
	slot        time.Duration // its width
	length      time.Duration // of the polling day
	turnout     []float64     // by age group
	leanings    [][]candidate // by region, age group and gender
	regions     []int         // of each district
	states      [][]stated    // by district; in each by age group and gender of a voter
	// The values of a ballot's fields, by index.
	candidates, districts, ages, genders [][]byte
}

// stated is what a ballot states, as indices in ages and genders.
type stated struct{ age, gender uint8 }

// candidate is a candidate that a group of voters may vote for.
type candidate struct {
	index int
	upTo  float64 // the sum of the weights up to this one
}

// Ballot is a ballot in 32 bytes.
type Ballot struct {
	ID                  election.BallotID
	Slot                uint32 // in which it is cast, from 0 when the polls open
	candidate, district uint32
	stated
}

// NewBallots prepares to compute ballots. The definition must have an electorate. The key is that of the installation.
func NewBallots(d *election.Definition, key election.BallotKey) *Ballots {
	fingerprint := d.Fingerprint()
	b := &Ballots{
		key: key, fingerprint: fingerprint, opens: d.Polling.Opens, day: newCurve(d.Polling, d.Electorate.Arrival),
		slot: d.Slot(), length: d.Polling.Closes.Sub(d.Polling.Opens),
	}
	for _, gender := range election.Genders() {
		b.genders = append(b.genders, []byte(gender))
	}
	b.genders = append(b.genders, nil)
	for _, age := range election.AgeGroups() {
		b.ages = append(b.ages, []byte(age))
		b.turnout = append(b.turnout, d.Electorate.Turnout.Of(age))
	}
	b.ages = append(b.ages, nil)
	for _, c := range d.Candidates {
		b.candidates = append(b.candidates, []byte(c.ID))
	}
	disclosure := election.NewDisclosure(d)
	for i, region := range d.Regions {
		for _, x := range region.Districts {
			b.states = append(b.states, statesOf(disclosure, x.ID))
			b.regions = append(b.regions, i)
			b.districts = append(b.districts, []byte(x.ID))
		}
		for _, age := range election.AgeGroups() {
			for _, gender := range election.Genders() {
				b.leanings = append(b.leanings, leanings(d, region.ID, age, gender))
			}
		}
	}
	return b
}

// statesOf is what the ballots of a district state.
func statesOf(disclosure *election.Disclosure, district election.DistrictID) []stated {
	ages, genders := append(election.AgeGroups(), ""), append(election.Genders(), "")
	var all []stated
	for _, age := range election.AgeGroups() {
		for _, gender := range election.Genders() {
			statedAge, statedGender, _ := disclosure.Of(district, age, gender)
			all = append(all, stated{uint8(slices.Index(ages, statedAge)), uint8(slices.Index(genders, statedGender))})
		}
	}
	return all
}

// leanings are the candidates that voters of a group may vote for.
func leanings(d *election.Definition, region election.RegionID, age, gender string) []candidate {
	of := d.Electorate.Leanings
	weight := func(weights map[election.CandidateID]float64, id election.CandidateID) float64 {
		if w, weighed := weights[id]; weighed {
			return w
		}
		return 1
	}
	var list, all []candidate
	var sum float64
	for i, c := range d.Candidates {
		w := weight(of.ByRegion[region], c.ID) * weight(of.ByAge[age], c.ID) * weight(of.ByGender[gender], c.ID)
		all = append(all, candidate{i, float64(i + 1)})
		if w > 0 {
			sum += w
			list = append(list, candidate{i, sum})
		}
	}
	if len(list) == 0 { // all weights are 0
		return all
	}
	return list
}

// Of computes the ballot of a voter, and whether the voter casts it. District, age and gender are indices in the definition's
// districts, AgeGroups and Genders.
func (b *Ballots) Of(voter election.VoterID, district, age, gender int) (Ballot, bool) {
	id, chance := b.key.Draw(voter)
	const most = 1 << 32
	goes := float64(binary.BigEndian.Uint32(chance[:4])) / most
	group := age*len(election.Genders()) + gender
	list := b.leanings[b.regions[district]*len(election.AgeGroups())*len(election.Genders())+group]
	choice := float64(binary.BigEndian.Uint32(chance[4:8])) / most * list[len(list)-1].upTo
	chosen := sort.Search(len(list)-1, func(i int) bool { return choice < list[i].upTo })
	moment := float64(binary.BigEndian.Uint64(chance[8:])>>11) / (1 << 53)
	return Ballot{
		ID: id, Slot: uint32(time.Duration(b.day.at(moment)) * time.Millisecond / b.slot),
		candidate: uint32(list[chosen].index), district: uint32(district), stated: b.states[district][group],
	}, goes < b.turnout[age]
}

// Commitment is the commitment to a ballot.
func (b *Ballots) Commitment(x Ballot) election.Commitment {
	var id [2 * len(election.BallotID{})]byte
	hex.Encode(id[:], x.ID[:])
	return election.CommitTo(b.fingerprint, election.Vote{BallotID: id[:], DistrictID: b.districts[x.district], AgeGroup: b.ages[x.age], Gender: b.genders[x.gender]})
}

// Stated are the age group and the gender that a ballot states.
func (b *Ballots) Stated(x Ballot) (ageGroup, gender string) {
	return string(b.ages[x.age]), string(b.genders[x.gender])
}

// Due is when the slot of a ballot ends, since the polls open. Nobody sees the ballot before, so that it can be anybody's who has
// voted in the slot.
func (b *Ballots) Due(x Ballot) time.Duration {
	return min(b.begins(x)+b.slot, b.length)
}

// begins is when the slot of a ballot begins, since the polls open.
func (b *Ballots) begins(x Ballot) time.Duration {
	return time.Duration(x.Slot) * b.slot
}

// Compare orders ballots by the slot in which they are cast, and those of the same slot by id. So their order tells
// nothing about their voters that is not in the ballots.
func (x Ballot) Compare(y Ballot) int {
	return cmp.Or(
		cmp.Compare(x.Slot, y.Slot), bytes.Compare(x.ID[:], y.ID[:]),
		// Two entries of the register may have one id. Their order must be the same in every computation.
		cmp.Compare(x.district, y.district), cmp.Compare(x.candidate, y.candidate), cmp.Compare(x.age, y.age), cmp.Compare(x.gender, y.gender))
}

// Append appends the canonical line of a ballot.
func (b *Ballots) Append(line []byte, x Ballot) []byte {
	var id [2 * len(election.BallotID{})]byte
	hex.Encode(id[:], x.ID[:])
	var clock [len(election.TimeLayout)]byte
	return election.AppendVote(line, election.Vote{
		BallotID:    id[:],
		CandidateID: b.candidates[x.candidate],
		DistrictID:  b.districts[x.district],
		AgeGroup:    b.ages[x.age],
		Gender:      b.genders[x.gender],
		VotingTime:  election.AppendTime(clock[:0], b.opens.Add(b.begins(x))),
	})
}
