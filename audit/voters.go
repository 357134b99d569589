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

// compareVoters holds every record of voters_topic to be either the one entry of a voter in the table voters, in every
// column, or in rejected_votes for a reason that it has. It returns the rejects.
func compareVoters(ctx context.Context, c Config, report *report, installation *election.Installation, tx pgx.Tx, hash *ballots) (map[spot]rejected, error) {
	rejects, err := storedRejects(ctx, tx, election.VotersTopic, hash)
	if err != nil {
		return nil, err
	}
	g := newRegister(report, &installation.Definition, rejects, hash)
	if err := eachVoter(ctx, c, installation, g.entry); err != nil {
		return nil, err
	}
	g.closed()
	rows, err := eachRow(ctx, tx, g.row)
	if err != nil {
		return nil, fmt.Errorf("read the table voters: %w", err)
	}
	if len(g.stored) > 0 { // they have names in the topic only
		if err := eachVoter(ctx, c, installation, g.nameMissing); err != nil {
			return nil, err
		}
	}
	g.end(rows)
	return rejects, nil
}

// register is what voters_topic holds, and what it makes of the tables: first entry is called with each record, then
// closed, then row with each row of the table voters, then nameMissing with each record again.
//
// Which entry is the first is not asked where a voter has several: they may be of several partitions.
type register struct {
	report    *report
	hash      *ballots
	districts map[election.DistrictID]bool
	rejects   map[spot]rejected
	left      map[spot]bool     // rejects of which no record has come
	stored    map[uint64]uint64 // by a hash of a voter's id, one of the entry that is not rejected
	copied    map[uint64]spot   // voters of whom one is, as a copy
	voters    int64

	wrong, copies, missing, changed, added *kind
}

// rejectedVoters is what a reject of voters_topic is called.
const rejectedVoters = "rejected_votes: " + election.VotersTopic

func newRegister(report *report, d *election.Definition, rejects map[spot]rejected, hash *ballots) *register {
	g := &register{
		report: report, hash: hash, rejects: rejects,
		districts: make(map[election.DistrictID]bool), left: make(map[spot]bool, len(rejects)),
		stored: make(map[uint64]uint64), copied: make(map[uint64]spot),
		wrong: report.kind(rejectedVoters + " wrong"), copies: report.kind("voters: copies"),
		missing: report.kind("voters: missing"), changed: report.kind("voters: changed"), added: report.kind("voters: added"),
	}
	for _, district := range d.Districts() {
		g.districts[district.ID] = true
	}
	for at := range rejects {
		g.left[at] = true
	}
	return g
}

func (g *register) voter(id string) uint64 { return maphash.String(g.hash.seed, id) }

// entry takes a record of voters_topic.
func (g *register) entry(r *kgo.Record) error {
	at, reason := spot{r.Partition, r.Offset}, judge(r, g.districts)
	reject, isRejected := g.rejects[at]
	delete(g.left, at)
	switch {
	case isRejected && reject.whole != g.hash.sum(r.Key, r.Value):
		g.wrong.say("%s %d offset %d does not hold the record's key and value", rejectedVoters, at.partition, at.offset)
	case isRejected && reason == "" && (reject.reason == election.Duplicate || reject.reason == election.Conflicting):
		g.copied[g.voter(string(r.Key))] = at
	case isRejected && reject.reason != reason:
		g.wrong.say("%s %d offset %d is %s; it must be %s", rejectedVoters, at.partition, at.offset, reject.reason, orStored(reason))
	case isRejected:
	case reason != "":
		g.wrong.say("%s %d offset %d is missing; it must be %s", rejectedVoters, at.partition, at.offset, reason)
	case has(g.stored, g.voter(string(r.Key))):
		g.copies.say("voters: %s %d offset %d is a further entry of a voter, and not rejected", election.VotersTopic, at.partition, at.offset)
	default:
		g.stored[g.voter(string(r.Key))] = maphash.Bytes(g.hash.seed, r.Value)
	}
	return nil
}

// closed looks at the rejects when every record has come.
func (g *register) closed() {
	g.voters = int64(len(g.stored))
	for _, at := range sortedSpots(g.left) {
		g.wrong.say("%s %d offset %d must not be there: the topic has no such record", rejectedVoters, at.partition, at.offset)
	}
	for id, at := range g.copied {
		if !has(g.stored, id) {
			g.wrong.say("%s %d offset %d is rejected as a copy, and so is every other entry of the voter", rejectedVoters, at.partition, at.offset)
		}
	}
}

// row takes a row of the table voters, and the record that it must have been.
func (g *register) row(v election.Voter, line []byte) {
	id := g.voter(string(v.ID))
	switch want, there := g.stored[id]; {
	case !there:
		g.added.say("voters: voter %s must not be there", v.ID)
	case want != maphash.Bytes(g.hash.seed, line):
		g.changed.say("voters: row %s is not what voters_topic holds of the voter", line)
	}
	delete(g.stored, id)
}

// nameMissing names the voter of a record if no row was theirs.
func (g *register) nameMissing(r *kgo.Record) error {
	if id := g.voter(string(r.Key)); has(g.stored, id) {
		g.missing.say("voters: voter %s is missing", r.Key)
		delete(g.stored, id)
	}
	return nil
}

// end reports what was found, beside how many rows there were.
func (g *register) end(rows int64) {
	g.report.row("table voters", rowsOf(g.voters), rowsOf(rows), g.missing.end()+g.changed.end()+g.added.end()+g.copies.end())
	g.report.row("  of them rejected", "", rowsOf(int64(len(g.rejects))), g.wrong.end())
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
