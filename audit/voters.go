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
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// compareVoters holds every record of voters_topic to be either the one entry of a voter in the table voters, in every
// column, or in rejected_votes for a reason that it has. It returns the rejects.
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
	missing, changed, added := report.kind("voters: missing"), report.kind("voters: changed"), report.kind("voters: added")

	left := make(map[spot]bool, len(rejects))
	for at := range rejects {
		left[at] = true
	}
	stored := make(map[uint64]uint64) // by a hash of a voter's id, one of the entry that is not rejected
	copied := make(map[uint64]spot)   // voters of whom one is, as a copy
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
		case has(stored, voter(string(r.Key))):
			copies.say("voters: %s %d offset %d is a further entry of a voter, and not rejected", election.VotersTopic, at.partition, at.offset)
		default:
			stored[voter(string(r.Key))] = maphash.Bytes(hash.seed, r.Value)
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
		if !has(stored, id) {
			wrong.say("%s %d offset %d is rejected as a copy, and so is every other entry of the voter", what, at.partition, at.offset)
		}
	}

	voters := int64(len(stored))
	n, err := eachRow(ctx, tx, func(v election.Voter, line []byte) {
		id := voter(string(v.ID))
		switch want, there := stored[id]; {
		case !there:
			added.say("voters: voter %s must not be there", v.ID)
		case want != maphash.Bytes(hash.seed, line):
			changed.say("voters: row %s is not what voters_topic holds of the voter", line)
		}
		delete(stored, id)
	})
	if err != nil {
		return nil, fmt.Errorf("read the table voters: %w", err)
	}
	if len(stored) > 0 { // they have names in the topic only
		err := eachVoter(ctx, c, record, func(r *kgo.Record) error {
			if id := voter(string(r.Key)); has(stored, id) {
				missing.say("voters: voter %s is missing", r.Key)
				delete(stored, id)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	report.row("table voters", rowsOf(voters), rowsOf(n), missing.end()+changed.end()+added.end()+copies.end())
	report.row("  of them rejected", "", rowsOf(int64(len(rejects))), wrong.end())
	return rejects, nil
}

func has(hashes map[uint64]uint64, id uint64) bool {
	_, there := hashes[id]
	return there
}

// eachRow hands on each row of the table voters, and the record that it must have been. It returns how many there are.
func eachRow(ctx context.Context, tx pgx.Tx, each func(v election.Voter, line []byte)) (int64, error) {
	rows, err := tx.Query(ctx, `SELECT voter_id, date_of_birth, registered_age, voter_name, gender, nationality, registration_number,
		address_street, address_city, address_state, address_country, address_postcode, email, phone_number, cell_number, picture, district_id
		FROM voters`)
	if err != nil {
		return 0, err
	}
	var v election.Voter
	var born pgtype.Date
	a := &v.Address
	return countRows(pgx.ForEachRow(rows, []any{
		&v.ID, &born, &v.RegisteredAge, &v.Name, &v.Gender, &v.Nationality, &v.RegistrationNumber,
		&a.Street, &a.City, &a.State, &a.Country, &a.Postcode, &v.Email, &v.PhoneNumber, &v.CellNumber, &v.Picture, &v.DistrictID,
	}, func() error {
		v.DateOfBirth = born.Time.Format(time.DateOnly)
		if born.InfinityModifier != pgtype.Finite { // nobody's
			v.DateOfBirth = born.InfinityModifier.String()
		}
		line, err := json.Marshal(v)
		if err == nil {
			each(v, line)
		}
		return err
	}))
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
