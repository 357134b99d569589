package ledger

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

// rules judge a record without regard to others, and make a row of it. Before the columns that rules make, a staged row
// has the record's place in the batch.
type rules struct {
	votes      *election.Rules
	districts  map[election.DistrictID]bool
	partitions int32
}

func newRules(installation *election.Installation) *rules {
	r := &rules{
		votes:      election.NewRules(&installation.Definition, installation.VotePartitions),
		districts:  make(map[election.DistrictID]bool),
		partitions: installation.VotePartitions,
	}
	for _, district := range installation.Definition.Districts() {
		r.districts[district.ID] = true
	}
	return r
}

// judge makes a row of each record of a batch that may be stored. The row begins with the record's place in the batch.
// The other records are rejects.
func (r *rules) judge(b *batch) (rows [][]any, rejects []reject) {
	t := tables[b.topic]
	for i, rec := range b.records {
		row := make([]any, 1, len(t.columns))
		row[0] = int32(i)
		row, reason := t.row(r, row, rec)
		if reason != "" {
			rejects = append(rejects, reject{rec, reason})
			continue
		}
		rows = append(rows, row)
	}
	return rows, rejects
}

// vote appends the columns of a vote, in the order of their table's columns, or says why the record is not counted.
func (r *rules) vote(row []any, rec *kgo.Record) ([]any, election.Reason) {
	vote, reason := r.votes.Classify(election.VoteRecord{Partition: rec.Partition, Offset: rec.Offset, Key: rec.Key, Value: rec.Value})
	if reason != "" {
		return row, reason
	}
	var id [16]byte
	if _, err := hex.Decode(id[:], vote.BallotID); err != nil {
		panic(err) // the grammar lets only hexadecimal digits pass
	}
	return append(row, id, votingTime(vote.VotingTime), vote.CandidateID, vote.DistrictID, vote.AgeGroup, vote.Gender), ""
}

// votingTime reads a time in election.TimeLayout, which the grammar has checked.
func votingTime(text []byte) time.Time {
	number := func(from, to int) (n int) {
		for _, digit := range text[from:to] {
			n = 10*n + int(digit-'0')
		}
		return n
	}
	return time.Date(number(0, 4), time.Month(number(5, 7)), number(8, 10), number(11, 13), number(14, 16), number(17, 19),
		number(20, 23)*int(time.Millisecond), time.UTC)
}

// The most that a voter may hold, in bytes. An index takes no longer key, and nobody has a longer name.
const (
	longestVoterID = 64
	longestText    = 1000
	longestVoter   = 64 << 10 // the whole record
	oldestVoter    = 200      // years
)

// voter appends the columns of a voter, in the order of their table's columns, or says why the record is not stored.
func (r *rules) voter(row []any, rec *kgo.Record) ([]any, election.Reason) {
	v, ok := parseVoter(rec.Value)
	born, err := time.Parse(time.DateOnly, v.DateOfBirth)
	texts := []string{
		v.Name, v.Gender, v.Nationality, v.RegistrationNumber,
		v.Address.Street, v.Address.City, v.Address.State, v.Address.Country, v.Address.Postcode,
		v.Email, v.PhoneNumber, v.CellNumber, v.Picture,
	}
	if !ok || err != nil || string(rec.Key) != string(v.ID) || v.RegisteredAge < 0 || v.RegisteredAge > oldestVoter ||
		v.ID == "" || len(v.ID) > longestVoterID || strings.Contains(string(v.ID), "\x00") {
		return row, election.Malformed
	}
	for _, text := range texts {
		if len(text) > longestText || strings.Contains(text, "\x00") { // no text in PostgreSQL can hold the character 0
			return row, election.Malformed
		}
	}
	if !r.districts[v.DistrictID] {
		return row, election.UnknownDistrict
	}
	row = append(row, string(v.ID), born, v.RegisteredAge)
	for _, text := range texts {
		row = append(row, text)
	}
	return append(row, string(v.DistrictID)), ""
}

// parseVoter reads the value of a voter's record. It accepts only what encoding/json writes of a voter, byte for byte.
// So equal fields are equal bytes, and no reader can read the record in another way.
func parseVoter(raw []byte) (election.Voter, bool) {
	var v election.Voter
	if len(raw) > longestVoter || json.Unmarshal(raw, &v) != nil {
		return v, false
	}
	canonical, err := json.Marshal(v)
	return v, err == nil && bytes.Equal(raw, canonical)
}
