package producer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/producer/generate"
)

// castOf is the ballots of the voters of a partition of the register, which is closed, in the order in which they are
// sent. Every computation gives the same.
func (v *voting) castOf(ctx context.Context, partition int32) ([]generate.Ballot, error) {
	districts := make(map[string]int) // of this partition: nobody votes for a voter who stands on another
	for i, district := range v.installation.Definition.Districts() {
		if election.VoterPartition(district.ID, v.installation.VotePartitions) == partition {
			districts[string(district.ID)] = i
		}
	}
	ballots := make([]generate.Ballot, 0, v.registered(partition))
	var unreadable, first int64 // how many, and the offset of the first
	var why error
	err := v.Kafka.ReadTo(ctx, election.VotersTopic, partition, v.course.ends[partition], func(record *kgo.Record) error {
		entry, err := parseEntry(record.Value)
		district, known := districts[string(entry.district)]
		if err == nil && !known {
			err = errors.New("its district is not one of this partition")
		}
		if err != nil { // whose entry cannot be read does not vote
			if unreadable++; unreadable == 1 {
				first, why = record.Offset, err
			}
			return nil
		}
		if ballot, votes := v.ballots.Of(election.VoterID(entry.id), district, entry.age, entry.gender); votes {
			ballots = append(ballots, ballot)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	if unreadable > 0 {
		v.Log.Warn("voters cannot be read, and do not vote; the offset and the error are the first one's",
			"voters", unreadable, "topic", election.VotersTopic, "partition", partition, "offset", first, "error", why)
	}
	if !v.keepOrder {
		slices.SortFunc(ballots, generate.Ballot.Compare)
	}
	// Nobody votes twice, however often the register names them. Copies lie side by side: their chance is the same.
	return slices.CompactFunc(ballots, func(a, b generate.Ballot) bool { return a.ID == b.ID }), nil
}

// entry is what a voter's ballot depends on. The slices lie within the record.
type entry struct {
	id, district []byte
	age, gender  int // indices in AgeGroups and Genders
}

// parseEntry reads a voter's record. Lines as Voters writes them are cut at their fields' names, of which a string
// cannot hold a copy since its quotes are escaped; any other JSON is read as JSON. No error tells of the voter.
func parseEntry(value []byte) (entry, error) {
	rest, begins := bytes.CutPrefix(value, []byte(`{"voter_id":"`))
	id, _, whole := bytes.Cut(rest, []byte(`","voter_name":"`))
	_, rest, gendered := bytes.Cut(rest, []byte(`,"gender":"`))
	gender, _, _ := bytes.Cut(rest, []byte{'"'})
	at := bytes.LastIndex(rest, []byte(`,"registered_age":`))
	if begins && whole && gendered && at >= 0 {
		age, after, _ := bytes.Cut(rest[at+len(`,"registered_age":`):], []byte(`,"district_id":"`))
		if district, ends := bytes.CutSuffix(after, []byte(`"}`)); ends && plainText(id) && plainText(district) {
			years, err := strconv.Atoi(string(age))
			if err == nil {
				return newEntry(id, district, years, string(gender))
			}
		}
	}
	var voter election.Voter
	if json.Unmarshal(value, &voter) != nil { // its error quotes what it read
		return entry{}, errors.New("it is not the JSON of a voter")
	}
	return newEntry([]byte(voter.ID), []byte(voter.DistrictID), voter.RegisteredAge, voter.Gender)
}

func newEntry(id, district []byte, years int, gender string) (entry, error) {
	e := entry{
		id: id, district: district,
		age:    slices.Index(election.AgeGroups(), election.AgeGroupOf(years)),
		gender: slices.Index(election.Genders(), gender),
	}
	switch {
	case len(id) == 0:
		return e, errors.New("it has no voter_id")
	case e.age < 0:
		return e, errors.New("its registered_age is no voter's")
	case e.gender < 0:
		return e, errors.New("its gender is not one of those that a vote may name")
	}
	return e, nil
}

// plainText reports whether the letters within a JSON string are those it stands for.
func plainText(s []byte) bool {
	return !bytes.ContainsFunc(s, func(r rune) bool { return r == '"' || r == '\\' || r < ' ' || r > '~' })
}
