package scenario

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"realtime-election/election"
)

// Hostile is a hostile record of votes_topic, and the reason why it is not counted. Reason is empty for a ballot that counts and is
// followed by another copy.
type Hostile struct {
	Kind string
	election.VoteRecord
	Reason election.Reason
}

// hostileKind is a kind of hostile record. change makes it of the record of a good vote.
type hostileKind struct {
	name   string
	reason election.Reason
	change func(h *Hostile, v election.Vote)
}

// value makes a kind that replaces the record's value.
func value(f func(line string, v election.Vote) string) func(*Hostile, election.Vote) {
	return func(h *Hostile, v election.Vote) { h.Value = []byte(f(string(h.Value), v)) }
}

// field makes a kind that changes one field of a canonical vote.
func field(f func(v *election.Vote)) func(*Hostile, election.Vote) {
	return func(h *Hostile, v election.Vote) {
		f(&v)
		h.Value = election.AppendVote(nil, v)
	}
}

const hugeBytes = 900_000 // just below Kafka's default limit

// hostileKinds are the kinds of hostile records. All readers must give the same reason for each.
var hostileKinds = []hostileKind{
	{"numbers for strings", election.Malformed, value(func(line string, v election.Vote) string {
		return strings.Replace(line, `"candidate_id":"`+string(v.CandidateID)+`"`, `"candidate_id":1`, 1)
	})},
	{"null for a string", election.Malformed, value(func(line string, v election.Vote) string {
		return strings.Replace(line, `"gender":"`+string(v.Gender)+`"`, `"gender":null`, 1)
	})},
	{"single quotes", election.Malformed, value(func(line string, _ election.Vote) string { return strings.ReplaceAll(line, `"`, `'`) })},
	{"a key twice", election.Malformed, value(func(line string, v election.Vote) string {
		return strings.Replace(line, `"district_id"`, `"candidate_id":"`+string(v.CandidateID)+`","district_id"`, 1)
	})},
	{"other order of keys", election.Malformed, value(func(line string, v election.Vote) string {
		swapped := strings.Replace(line, `"candidate_id":"`+string(v.CandidateID)+`","district_id":"`+string(v.DistrictID)+`"`,
			`"district_id":"`+string(v.DistrictID)+`","candidate_id":"`+string(v.CandidateID)+`"`, 1)
		return swapped
	})},
	{"upper-case keys", election.Malformed, value(func(line string, _ election.Vote) string {
		return strings.Replace(line, `"ballot_id"`, `"BALLOT_ID"`, 1)
	})},
	{"white space", election.Malformed, value(func(line string, _ election.Vote) string { return strings.ReplaceAll(line, ":", ": ") })},
	{"a line feed at the end", election.Malformed, value(func(line string, _ election.Vote) string { return line + "\n" })},
	{"a byte order mark", election.Malformed, value(func(line string, _ election.Vote) string { return "\xef\xbb\xbf" + line })},
	{"invalid UTF-8", election.Malformed, field(func(v *election.Vote) { v.CandidateID = append([]byte("\xff\xc0"), v.CandidateID...) })},
	{"control characters", election.Malformed, field(func(v *election.Vote) { v.DistrictID = append([]byte("\x00\x1b[2J\u202e"), v.DistrictID...) })},
	{"escapes", election.Malformed, field(func(v *election.Vote) { v.CandidateID = []byte(`\u006c\u0061`) })},
	{"huge", election.Malformed, field(func(v *election.Vote) { v.CandidateID = bytes.Repeat([]byte("a"), hugeBytes) })},
	{"deep", election.Malformed, value(func(string, election.Vote) string {
		return strings.Repeat(`{"ballot_id":[`, 5_000) + strings.Repeat(`]}`, 5_000)
	})},
	{"empty", election.Malformed, value(func(string, election.Vote) string { return "" })},
	{"no value", election.Malformed, func(h *Hostile, _ election.Vote) { h.Value = nil }},
	{"no key", election.Malformed, func(h *Hostile, _ election.Vote) { h.Key = nil }},
	{"key of another ballot", election.Malformed, func(h *Hostile, _ election.Vote) { h.Key = bytes.Repeat([]byte("0"), len(h.Key)) }},
	{"cut off", election.Malformed, value(func(line string, _ election.Vote) string { return line[:len(line)-1] })},
	{"two votes in a record", election.Malformed, value(func(line string, _ election.Vote) string { return line + line })},
	{"injection", election.Malformed, field(func(v *election.Vote) { v.CandidateID = []byte(`'; DROP TABLE votes; --`) })},
	{"script", election.Malformed, field(func(v *election.Vote) { v.DistrictID = []byte(`</script><script>alert(1)</script>`) })},
	{"upper-case ballot id", election.Malformed, func(h *Hostile, v election.Vote) {
		v.BallotID = bytes.ToUpper(v.BallotID)
		h.Key, h.Value = v.BallotID, election.AppendVote(nil, v)
	}},
	{"unknown age group", election.Malformed, field(func(v *election.Vote) { v.AgeGroup = []byte("17") })},
	{"no time at all", election.Malformed, field(func(v *election.Vote) { v.VotingTime = []byte("now") })},
	{"a day that its month does not have", election.Malformed, field(func(v *election.Vote) { v.VotingTime = []byte("2025-11-31T12:00:00.000Z") })},
	{"February 29 without a leap year", election.Malformed, field(func(v *election.Vote) { v.VotingTime = []byte("2100-02-29T12:00:00.000Z") })},
	{"hour 24", election.Malformed, field(func(v *election.Vote) { v.VotingTime = []byte("2025-10-29T24:00:00.000Z") })},
	{"wrong partition", election.WrongPartition, nil}, // Hostiles changes its partition
	{"unknown candidate", election.UnknownCandidate, field(func(v *election.Vote) { v.CandidateID = append([]byte("x-"), v.BallotID[:30]...) })},
	{"unknown district", election.UnknownDistrict, field(func(v *election.Vote) { v.DistrictID = append([]byte("x-"), v.BallotID[:30]...) })},
	{"long before", election.OutsidePollingHours, field(func(v *election.Vote) { v.VotingTime = []byte("0000-01-01T00:00:00.000Z") })},
	{"long after", election.OutsidePollingHours, field(func(v *election.Vote) { v.VotingTime = []byte("9999-12-31T23:59:59.999Z") })},
}

// HostileKinds are the names of the kinds of Hostiles.
func HostileKinds() []string {
	names := []string{"when the polls have closed", "the same again", "for another candidate"}
	for _, kind := range hostileKinds {
		names = append(names, kind.name)
	}
	return names
}

// Hostiles are hostile records, each of every kind, in mixed order. Nobody on the register of an election has a ballot among them.
// The definition must have at least two candidates, and there must be at least two partitions. The same arguments give the same
// records.
func Hostiles(d *election.Definition, partitions int32, each int) []Hostile {
	var all []Hostile
	districts := d.Districts()
	good := func(kind string, n int) (Hostile, election.Vote) {
		sum := sha256.Sum256(fmt.Appendf(nil, "hostile %s %d", kind, n))
		id := election.BallotID(sum[:16])
		v := election.Vote{
			BallotID: []byte(id.String()), CandidateID: []byte(d.Candidates[n%len(d.Candidates)].ID),
			DistrictID: []byte(districts[n%len(districts)].ID), Gender: []byte("other"), AgeGroup: []byte("65+"),
			VotingTime: election.AppendTime(nil, d.Polling.Opens),
		}
		rec := election.VoteRecord{Partition: election.Partition(v.BallotID, partitions), Key: v.BallotID, Value: election.AppendVote(nil, v)}
		return Hostile{kind, rec, ""}, v
	}
	for n := range each {
		for _, kind := range hostileKinds {
			h, v := good(kind.name, n)
			h.Reason = kind.reason
			if kind.change != nil {
				kind.change(&h, v)
			} else {
				h.Partition = (h.Partition + 1) % partitions
			}
			all = append(all, h)
		}
		late, v := good("when the polls have closed", n)
		field(func(v *election.Vote) { v.VotingTime = election.AppendTime(nil, d.Polling.Closes) })(&late, v)
		late.Reason = election.OutsidePollingHours
		first, _ := good("the same again", n)
		again := first
		again.Reason = election.Duplicate
		one, v := good("for another candidate", n)
		other := one
		field(func(v *election.Vote) { v.CandidateID = []byte(d.Candidates[(n+1)%len(d.Candidates)].ID) })(&other, v)
		other.Reason = election.Conflicting
		if d.Electorate != nil {
			first.Reason, again.Reason, one.Reason, other.Reason = election.Unregistered, election.Unregistered, election.Unregistered, election.Unregistered
		}
		all = append(all, late, first, again, one, other)
	}
	return all
}
