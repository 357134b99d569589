package scenario

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"realtime-election/election"
)

// Random is a random scenario: what several producers send to votes_topic. They send votes, copies, ballots for two candidates,
// records to wrong partitions and hostile records. Their transactions overlap, and are committed or aborted; some records are sent
// outside of transactions. All of it follows from a seed.
type Random struct {
	Definition *election.Definition
	Partitions int32
	// Register is which ballots the register allows, where the definition has an electorate: most of those that are sent.
	Register []election.Commitment
	// Rounds follow each other. No transaction is open at the end of a round.
	Rounds [][]Action
}

// Action is an action of a producer: it sends a record, or ends its transaction. A transaction begins with the first record after
// the last transaction. Producer 0 sends outside of transactions.
type Action struct {
	Producer int
	Record   election.VoteRecord // Kafka sets its offset and timestamp
	End      End
	truth    truth
}

// End is how an action ends a transaction.
type End int

// The ends. An action with None sends a record.
const (
	None End = iota
	Commit
	Abort
)

// Producers is the number of producers of a Random.
const Producers = 4

// Judged is a committed record, with the reason why it is not counted, or "" if it counts.
type Judged struct {
	election.VoteRecord
	Reason election.Reason
}

// truth is what the maker of a record knows of it: the reason why it can never count, or otherwise the ballot that it is a copy of.
type truth struct {
	reason election.Reason
	ballot string
}

// NewRandom makes the scenario of a seed, with two rounds of this many records each.
func NewRandom(seed uint64, records int) *Random {
	m := &maker{random: rand.New(rand.NewPCG(seed, 0)), registered: make(map[string]bool)}
	m.s.Partitions = 2 + m.random.Int32N(3)
	m.s.Definition = m.definition()
	m.fingerprint = m.s.Definition.Fingerprint()
	for _, h := range Hostiles(m.s.Definition, m.s.Partitions, 2) {
		made := truth{reason: h.Reason}
		if h.Reason == "" || h.Reason == election.Duplicate || h.Reason == election.Conflicting {
			made = truth{ballot: string(h.Key)} // there is another copy of this ballot
		}
		m.hostiles = append(m.hostiles, Action{Record: h.VoteRecord, truth: made})
	}
	for range 2 {
		m.round(records)
	}
	return &m.s
}

// NewCount is a reference count of the scenario.
func (s *Random) NewCount() *election.Count {
	count := election.NewCount(s.Definition, s.Partitions)
	if s.Definition.Electorate != nil {
		count.SetRegister(s.Commitments())
	}
	return count
}

// Commitments are those of the register.
func (s *Random) Commitments() *election.Commitments {
	return election.NewCommitments(s.Definition.Fingerprint(), s.Register)
}

// Committed are the records of the first rounds that were sent in committed transactions or outside of any, in the order of their
// partitions.
//
// The first copy of a ballot counts if it can. Committed knows that from how the records were made, without reading them.
func (s *Random) Committed(rounds int) []Judged {
	open := make(map[int][]int) // by producer: its records, by index
	var actions []Action
	var committed []bool
	for _, round := range s.Rounds[:rounds] {
		for _, a := range round {
			switch {
			case a.End != None:
				for _, i := range open[a.Producer] {
					committed[i] = a.End == Commit
				}
				delete(open, a.Producer)
				continue
			case a.Producer != 0:
				open[a.Producer] = append(open[a.Producer], len(actions))
			}
			actions, committed = append(actions, a), append(committed, a.Producer == 0)
		}
	}
	var judged []Judged
	counted := make(map[string][]byte) // by ballot
	for i, a := range actions {
		if !committed[i] {
			continue
		}
		reason := a.truth.reason
		if reason == "" {
			switch first, again := counted[a.truth.ballot]; {
			case !again:
				counted[a.truth.ballot] = a.Record.Value
			case bytes.Equal(first, a.Record.Value):
				reason = election.Duplicate
			default:
				reason = election.Conflicting
			}
		}
		judged = append(judged, Judged{a.Record, reason})
	}
	return judged
}

// maker draws a Random.
type maker struct {
	s        Random
	random   *rand.Rand
	hostiles []Action
	sent     []Action // in all rounds, committed or not
	good     []election.Vote

	fingerprint string          // of the definition
	registered  map[string]bool // ballots with their district, age group and gender
}

func (m *maker) definition() *election.Definition {
	opens := time.Date(2025, 1+time.Month(m.random.IntN(12)), 1+m.random.IntN(28), m.random.IntN(24), m.random.IntN(60), 0, 0, time.UTC)
	d := &election.Definition{ID: "random", Name: "Random", Polling: election.Polling{Opens: opens, Closes: opens.Add(time.Duration(1+m.random.IntN(48)) * time.Hour)}}
	for i := range 2 + m.random.IntN(3) {
		d.Candidates = append(d.Candidates, election.Candidate{ID: election.CandidateID(fmt.Sprint("c", i)), Name: fmt.Sprintf("Candidate %d, \"é\"", i), Party: "P", Photo: "/p.svg"})
	}
	for i := range 1 + m.random.IntN(3) {
		r := election.Region{ID: election.RegionID(fmt.Sprint("r", i)), Name: fmt.Sprint("Region ", i)}
		for j := range 1 + m.random.IntN(3) {
			id := fmt.Sprintf("D%d-%d", i, j)
			r.Districts = append(r.Districts, election.District{ID: election.DistrictID(id), Name: "District " + id, Registered: m.random.Int64N(3)})
		}
		d.Regions = append(d.Regions, r)
	}
	if m.random.IntN(2) == 0 {
		d.Electorate = &election.Electorate{Ages: map[string]float64{"18-24": 1}, Turnout: election.Turnout{Overall: 1}}
	}
	return d
}

// identity is what the register says of a ballot.
func identity(v election.Vote) string {
	return fmt.Sprintf("%s %s %s %s", v.BallotID, v.DistrictID, v.AgeGroup, v.Gender)
}

func (m *maker) round(records int) {
	var round []Action
	open := make(map[int]bool)
	end := func(producer int) {
		end := Commit
		if m.random.IntN(5) < 2 {
			end = Abort
		}
		round = append(round, Action{Producer: producer, End: end})
		delete(open, producer)
	}
	for producer := 0; len(round) < records; {
		if m.random.IntN(4) == 0 { // otherwise the same producer goes on
			producer = m.random.IntN(Producers)
		}
		if open[producer] && m.random.IntN(15) == 0 {
			end(producer)
			continue
		}
		a := m.record()
		a.Producer = producer
		open[producer] = producer != 0
		round = append(round, a)
		m.sent = append(m.sent, a)
	}
	for producer := range Producers {
		if open[producer] {
			end(producer)
		}
	}
	m.s.Rounds = append(m.s.Rounds, round)
}

// record is the next record that somebody sends.
func (m *maker) record() Action {
	switch x := m.random.IntN(100); {
	case x < 15 && len(m.sent) > 0: // any record, sent again
		return m.sent[m.random.IntN(len(m.sent))]
	case x < 27 && len(m.good) > 0: // a ballot with other fields
		v := m.good[m.random.IntN(len(m.good))]
		other := m.vote()
		for range 1 + m.random.IntN(2) {
			switch m.random.IntN(5) {
			case 0:
				v.CandidateID = other.CandidateID
			case 1:
				v.DistrictID = other.DistrictID
			case 2:
				v.AgeGroup = other.AgeGroup
			case 3:
				v.Gender = other.Gender
			default:
				v.VotingTime = other.VotingTime
			}
		}
		return m.action(v)
	case x < 32: // a good vote on a wrong partition
		v := m.vote()
		if len(m.good) > 0 && m.random.IntN(2) == 0 {
			v = m.good[m.random.IntN(len(m.good))]
		}
		a := m.action(v)
		a.Record.Partition = (a.Record.Partition + 1 + m.random.Int32N(m.s.Partitions-1)) % m.s.Partitions
		a.truth = truth{reason: election.WrongPartition}
		return a
	case x < 45:
		return m.hostiles[m.random.IntN(len(m.hostiles))]
	}
	v := m.vote()
	if m.s.Definition.Electorate != nil && m.random.IntN(8) > 0 {
		m.registered[identity(v)] = true
		m.s.Register = append(m.s.Register, election.CommitTo(m.fingerprint, v))
	}
	m.good = append(m.good, v)
	return m.action(v)
}

// action is the action that sends a good vote.
func (m *maker) action(v election.Vote) Action {
	made := truth{ballot: string(v.BallotID)}
	if m.s.Definition.Electorate != nil && !m.registered[identity(v)] {
		made = truth{reason: election.Unregistered}
	}
	return Action{
		Record: election.VoteRecord{Partition: election.Partition(v.BallotID, m.s.Partitions), Key: v.BallotID, Value: election.AppendVote(nil, v)},
		truth:  made,
	}
}

// vote is a good vote of a new ballot. Its time is the first or the last of the polling hours, or close to that of other votes.
func (m *maker) vote() election.Vote {
	d := m.s.Definition
	districts := d.Districts()
	var id election.BallotID
	binary.BigEndian.PutUint64(id[:8], m.random.Uint64())
	binary.BigEndian.PutUint64(id[8:], m.random.Uint64())
	at := d.Polling.Opens.Add(time.Duration(m.random.IntN(10)) * 59_999 * time.Millisecond)
	switch m.random.IntN(20) {
	case 0:
		at = d.Polling.Opens
	case 1:
		at = d.Polling.Closes.Add(-time.Millisecond)
	}
	return election.Vote{
		BallotID: []byte(id.String()), CandidateID: []byte(d.Candidates[m.random.IntN(len(d.Candidates))].ID),
		DistrictID: []byte(districts[m.random.IntN(len(districts))].ID),
		AgeGroup:   m.oneOf(election.AgeGroups()), Gender: m.oneOf(election.Genders()), VotingTime: election.AppendTime(nil, at),
	}
}

// oneOf is one of the values, or none.
func (m *maker) oneOf(values []string) []byte {
	return []byte(append(values, "")[m.random.IntN(len(values)+1)])
}
