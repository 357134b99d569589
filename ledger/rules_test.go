package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka/kafkatest"
)

func TestVotingTimeIsReadToTheMillisecond(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2025-10-29T06:30:00.001Z": "2025-10-29T06:30:00.001Z",
		"9999-12-31T23:59:59.999Z": "9999-12-31T23:59:59.999Z",
		"2024-02-29T00:00:00.000Z": "2024-02-29T00:00:00.000Z",
	} {
		if got := string(election.AppendTime(nil, votingTime([]byte(text)))); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func defaultRules(t testing.TB) (*rules, *election.Definition) {
	t.Helper()
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	r := newRules(&election.Installation{Definition: *d, VotePartitions: 2})
	r.votes.SetRegister(nil)
	return r, d
}

func TestVoterBecomesTheRowOfItsFields(t *testing.T) {
	t.Parallel()
	r, d := defaultRules(t)
	district := d.Districts()[0].ID
	record := kafkatest.JSON(t, election.VotersTopic, "v-1", election.Voter{
		ID: "v-1", Name: "Zoë", DateOfBirth: "2000-02-29", Gender: "other", Nationality: "NL", RegistrationNumber: "R1",
		Address: election.Address{Street: "Street 1", City: "City", State: "State", Country: "Country", Postcode: "1234 AB"},
		Email:   "z@example.org", PhoneNumber: "1", CellNumber: "2", Picture: "/p.svg", RegisteredAge: 25, DistrictID: district,
	})
	rows, rejects := r.judge(&batch{topic: election.VotersTopic, records: []*kgo.Record{{Topic: election.VotersTopic}, record}})
	if len(rows) != 1 || len(rejects) != 1 || rejects[0].reason != election.Malformed || rejects[0].Record == record {
		t.Fatalf("%d rows and the rejects %v, want one of each", len(rows), rejects)
	}
	want := map[string]any{
		"place": int32(1), "voter_id": "v-1", "voter_name": "Zoë", "date_of_birth": time.Date(2000, 2, 29, 0, 0, 0, 0, time.UTC), "gender": "other",
		"nationality": "NL", "registration_number": "R1", "address_street": "Street 1", "address_city": "City", "address_state": "State",
		"address_country": "Country", "address_postcode": "1234 AB", "email": "z@example.org", "phone_number": "1", "cell_number": "2",
		"picture": "/p.svg", "registered_age": 25, "district_id": string(district),
	}
	if diff := cmp.Diff(want, byColumn(t, election.VotersTopic, rows[0])); diff != "" {
		t.Errorf("the row (-want +got): %s", diff)
	}
}

// byColumn is a row by the names of its columns.
func byColumn(t *testing.T, topic string, row []any) map[string]any {
	t.Helper()
	columns := tables[topic].columns
	if len(columns) != len(row) {
		t.Fatalf("a row of %d for %d columns", len(row), len(columns))
	}
	named := make(map[string]any)
	for i, column := range columns {
		named[column] = row[i]
	}
	return named
}

func TestVoteBecomesTheRowOfItsFields(t *testing.T) {
	t.Parallel()
	r, d := defaultRules(t)
	id := []byte("000000000000000000000000000000ff")
	opens := d.Polling.Opens.Add(time.Millisecond)
	vote := election.Vote{
		BallotID: id, CandidateID: []byte(d.Candidates[0].ID), DistrictID: []byte(d.Districts()[1].ID),
		AgeGroup: []byte("25-34"), Gender: []byte("female"), VotingTime: election.AppendTime(nil, opens),
	}
	record := &kgo.Record{Topic: election.VotesTopic, Key: id, Partition: election.Partition(id, 2), Value: election.AppendVote(nil, vote)}
	elsewhere := *record
	elsewhere.Partition = 1 - elsewhere.Partition
	rows, rejects := r.judge(&batch{topic: election.VotesTopic, records: []*kgo.Record{&elsewhere, record}})
	if len(rows) != 1 || len(rejects) != 1 || rejects[0].reason != election.WrongPartition || rejects[0].Record != &elsewhere {
		t.Fatalf("%d rows and the rejects %v, want one of each", len(rows), rejects)
	}
	want := map[string]any{
		"place": int32(1), "ballot_id": [16]byte{15: 0xff}, "voting_time": opens, "candidate_id": vote.CandidateID,
		"district_id": vote.DistrictID, "age_group": vote.AgeGroup, "gender": vote.Gender,
	}
	if diff := cmp.Diff(want, byColumn(t, election.VotesTopic, rows[0])); diff != "" {
		t.Errorf("the row (-want +got): %s", diff)
	}
}

// TestVoterIsStoredUpToEachBound tries each field at its bound, and just beyond it.
func TestVoterIsStoredUpToEachBound(t *testing.T) {
	t.Parallel()
	r, d := defaultRules(t)
	good := election.Voter{ID: "v", DateOfBirth: "2000-02-29", DistrictID: d.Districts()[0].ID}
	judged := func(v election.Voter, change func(*kgo.Record)) election.Reason {
		record := kafkatest.JSON(t, election.VotersTopic, string(v.ID), v)
		if change != nil {
			change(record)
		}
		row, reason := r.voter(nil, record)
		if (reason == "") != (len(row) > 0) {
			t.Errorf("%q, and a row of %d", reason, len(row))
		}
		return reason
	}
	for name, c := range map[string]struct {
		change func(*election.Voter)
		want   election.Reason
	}{
		"nothing is changed":        {func(*election.Voter) {}, ""},
		"an id of 64 bytes":         {func(v *election.Voter) { v.ID = election.VoterID(strings.Repeat("x", 64)) }, ""},
		"an id of 65 bytes":         {func(v *election.Voter) { v.ID = election.VoterID(strings.Repeat("x", 65)) }, election.Malformed},
		"no id":                     {func(v *election.Voter) { v.ID = "" }, election.Malformed},
		"the character 0":           {func(v *election.Voter) { v.ID = "a\x00b" }, election.Malformed},
		"an age of 0":               {func(v *election.Voter) { v.RegisteredAge = 0 }, ""},
		"an age of 200":             {func(v *election.Voter) { v.RegisteredAge = 200 }, ""},
		"an age of 201":             {func(v *election.Voter) { v.RegisteredAge = 201 }, election.Malformed},
		"an age below 0":            {func(v *election.Voter) { v.RegisteredAge = -1 }, election.Malformed},
		"a day that does not exist": {func(v *election.Voter) { v.DateOfBirth = "2001-02-29" }, election.Malformed},
		"a day without end":         {func(v *election.Voter) { v.DateOfBirth = "infinity" }, election.Malformed},
		"no day":                    {func(v *election.Voter) { v.DateOfBirth = "" }, election.Malformed},
		"an unknown district":       {func(v *election.Voter) { v.DistrictID = "nowhere" }, election.UnknownDistrict},
		"malformed goes first":      {func(v *election.Voter) { v.DistrictID, v.Name = "nowhere", "\x00" }, election.Malformed},
	} {
		v := good
		if c.change(&v); judged(v, nil) != c.want {
			t.Errorf("%s: %q, want %q", name, judged(v, nil), c.want)
		}
	}
	texts := func(v *election.Voter) []*string {
		a := &v.Address
		return []*string{
			&v.Name, &v.Gender, &v.Nationality, &v.RegistrationNumber, &a.Street, &a.City, &a.State, &a.Country, &a.Postcode,
			&v.Email, &v.PhoneNumber, &v.CellNumber, &v.Picture,
		}
	}
	for i := range texts(&good) {
		for text, want := range map[string]election.Reason{
			strings.Repeat("x", 1000): "", strings.Repeat("x", 1001): election.Malformed, "a\x00b": election.Malformed,
		} {
			v := good
			if *texts(&v)[i] = text; judged(v, nil) != want {
				t.Errorf("text %d of %d bytes: %q, want %q", i, len(text), judged(v, nil), want)
			}
		}
	}
	for name, change := range map[string]func(*kgo.Record){
		"another key":              func(r *kgo.Record) { r.Key = []byte("w") },
		"no key":                   func(r *kgo.Record) { r.Key = nil },
		"no value":                 func(r *kgo.Record) { r.Value = nil },
		"white space":              func(r *kgo.Record) { r.Value = append(r.Value, ' ') },
		"a name in capitals":       func(r *kgo.Record) { r.Value = bytes.Replace(r.Value, []byte("voter_name"), []byte("VOTER_NAME"), 1) },
		"bytes that are not UTF-8": func(r *kgo.Record) { r.Value = bytes.Replace(r.Value, []byte(`""`), []byte("\"\xff\""), 1) },
	} {
		if got := judged(good, change); got != election.Malformed {
			t.Errorf("%s: %q", name, got)
		}
	}
	wide := good // control characters are written in six bytes each
	for i, text := range texts(&wide) {
		if *text = strings.Repeat("\x01", 1000); i == 9 {
			break
		}
	}
	wide.PhoneNumber = strings.Repeat("\x01", 600)
	for grow := range 2 {
		pad := 64<<10 - len(kafkatest.JSON(t, "", "", wide).Value) + grow
		for _, text := range []*string{&wide.PhoneNumber, &wide.CellNumber, &wide.Picture} {
			n := min(max(pad, 0), 1000-len(*text))
			*text += strings.Repeat("x", n)
			pad -= n
		}
		want := map[int]election.Reason{1: election.Malformed}[grow]
		if got := judged(wide, nil); got != want || pad != 0 {
			t.Errorf("a record of %d bytes: %q, want %q", len(kafkatest.JSON(t, "", "", wide).Value), got, want)
		}
	}
}

// FuzzVote checks that no bytes become a row that PostgreSQL refuses, or a vote that nobody sent.
func FuzzVote(f *testing.F) {
	r, d := defaultRules(f)
	id := []byte("00000000000000000000000000000001")
	good := election.AppendVote(nil, election.Vote{
		BallotID: id, CandidateID: []byte(d.Candidates[0].ID), DistrictID: []byte(d.Districts()[0].ID), VotingTime: election.AppendTime(nil, d.Polling.Opens),
	})
	partition := election.Partition(id, 2)
	if _, reason := r.vote(nil, &kgo.Record{Partition: partition, Key: id, Value: good}); reason != "" {
		f.Fatalf("a good vote is %s", reason)
	}
	f.Add(partition, id, good)
	f.Add(1-partition, id, good)
	f.Add(partition, []byte("x"), good)
	f.Add(partition, id, bytes.Replace(good, []byte("-"), []byte("/"), 1))
	f.Fuzz(func(t *testing.T, partition int32, key, value []byte) {
		row, reason := r.vote(nil, &kgo.Record{Partition: partition, Key: key, Value: value})
		switch {
		case reason != "" && len(row) > 0:
			t.Errorf("%s, and has a row", reason)
		case reason != "":
		case len(row) != len(tables[election.VotesTopic].columns)-1:
			t.Errorf("a row of %d columns", len(row))
		default:
			again := election.AppendVote(nil, election.Vote{
				BallotID: fmt.Appendf(nil, "%x", row[0]), VotingTime: election.AppendTime(nil, row[1].(time.Time)),
				CandidateID: row[2].([]byte), DistrictID: row[3].([]byte), AgeGroup: row[4].([]byte), Gender: row[5].([]byte),
			})
			if string(again) != string(value) {
				t.Errorf("%s is stored as %s", value, again)
			}
		}
	})
}

// FuzzVoter checks that no bytes become a row that PostgreSQL refuses.
func FuzzVoter(f *testing.F) {
	r, d := defaultRules(f)
	good, err := json.Marshal(election.Voter{ID: "v", DateOfBirth: "2000-02-29", DistrictID: d.Districts()[0].ID})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("v", good)
	f.Add("v", []byte(strings.Replace(string(good), `"voter_name":""`, `"voter_name":"\u0000"`, 1)))
	f.Add("v", []byte(strings.Replace(string(good), `"voter_name":""`, `"voter_name":"\ud800"`, 1)))
	f.Add("v", []byte(strings.Replace(string(good), `"voter_name":""`, "\"voter_name\":\"\xff\"", 1)))
	if _, reason := r.voter(nil, &kgo.Record{Key: []byte("v"), Value: good}); reason != "" {
		f.Fatalf("a good voter is %s", reason)
	}
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		row, reason := r.voter(nil, &kgo.Record{Key: []byte(key), Value: value})
		if reason != "" {
			if len(row) > 0 {
				t.Errorf("%s, and has a row", reason)
			}
			return
		}
		if len(row) != len(tables[election.VotersTopic].columns)-1 {
			t.Fatalf("a row of %d columns", len(row))
		}
		for _, column := range row {
			switch v := column.(type) {
			case string:
				if strings.ToValidUTF8(v, "") != v || strings.Contains(v, "\x00") || len(v) > longestText {
					t.Errorf("text %q", v)
				}
			case int:
				if v < 0 || v > oldestVoter {
					t.Errorf("age %d", v)
				}
			case time.Time:
				if v.Year() > 9999 {
					t.Errorf("born %s", v)
				}
			default:
				t.Errorf("%T", column)
			}
		}
	})
}
