package audit

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/producer/generate"
)

// electorate is what the voters on the register do by the ballot key. It is nil without the key, and its methods do nothing then.
// Nothing that it reports has a voter together with a ballot.
type electorate struct {
	ballots   *generate.Ballots
	districts map[election.DistrictID]int // their indices in the definition
	voters    []intention                 // by the ids of their ballots, once sort was called; 36 bytes each
	line      []byte                      // reused
	byHand    int64                       // counted ballots of voters who abstain by the key
	changed   *kind
	nobodys   *kind
}

// intention is what a voter does.
type intention struct {
	ballot         generate.Ballot
	votes, counted bool
}

// newElectorate makes room for so many voters.
func newElectorate(report *report, installation *election.Installation, key *election.BallotKey, voters int) *electorate {
	if key == nil {
		return nil
	}
	e := &electorate{
		ballots:   generate.NewBallots(&installation.Definition, installation.Key(*key)),
		districts: make(map[election.DistrictID]int), voters: make([]intention, 0, voters),
		changed: report.newKind("ballots: changed"), nobodys: report.newKind("ballots: nobody's"),
	}
	for i, district := range installation.Definition.Districts() {
		e.districts[district.ID] = i
	}
	return e
}

// add takes a voter on the register, and returns the ballot. Its fields are valid until the next call.
func (e *electorate) add(id election.VoterID, of cell) election.Vote {
	ballot, votes := e.ballots.Of(id, e.districts[of.district],
		slices.Index(election.AgeGroups(), of.ageGroup), slices.Index(election.Genders(), of.gender))
	e.voters = append(e.voters, intention{ballot: ballot, votes: votes})
	return e.vote(ballot)
}

// vote is a ballot. Its line is in e.line.
func (e *electorate) vote(ballot generate.Ballot) election.Vote {
	e.line = e.ballots.Append(e.line[:0], ballot)
	vote, _ := election.ParseVote(e.line)
	return vote
}

// sort ends adding voters.
func (e *electorate) sort() {
	if e != nil {
		slices.SortFunc(e.voters, func(a, b intention) int { return bytes.Compare(a.ballot.ID[:], b.ballot.ID[:]) })
	}
}

// count takes a record of votes_topic that is counted.
func (e *electorate) count(record *kgo.Record, vote election.Vote) {
	if e == nil {
		return
	}
	var id election.BallotID
	if _, err := hex.Decode(id[:], vote.BallotID); err != nil {
		panic(err) // the grammar lets only hexadecimal digits pass
	}
	at, found := slices.BinarySearchFunc(e.voters, id, func(x intention, id election.BallotID) int { return bytes.Compare(x.ballot.ID[:], id[:]) })
	switch {
	case !found:
		e.nobodys.add("%s %d offset %d is counted, and by the ballot key it is the ballot of nobody on the register", record.Topic, record.Partition, record.Offset)
		return
	case !e.voters[at].votes:
		e.byHand++
		return
	}
	e.voters[at].counted = true
	if of := e.vote(e.voters[at].ballot); !bytes.Equal(e.line, record.Value) {
		e.changed.add("%s %d offset %d is for %s at %s, where its voter chose %s at %s by the ballot key",
			record.Topic, record.Partition, record.Offset, vote.CandidateID, vote.VotingTime, of.CandidateID, of.VotingTime)
	}
}

// compare adds the findings to the report.
func (e *electorate) compare(report *report, expect expectation) {
	if e == nil {
		return
	}
	var vote, counted int64
	for _, x := range e.voters {
		if x.votes {
			vote++
		}
		if x.counted {
			counted++
		}
	}
	differences := e.changed.finish() + e.nobodys.finish()
	if missing := vote - counted; missing > 0 && expect.ended {
		differences += int(missing)
		report.addDifference("voting has ended, and %d voters who vote by the ballot key have no counted ballot", missing)
	}
	report.addRow("ballots by the key", fmt.Sprintf("%d voters vote", vote), fmt.Sprintf("%d counted", counted), differences)
	differences = 0
	if e.byHand != expect.byHand {
		differences = 1
		report.addDifference("%d counted ballots are of voters who abstain by the ballot key, and cast has sent %d", e.byHand, expect.byHand)
	}
	report.addRow("ballots cast by hand", strconv.FormatInt(e.byHand, 10), fmt.Sprintf("%d sent", expect.byHand), differences)
}
