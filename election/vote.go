package election

import (
	"bytes"
	"encoding/hex"
	"hash/crc32"
	"strings"
	"time"
)

// VoteField is one field of a vote's line.
type VoteField struct {
	Name    string
	Pattern string // regular expression of its values, which contain no quote
}

// VoteFields are the fields of a vote in the order of its line. Grammar follows from them. Tests compare Vote, Spark's SQL and
// the ledger's SQL with them.
var VoteFields = []VoteField{
	{"ballot_id", `[0-9a-f]{32}`},
	{"candidate_id", `[a-z0-9_-]{1,32}`},
	{"district_id", `[A-Za-z0-9_-]{1,32}`},
	{"age_group", `(18-24|25-34|35-44|45-54|55-64|65\+)?`},
	{"gender", `(female|male|other)?`},
	{"voting_time", `([0-9]{4}-(` +
		`(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|` +
		`([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)` + // leap years
		`T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z`},
}

// Grammar is the regular expression, over bytes, of a well-formed vote. Spark applies it with rlike, so it uses only syntax
// that RE2 and java.util.regex read alike.
var Grammar = grammarOf(VoteFields)

func grammarOf(fields []VoteField) string {
	var members []string
	for _, field := range fields {
		members = append(members, `"`+field.Name+`":"`+field.Pattern+`"`)
	}
	return `\A\{` + strings.Join(members, ",") + `\}\z`
}

// AgeGroups are the values of a vote's age_group, youngest first. Empty means not known.
func AgeGroups() []string { return []string{"18-24", "25-34", "35-44", "45-54", "55-64", "65+"} }

// Genders are the values of a vote's gender. Empty means not known.
func Genders() []string { return []string{"female", "male", "other"} }

// TimeLayout is how voting_time is written: UTC, in milliseconds, so that comparing the strings compares the times.
const TimeLayout = "2006-01-02T15:04:05.000Z"

// SlotLength is how many bytes of a voting_time name the minute in which its slot begins.
const SlotLength = len(SlotLayout)

// BallotID identifies a ballot. Copies of a ballot have the same id. It does not tell who the voter is.
type BallotID [16]byte

// String is the id as a vote holds it: 32 lower-case hexadecimal digits.
func (id BallotID) String() string { return hex.EncodeToString(id[:]) }

// AppendText appends the id as a vote holds it.
func (id BallotID) AppendText(b []byte) ([]byte, error) { return hex.AppendEncode(b, id[:]), nil }

// The position of the ballot's id in a vote's line.
const (
	BallotIDStart = len(`{"ballot_id":"`)
	BallotIDEnd   = BallotIDStart + 2*len(BallotID{})
)

// Partition is the partition of votes_topic that all copies of a ballot belong to: crc32 (IEEE) of its 32 digits,
// modulo the number of partitions. Spark's crc32 computes the same.
func Partition(ballotDigits []byte, partitions int32) int32 {
	return int32(crc32.ChecksumIEEE(ballotDigits) % uint32(partitions))
}

// Vote is the content of a vote's line. The byte slices of a parsed vote are parts of that line.
type Vote struct {
	BallotID    []byte // 32 hexadecimal digits
	CandidateID []byte
	DistrictID  []byte
	AgeGroup    []byte // one of AgeGroups, or empty
	Gender      []byte // one of Genders, or empty
	VotingTime  []byte // in TimeLayout
}

// AppendVote appends the canonical line of a vote to b.
func AppendVote(b []byte, v Vote) []byte {
	b = append(append(b, `{"ballot_id":"`...), v.BallotID...)
	b = append(append(b, `","candidate_id":"`...), v.CandidateID...)
	b = append(append(b, `","district_id":"`...), v.DistrictID...)
	b = append(append(b, `","age_group":"`...), v.AgeGroup...)
	b = append(append(b, `","gender":"`...), v.Gender...)
	b = append(append(b, `","voting_time":"`...), v.VotingTime...)
	return append(b, `"}`...)
}

// AppendTime appends t in TimeLayout.
func AppendTime(b []byte, t time.Time) []byte { return t.UTC().AppendFormat(b, TimeLayout) }

// ParseVote reads a vote's line. It reports false for a line that Grammar does not match.
func ParseVote(line []byte) (Vote, bool) {
	var v Vote
	rest, ok := line, true
	field := func(opening string, into *[]byte) {
		after, found := bytes.CutPrefix(rest, []byte(opening))
		value, tail, closed := bytes.Cut(after, []byte{'"'})
		ok = ok && found && closed
		*into, rest = value, tail
	}
	field(`{"ballot_id":"`, &v.BallotID)
	field(`,"candidate_id":"`, &v.CandidateID)
	field(`,"district_id":"`, &v.DistrictID)
	field(`,"age_group":"`, &v.AgeGroup)
	field(`,"gender":"`, &v.Gender)
	field(`,"voting_time":"`, &v.VotingTime)
	if !ok || string(rest) != "}" ||
		len(v.BallotID) != 32 || !only(v.BallotID, isLowerHex) ||
		!ValidCandidateID(string(v.CandidateID)) || !ValidDistrictID(string(v.DistrictID)) ||
		!isAgeGroup(v.AgeGroup) || !isGender(v.Gender) || !isVotingTime(v.VotingTime) {
		return Vote{}, false
	}
	return v, true
}

// ValidCandidateID reports whether s may be a candidate's id: 1 to 32 of a-z, 0-9, _ and -.
func ValidCandidateID(s string) bool {
	return len(s) >= 1 && len(s) <= 32 && only(s, func(c byte) bool { return isLower(c) || isDigit(c) || c == '_' || c == '-' })
}

// ValidDistrictID reports whether s may be a district's id: 1 to 32 of A-Z, a-z, 0-9, _ and -.
func ValidDistrictID(s string) bool {
	return len(s) >= 1 && len(s) <= 32 && only(s, func(c byte) bool {
		return isLower(c) || 'A' <= c && c <= 'Z' || isDigit(c) || c == '_' || c == '-'
	})
}

func only[T string | []byte](s T, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isLower(c byte) bool    { return 'a' <= c && c <= 'z' }
func isLowerHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' }

func isAgeGroup(b []byte) bool {
	switch string(b) {
	case "", "18-24", "25-34", "35-44", "45-54", "55-64", "65+":
		return true
	}
	return false
}

func isGender(b []byte) bool {
	switch string(b) {
	case "", "female", "male", "other":
		return true
	}
	return false
}

func isVotingTime(b []byte) bool {
	const shape = "dddd-dd-ddTdd:dd:dd.dddZ"
	if len(b) != len(shape) {
		return false
	}
	for i, c := range b {
		if shape[i] == 'd' && !isDigit(c) || shape[i] != 'd' && shape[i] != c {
			return false
		}
	}
	number := func(from, to int) (n int) {
		for _, c := range b[from:to] {
			n = 10*n + int(c-'0')
		}
		return n
	}
	month, day := number(5, 7), number(8, 10)
	return 1 <= month && month <= 12 && 1 <= day && (day <= 28 || day <= daysOf(number(0, 4), month)) &&
		number(11, 13) <= 23 && b[14] <= '5' && b[17] <= '5'
}

// daysOf is the number of days of a month.
func daysOf(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
