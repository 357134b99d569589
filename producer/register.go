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

// ballotsOf computes the ballots of the voters of a partition of the register, in the order in which they are sent. The
// register is closed, so the result is always the same.
func (v *voting) ballotsOf(ctx context.Context, partition int32) ([]generate.Ballot, error) {
	districts := make(map[string]int) // only voters of these districts vote in this partition
	for i, district := range v.installation.Definition.Districts() {
		if election.VoterPartition(district.ID, v.installation.VotePartitions) == partition {
			districts[string(district.ID)] = i
		}
	}
	ballots := make([]generate.Ballot, 0, v.registered(partition))
	var unreadable, first int64 // how many, and the offset of the first
	var firstErr error
	err := v.Kafka.ReadTo(ctx, election.VotersTopic, partition, v.progress.ends[partition], func(record *kgo.Record) error {
		entry, err := parseEntry(record.Value)
		district, known := districts[string(entry.district)]
		if err == nil && !known {
			err = errors.New("its district is not one of this partition")
		}
		if err != nil { // a voter whose entry cannot be read does not vote
			if unreadable++; unreadable == 1 {
				first, firstErr = record.Offset, err
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
			"voters", unreadable, "topic", election.VotersTopic, "partition", partition, "offset", first, "error", firstErr)
	}
	if !v.keepOrder {
		slices.SortFunc(ballots, generate.Ballot.Compare)
	}
	// A voter votes once, however often the register names the voter. Copies stand side by side, because they have the
	// same time and id.
	return slices.CompactFunc(ballots, func(a, b generate.Ballot) bool { return a.ID == b.ID }), nil
}

// entry is the part of a voter that the ballot depends on. The slices share the memory of the record.
type entry struct {
	id, district []byte
	age, gender  int // indices in AgeGroups and Genders
}

// parseEntry reads a voter's record. A line as Voters writes it is cut at the names of its fields. No string can hold
// such a name with its quotes, because JSON escapes them. Any other line is parsed as JSON. No error quotes the voter.
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
	if json.Unmarshal(value, &voter) != nil { // the error of json quotes what it read
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

// plainText reports whether the text between the quotes of a JSON string is the string that it stands for.
func plainText(s []byte) bool {
	return !bytes.ContainsFunc(s, func(r rune) bool { return r == '"' || r == '\\' || r < ' ' || r > '~' })
}
