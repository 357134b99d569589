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
)

// compareVoters checks that every record of voters_topic is either the only entry of a voter in the table voters, in
// every column, or in rejected_votes for the right reason. It returns the rejects.
func compareVoters(ctx context.Context, c Config, report *report, installation *election.Installation, tx pgx.Tx, hash *ballots) (map[position]rejected, error) {
	rejects, err := storedRejects(ctx, tx, election.VotersTopic, hash)
	if err != nil {
		return nil, err
	}
	check := newVotersCheck(report, &installation.Definition, rejects, hash)
	if err := eachVoter(ctx, c, installation, check.addEntry); err != nil {
		return nil, err
	}
	check.entriesDone()
	rows, err := eachRow(ctx, tx, check.checkRow)
	if err != nil {
		return nil, fmt.Errorf("read the table voters: %w", err)
	}
	if len(check.stored) > 0 { // only the topic has their names
		if err := eachVoter(ctx, c, installation, check.nameMissing); err != nil {
			return nil, err
		}
	}
	check.finish(rows)
	return rejects, nil
}

// votersCheck compares the tables with the records of voters_topic. The caller calls addEntry with each record, then
// entriesDone, then checkRow with each row of the table voters, then nameMissing with each record again, then finish.
//
// Where a voter has several entries, votersCheck accepts any of them as the stored one: they may be on several
// partitions.
type votersCheck struct {
	report    *report
	hash      *ballots
	districts map[election.DistrictID]bool
	rejects   map[position]rejected
	left      map[position]bool   // rejects whose record has not come
	stored    map[uint64]uint64   // hash of the entry that is not rejected, by a hash of the voter's id
	copied    map[uint64]position // an entry that is rejected as a copy, by a hash of the voter's id
	voters    int64

	wrong, copies, missing, changed, added *kind
}

// rejectedVoters names the rejects of voters_topic in the report.
const rejectedVoters = "rejected_votes: " + election.VotersTopic

func newVotersCheck(report *report, d *election.Definition, rejects map[position]rejected, hash *ballots) *votersCheck {
	c := &votersCheck{
		report: report, hash: hash, rejects: rejects,
		districts: make(map[election.DistrictID]bool), left: make(map[position]bool, len(rejects)),
		stored: make(map[uint64]uint64), copied: make(map[uint64]position),
		wrong: report.newKind(rejectedVoters + " wrong"), copies: report.newKind("voters: copies"),
		missing: report.newKind("voters: missing"), changed: report.newKind("voters: changed"), added: report.newKind("voters: added"),
	}
	for _, district := range d.Districts() {
		c.districts[district.ID] = true
	}
	for at := range rejects {
		c.left[at] = true
	}
	return c
}

func (c *votersCheck) voter(id string) uint64 { return maphash.String(c.hash.seed, id) }

// addEntry takes a record of voters_topic.
func (c *votersCheck) addEntry(r *kgo.Record) error {
	at, reason := position{r.Partition, r.Offset}, judge(r, c.districts)
	reject, isRejected := c.rejects[at]
	delete(c.left, at)
	switch {
	case isRejected && reject.whole != c.hash.sum(r.Key, r.Value):
		c.wrong.add("%s %d offset %d does not hold the record's key and value", rejectedVoters, at.partition, at.offset)
	case isRejected && reason == "" && (reject.reason == election.Duplicate || reject.reason == election.Conflicting):
		c.copied[c.voter(string(r.Key))] = at
	case isRejected && reject.reason != reason:
		c.wrong.add("%s %d offset %d is %s; it must be %s", rejectedVoters, at.partition, at.offset, reject.reason, orStored(reason))
	case isRejected:
	case reason != "":
		c.wrong.add("%s %d offset %d is missing; it must be %s", rejectedVoters, at.partition, at.offset, reason)
	case has(c.stored, c.voter(string(r.Key))):
		c.copies.add("voters: %s %d offset %d is a further entry of a voter, and not rejected", election.VotersTopic, at.partition, at.offset)
	default:
		c.stored[c.voter(string(r.Key))] = maphash.Bytes(c.hash.seed, r.Value)
	}
	return nil
}

// entriesDone checks the rejects, after every record.
func (c *votersCheck) entriesDone() {
	c.voters = int64(len(c.stored))
	for _, at := range sortedPositions(c.left) {
		c.wrong.add("%s %d offset %d must not be there: the topic has no such record", rejectedVoters, at.partition, at.offset)
	}
	for id, at := range c.copied {
		if !has(c.stored, id) {
			c.wrong.add("%s %d offset %d is rejected as a copy, and so is every other entry of the voter", rejectedVoters, at.partition, at.offset)
		}
	}
}

// checkRow takes a row of the table voters, and the value of the record that it must come from.
func (c *votersCheck) checkRow(v election.Voter, line []byte) {
	id := c.voter(string(v.ID))
	switch want, found := c.stored[id]; {
	case !found:
		c.added.add("voters: voter %s must not be there", v.ID)
	case want != maphash.Bytes(c.hash.seed, line):
		c.changed.add("voters: row %s is not what voters_topic holds of the voter", line)
	}
	delete(c.stored, id)
}

// nameMissing names the voter of a record who has no row.
func (c *votersCheck) nameMissing(r *kgo.Record) error {
	if id := c.voter(string(r.Key)); has(c.stored, id) {
		c.missing.add("voters: voter %s is missing", r.Key)
		delete(c.stored, id)
	}
	return nil
}

// finish adds the findings to the report, beside the number of rows.
func (c *votersCheck) finish(rows int64) {
	c.report.addRow("table voters", rowsOf(c.voters), rowsOf(rows), c.missing.finish()+c.changed.finish()+c.added.finish()+c.copies.finish())
	c.report.addRow("  of them rejected", "", rowsOf(int64(len(c.rejects))), c.wrong.finish())
}

func has(hashes map[uint64]uint64, id uint64) bool {
	_, found := hashes[id]
	return found
}

// eachRow calls each with every row of the table voters, and the value of the record that it must come from. It returns
// how many rows there are.
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
		if born.InfinityModifier != pgtype.Finite { // no voter is born then
			v.DateOfBirth = born.InfinityModifier.String()
		}
		line, err := json.Marshal(v)
		if err == nil {
			each(v, line)
		}
		return err
	}))
}

func eachVoter(ctx context.Context, c Config, installation *election.Installation, each func(*kgo.Record) error) error {
	for partition := range installation.VotePartitions {
		if err := c.Kafka.Read(ctx, election.VotersTopic, partition, each); err != nil {
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

// judge is why a record of voters_topic may not be stored, without regard to other entries of the voter. It is empty
// for a valid record. The value must be what encoding/json writes of a voter, at most 64 KiB. The id has 1 to 64 bytes
// and is the key. The date of birth exists, and the age is 0 to 200. No other field is longer than 1000 bytes, and no
// field holds the character 0.
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
