package producer

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
	"unicode/utf8"

	"realtime-election/election"
	"realtime-election/producer/generate"
)

func marshal(t *testing.T, v election.Voter) []byte {
	t.Helper()
	line, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// FuzzParseEntry compares the fields that parseEntry cuts out of a line with those that a JSON library reads.
func FuzzParseEntry(f *testing.F) {
	f.Add("0f8fad5b-d9cb-469f-a165-70867728950e", "Zoë de Vries", "female", 18, "amsterdam")
	f.Add(`"`, `","gender":"male`, "other", 65, `d","registered_age":20,"district_id":"e`)
	f.Add(`x\`, `\","gender":"male\`, "male", 120, `\u0064`)
	f.Add("", "<&>", "", 17, "Ø")
	f.Add("\x00\u2028", "\u2029", "Female", -1, "")
	f.Fuzz(func(t *testing.T, id, name, gender string, age int, district string) {
		for _, s := range []string{id, name, gender, district} {
			if !utf8.ValidString(s) {
				return
			}
		}
		line := marshal(t, election.Voter{
			ID: election.VoterID(id), Name: name, Gender: gender, RegisteredAge: age, DistrictID: election.DistrictID(district),
			Address: election.Address{Street: name, City: district}, Picture: name,
		})
		got, err := parseEntry(line)
		want, wanted := newEntry([]byte(id), []byte(district), age, gender)
		if (err == nil) != (wanted == nil) {
			t.Fatalf("%v, want %v: %s", err, wanted, line)
		}
		if err == nil && (string(got.id) != id || string(got.district) != district || got.age != want.age || got.gender != want.gender) {
			t.Fatalf("got %s %s %d %d of %s", got.id, got.district, got.age, got.gender, line)
		}
	})
}

// FuzzEntryOfAnyBytes parses bytes that anybody may have written to the register.
func FuzzEntryOfAnyBytes(f *testing.F) {
	f.Add([]byte(`{"voter_id":"v","voter_name":"N","gender":"male","registered_age":30,"district_id":"d"}`))
	f.Add([]byte(` { "district_id" : "d", "registered_age" : 65, "gender" : "other", "voter_id" : "v" } `))
	f.Add([]byte(`{"voter_id":"v","voter_name":"N","gender":"male","registered_age":9223372036854775808,"district_id":"d"}`))
	f.Add([]byte(`{"voter_id":"","voter_name":"","gender":"","registered_age":,"district_id":""}`))
	f.Add([]byte("{\"voter_id\":\"\xff"))
	f.Fuzz(func(t *testing.T, value []byte) {
		e, err := parseEntry(value)
		if err != nil {
			return
		}
		if len(e.id) == 0 || e.age < 0 || e.age >= len(election.AgeGroups()) || e.gender < 0 || e.gender >= len(election.Genders()) {
			t.Errorf("%q is read as %+v", value, e)
		}
	})
}

func TestEntryOfAnyJSON(t *testing.T) {
	for value, want := range map[string]string{
		`{"voter_id":"v","voter_name":"N","gender":"male","registered_age":30,"district_id":"d"}`:                "v d 1 1",
		` { "district_id" : "d", "registered_age" : 65, "gender" : "other", "voter_id" : "v" } `:                 "v d 5 2",
		`{"voter_id":"\u0076","voter_name":"N","gender":"female","registered_age":18,"district_id":"d"}`:         "v d 0 0",
		`{"voter_id":"v","voter_name":"N","gender":"female","registered_age":18,"district_id":"\u0064"}`:         "v d 0 0",
		`{"voter_id":"v","voter_name":"N","gender":"female","registered_age":17,"district_id":"d"}`:              "its registered_age is no voter's",
		`{"voter_id":"v","voter_name":"N","gender":"","registered_age":18,"district_id":"d"}`:                    "its gender is not one of those that a vote may name",
		`{"voter_id":"","voter_name":"N","gender":"male","registered_age":18,"district_id":"d"}`:                 "it has no voter_id",
		`{"voter_id":"v","voter_name":"N","gender":"female","registered_age":"18","district_id":"d"}`:            "it is not the JSON of a voter",
		`{"voter_id":"v","voter_name":"N","gender":"female","registered_age":18,"district_id":"d"`:               "it is not the JSON of a voter",
		`{"voter_id":"v","voter_name":"` + string([]byte{0xff}) + `","gender":"male","registered_age":18,"x":7}`: "v  0 1",
	} {
		e, err := parseEntry([]byte(value))
		got := fmt.Sprintf("%s %s %d %d", e.id, e.district, e.age, e.gender)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}

// TestEntriesOfTheRegisterAreCut checks that lines as Voters writes them are not parsed as JSON: parsing a line
// allocates only the lists of ages and genders.
func TestEntriesOfTheRegisterAreCut(t *testing.T) {
	voters := generate.NewVoters(newElectorate(100, 100), 1)
	for serial := range voters.Size() {
		line, _ := voters.Append(nil, serial)
		if allocations := testing.AllocsPerRun(1, func() {
			if _, err := parseEntry(line); err != nil {
				t.Error(err)
			}
		}); allocations > 2 {
			t.Fatalf("%v allocations for %s", allocations, line)
		}
	}
}

func BenchmarkEntryToBallot(b *testing.B) {
	d := newElectorate(1000)
	d.Polling.Closes = d.Polling.Opens.Add(12 * time.Hour)
	voters, ballots := generate.NewVoters(d, 1), generate.NewBallots(d, key)
	var lines [][]byte
	for serial := range voters.Size() {
		line, _ := voters.Append(nil, serial)
		lines = append(lines, line)
	}
	b.ReportAllocs()
	for i := range b.N {
		e, err := parseEntry(lines[i%len(lines)])
		if err != nil {
			b.Fatal(err)
		}
		ballots.Of(election.VoterID(e.id), 0, e.age, e.gender)
	}
}
