package election

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

const goodVote = `{"ballot_id":"00112233445566778899aabbccddeeff","candidate_id":"labour","district_id":"GM0363",` +
	`"age_group":"65+","gender":"female","voting_time":"2025-10-29T07:30:00.000Z"}`

func TestCanonicalVoteIsRead(t *testing.T) {
	v, ok := ParseVote([]byte(goodVote))
	if !ok {
		t.Fatal("a canonical vote is not read")
	}
	if got := string(AppendVote(nil, v)); got != goodVote {
		t.Errorf("written again as %s", got)
	}
	if string(v.CandidateID) != "labour" || string(v.DistrictID) != "GM0363" || string(v.AgeGroup) != "65+" {
		t.Errorf("read as %s", fmt.Sprintf("%q", v))
	}
}

func TestOtherJSONOfTheSameVoteIsNotAVote(t *testing.T) {
	for name, line := range map[string]string{
		"white space":       strings.Replace(goodVote, `,"`, `, "`, 1),
		"single quotes":     strings.ReplaceAll(goodVote, `"`, `'`),
		"trailing newline":  goodVote + "\n",
		"byte order mark":   "\ufeff" + goodVote,
		"upper-case digits": strings.Replace(goodVote, "aabb", "AABB", 1),
		"additional field":  strings.Replace(goodVote, `}`, `,"x":"y"}`, 1),
		"duplicate field":   strings.Replace(goodVote, `"gender"`, `"gender":"male","gender"`, 1),
		"escaped letter":    strings.Replace(goodVote, "labour", `l\u0061bour`, 1),
		"bad UTF-8":         strings.Replace(goodVote, "labour", "lab\xffour", 1),
		"unknown age group": strings.Replace(goodVote, "65+", "17", 1),
		"hour 24":           strings.Replace(goodVote, "T07", "T24", 1),
		"month 13":          strings.Replace(goodVote, "-10-", "-13-", 1),
		"empty":             "",
	} {
		if _, ok := ParseVote([]byte(line)); ok {
			t.Errorf("%s: read as a vote: %s", name, line)
		}
	}
}

// TestEveryTwoDigitsOfATimeAreInRange writes 00 to 99 in each field of the voting time.
func TestEveryTwoDigitsOfATimeAreInRange(t *testing.T) {
	grammar := regexp.MustCompile(Grammar)
	vote := strings.Replace(goodVote, "-29T", "-28T", 1) // a day that each month has
	start := strings.Index(vote, "2025-10-28T07:30:00.000Z")
	for name, field := range map[string]struct{ at, from, to int }{
		"month": {5, 1, 12}, "day": {8, 1, 31}, "hour": {11, 0, 23}, "minute": {14, 0, 59}, "second": {17, 0, 59},
		"century": {0, 0, 99}, "year": {2, 0, 99},
	} {
		for n := range 100 {
			line := []byte(vote)
			copy(line[start+field.at:], fmt.Sprintf("%02d", n))
			want := field.from <= n && n <= field.to
			if _, ok := ParseVote(line); ok != want {
				t.Errorf("%s %02d: the parser says %t", name, n, ok)
			}
			if grammar.Match(line) != want {
				t.Errorf("%s %02d: the grammar says %t", name, n, !want)
			}
		}
	}
}

// TestDaysAreThoseOfTheCalendar writes each day from 00-00 to 13-32 of years that are leap years, and of years that are not.
func TestDaysAreThoseOfTheCalendar(t *testing.T) {
	grammar := regexp.MustCompile(Grammar)
	for _, year := range []int{0, 4, 1899, 1900, 1996, 2000, 2023, 2024, 2025, 2100, 2400, 9996, 9999} {
		for month := range 14 {
			for day := range 33 {
				at := fmt.Sprintf("%04d-%02d-%02dT07:30:00.000Z", year, month, day)
				_, err := time.Parse(TimeLayout, at)
				line := []byte(strings.Replace(goodVote, "2025-10-29T07:30:00.000Z", at, 1))
				if _, ok := ParseVote(line); ok != (err == nil) {
					t.Errorf("%s: the parser says %t", at, ok)
				}
				if ok := grammar.Match(line); ok != (err == nil) {
					t.Errorf("%s: the grammar says %t", at, ok)
				}
			}
		}
	}
}

// TestEveryByteOfAVoteIsTheGrammars puts each byte at each position of votes, and leaves each position out.
func TestEveryByteOfAVoteIsTheGrammars(t *testing.T) {
	grammar := regexp.MustCompile(Grammar)
	agree := func(line []byte) {
		if _, ok := ParseVote(line); ok != grammar.Match(line) {
			t.Errorf("parser says %t, grammar says %t: %q", ok, !ok, line)
		}
	}
	for _, good := range []string{goodVote, strings.NewReplacer("65+", "", "female", "").Replace(goodVote)} {
		for at := range good {
			for b := range 256 {
				line := []byte(good)
				line[at] = byte(b)
				agree(line)
			}
			agree([]byte(good[:at] + good[at+1:]))
			agree([]byte(good[:at]))
		}
	}
	for _, group := range append(AgeGroups(), Genders()...) {
		agree([]byte(strings.Replace(goodVote, "65+", group, 1)))
		agree([]byte(strings.Replace(goodVote, "female", group, 1)))
	}
	for n := range 40 {
		agree([]byte(strings.Replace(goodVote, "labour", strings.Repeat("a", n), 1)))
		agree([]byte(strings.Replace(goodVote, "GM0363", strings.Repeat("A", n), 1)))
	}
}

// FuzzParseVoteIsTheGrammar checks that the parser and the regular expression, which Spark applies, accept the same lines.
func FuzzParseVoteIsTheGrammar(f *testing.F) {
	grammar := regexp.MustCompile(Grammar)
	f.Add([]byte(goodVote))
	for _, change := range [][2]string{
		{"65+", ""},
		{"65+", "18-24"},
		{"female", ""},
		{"07:30:00.000", "23:59:59.999"},
		{"07:30:00.000", "23:60:59.999"},
		{"labour", ""},
		{"labour", strings.Repeat("a", 32)},
		{"labour", strings.Repeat("a", 33)},
		{"GM0363", "a b"},
		{"-29T", "-00T"},
		{"-29T", "-31T"},
		{"-29T", "-39T"},
		{"-10-29T", "-11-31T"},
		{"2025-10-29T", "2024-02-29T"},
		{"2025-10-29T", "1900-02-29T"},
		{"-10-", "-00-"},
		{"-10-", "-19-"},
		{"female", "Female"},
		{"}", "}\n"},
		{"T07", "T2:"},
		{"T07", "T1:"},
	} {
		f.Add([]byte(strings.Replace(goodVote, change[0], change[1], 1)))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if _, ok := ParseVote(line); ok != grammar.Match(line) {
			t.Errorf("parser says %t, grammar says %t: %q", ok, !ok, line)
		}
	})
}

func TestPartitionIsSparks(t *testing.T) {
	// The check value of CRC-32/ISO-HDLC, which Spark's crc32 is: cbf43926 for "123456789".
	if got := Partition([]byte("123456789"), 1<<30); got != int32(0xcbf43926%(1<<30)) {
		t.Errorf("crc32 is %x", got)
	}
}

// TestVoteHasTheDeclaredFields compares the struct, the writer and the parser with VoteFields: each field's value comes back
// under its name, in the declared order.
func TestVoteHasTheDeclaredFields(t *testing.T) {
	values := map[string]string{
		"ballot_id": "00112233445566778899aabbccddeeff", "candidate_id": "c1", "district_id": "D1",
		"age_group": "18-24", "gender": "female", "voting_time": "2026-01-02T03:04:05.006Z",
	}
	var members []string
	for _, field := range VoteFields {
		members = append(members, `"`+field.Name+`":"`+values[field.Name]+`"`)
	}
	line := "{" + strings.Join(members, ",") + "}"
	vote, ok := ParseVote([]byte(line))
	if !ok {
		t.Fatalf("election.ParseVote does not read %s", line)
	}
	fields := reflect.ValueOf(vote)
	if fields.NumField() != len(VoteFields) {
		t.Errorf("election.Vote has %d fields, election.VoteFields %d", fields.NumField(), len(VoteFields))
	}
	for i, field := range VoteFields {
		if got := string(fields.Field(i).Bytes()); got != values[field.Name] {
			t.Errorf("election.Vote.%s is %q, expected the value of %s, %q", fields.Type().Field(i).Name, got, field.Name, values[field.Name])
		}
	}
	if written := string(AppendVote(nil, vote)); written != line {
		t.Errorf("election.AppendVote writes %s, expected %s", written, line)
	}
}
