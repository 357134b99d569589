package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// compareVoters holds every record of voters_topic to be either the one entry of a voter in the table voters, or in
// rejected_votes for a reason that it has. Of the table voters it reads the ids alone: whether the other columns hold what
// the entry does is not asked. It returns the rejects.
//
// Which entry is the first is not asked where a voter has several: they may be of several partitions.
func compareVoters(ctx context.Context, c Config, report *report, record *election.Record, tx pgx.Tx, hash *ballots) (map[spot]rejected, error) {
	rejects, err := storedRejects(ctx, tx, election.VotersTopic, hash)
	if err != nil {
		return nil, err
	}
	districts := make(map[election.DistrictID]bool)
	for _, district := range record.Definition.Districts() {
		districts[district.ID] = true
	}
	what := "rejected_votes: " + election.VotersTopic
	wrong, copies := report.kind(what+" wrong"), report.kind("voters: copies")
	missing, added := report.kind("voters: missing"), report.kind("voters: added")

	left := make(map[spot]bool, len(rejects))
	for at := range rejects {
		left[at] = true
	}
	stored := make(map[uint64]bool) // voters, by a hash of the id, of whom an entry is not rejected
	copied := make(map[uint64]spot) // voters of whom one is, as a copy
	voter := func(id string) uint64 { return maphash.String(hash.seed, id) }
	err = eachVoter(ctx, c, record, func(r *kgo.Record) error {
		at, reason := spot{r.Partition, r.Offset}, judge(r, districts)
		reject, isRejected := rejects[at]
		delete(left, at)
		switch {
		case isRejected && reject.whole != hash.sum(r.Key, r.Value):
			wrong.say("%s %d offset %d does not hold the record's key and value", what, at.partition, at.offset)
		case isRejected && reason == "" && (reject.reason == election.Duplicate || reject.reason == election.Conflicting):
			copied[voter(string(r.Key))] = at
		case isRejected && reject.reason != reason:
			wrong.say("%s %d offset %d is %s; it must be %s", what, at.partition, at.offset, reject.reason, orStored(reason))
		case isRejected:
		case reason != "":
			wrong.say("%s %d offset %d is missing; it must be %s", what, at.partition, at.offset, reason)
		case stored[voter(string(r.Key))]:
			copies.say("voters: %s %d offset %d is a further entry of a voter, and not rejected", election.VotersTopic, at.partition, at.offset)
		default:
			stored[voter(string(r.Key))] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, at := range sortedSpots(left) {
		wrong.say("%s %d offset %d must not be there: the topic has no such record", what, at.partition, at.offset)
	}
	for id, at := range copied {
		if !stored[id] {
			wrong.say("%s %d offset %d is rejected as a copy, and so is every other entry of the voter", what, at.partition, at.offset)
		}
	}

	voters := int64(len(stored))
	rows, err := tx.Query(ctx, "SELECT voter_id FROM voters")
	if err != nil {
		return nil, fmt.Errorf("read the table voters: %w", err)
	}
	var id string
	n, err := countRows(pgx.ForEachRow(rows, []any{&id}, func() error {
		if !stored[voter(id)] {
			added.say("voters: voter %s must not be there", id)
		}
		delete(stored, voter(id))
		return nil
	}))
	if err != nil {
		return nil, fmt.Errorf("read the table voters: %w", err)
	}
	if len(stored) > 0 { // they have names in the topic only
		err := eachVoter(ctx, c, record, func(r *kgo.Record) error {
			if id := voter(string(r.Key)); stored[id] {
				missing.say("voters: voter %s is missing", r.Key)
				delete(stored, id)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	report.row("table voters", rowsOf(voters), rowsOf(n), missing.end()+added.end()+copies.end())
	report.row("  of them rejected", "", rowsOf(int64(len(rejects))), wrong.end())
	return rejects, nil
}

func eachVoter(ctx context.Context, c Config, record *election.Record, each func(*kgo.Record) error) error {
	for partition := range record.VotePartitions {
		if err := kafka.Read(ctx, c.Brokers, c.Log, election.VotersTopic, partition, each); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
	}
	return nil
}

func orStored(reason election.Reason) string {
	if reason == "" {
		return "stored"
	}
	return string(reason)
}

// judge is why a record of voters_topic is not stored, by itself; empty where it is, unless the voter has an entry. A
// voter's record is what encoding/json writes of it, at most 64 KiB; the id has 1 to 64 bytes and is the key; the date of
// birth is one; the age is 0 to 200; no other field is longer than 1000 bytes, and no field holds the character 0.
func judge(r *kgo.Record, districts map[election.DistrictID]bool) election.Reason {
	var v election.Voter
	if len(r.Value) > 64<<10 || json.Unmarshal(r.Value, &v) != nil {
		return election.Malformed
	}
	again, err := json.Marshal(v)
	if err != nil || !bytes.Equal(again, r.Value) || string(v.ID) != string(r.Key) {
		return election.Malformed
	}
	if _, err := time.Parse(time.DateOnly, v.DateOfBirth); err != nil || v.RegisteredAge < 0 || v.RegisteredAge > 200 {
		return election.Malformed
	}
	if v.ID == "" || len(v.ID) > 64 || strings.ContainsRune(string(v.ID), 0) {
		return election.Malformed
	}
	a := v.Address
	for _, text := range []string{
		v.Name, v.Gender, v.Nationality, v.RegistrationNumber, a.Street, a.City, a.State, a.Country, a.Postcode,
		v.Email, v.PhoneNumber, v.CellNumber, v.Picture,
	} {
		if len(text) > 1000 || strings.ContainsRune(text, 0) {
			return election.Malformed
		}
	}
	if !districts[v.DistrictID] {
		return election.UnknownDistrict
	}
	return ""
}
