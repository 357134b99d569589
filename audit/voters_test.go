package audit

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

var oneDistrict = &election.Definition{Regions: []election.Region{{ID: "north", Districts: []election.District{{ID: "N1"}}}}}

func goodVoter(id string) election.Voter {
	return election.Voter{ID: election.VoterID(id), Name: "Zoë", DateOfBirth: "1970-01-01", RegisteredAge: 54, DistrictID: "N1"}
}

func entry(t testing.TB, offset int64, v election.Voter) *kgo.Record {
	t.Helper()
	value, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return &kgo.Record{Topic: election.VotersTopic, Offset: offset, Key: []byte(v.ID), Value: value}
}

// TestRegisterIsComparedEntryByEntry has two voters, an equal and a different second entry of the first, and two
// records that cannot be stored. Each case changes which are rejected and which are stored.
func TestRegisterIsComparedEntryByEntry(t *testing.T) {
	other, nowhere := goodVoter("v-0"), goodVoter("v-9")
	other.Name, nowhere.DistrictID = "Another", "X"
	records := []*kgo.Record{
		entry(t, 0, goodVoter("v-0")), entry(t, 1, goodVoter("v-1")), entry(t, 2, goodVoter("v-0")), entry(t, 3, other),
		entry(t, 4, nowhere),
		{Topic: election.VotersTopic, Offset: 5, Value: []byte("{}")},
	}
	type tables struct {
		rejects map[int64]rejected
		rows    []election.Voter
	}
	hash := newBallots()
	of := func(offset int64, reason election.Reason) rejected {
		return hash.reject(reason, records[offset].Key, records[offset].Value)
	}
	for name, c := range map[string]struct {
		change func(*tables)
		says   []string
	}{
		"agreeing":           {func(*tables) {}, nil},
		"raw of a copy":      {func(x *tables) { x.rejects[2] = hash.reject(election.Duplicate, []byte("v-0"), []byte("x")) }, []string{"rejected_votes: voters_topic 0 offset 2 does not hold the record's key and value"}},
		"key of a malformed": {func(x *tables) { x.rejects[5] = hash.reject(election.Malformed, []byte{}, []byte("{}")) }, []string{"rejected_votes: voters_topic 0 offset 5 does not hold the record's key and value"}},
		"another reason":     {func(x *tables) { x.rejects[4] = of(4, election.Malformed) }, []string{"rejected_votes: voters_topic 0 offset 4 is malformed; it must be unknown_district"}},
		"a copy of what cannot be stored": {func(x *tables) { x.rejects[4] = of(4, election.Duplicate) }, []string{
			"rejected_votes: voters_topic 0 offset 4 is duplicate; it must be unknown_district",
		}},
		"a good one rejected":    {func(x *tables) { x.rejects[1] = of(1, election.Malformed) }, []string{"rejected_votes: voters_topic 0 offset 1 is malformed; it must be stored", "voters: voter v-1 must not be there"}},
		"not rejected":           {func(x *tables) { delete(x.rejects, 4) }, []string{"rejected_votes: voters_topic 0 offset 4 is missing; it must be unknown_district"}},
		"a copy not rejected":    {func(x *tables) { delete(x.rejects, 3) }, []string{"voters: voters_topic 0 offset 3 is a further entry of a voter, and not rejected"}},
		"rejected from nowhere":  {func(x *tables) { x.rejects[6] = of(5, election.Malformed) }, []string{"rejected_votes: voters_topic 0 offset 6 must not be there: the topic has no such record"}},
		"every entry rejected":   {func(x *tables) { x.rejects[1], x.rows = of(1, election.Duplicate), x.rows[:1] }, []string{"rejected_votes: voters_topic 0 offset 1 is rejected as a copy, and so is every other entry of the voter"}},
		"a voter missing":        {func(x *tables) { x.rows = x.rows[:1] }, []string{"voters: voter v-1 is missing"}},
		"a voter changed":        {func(x *tables) { x.rows[1].CellNumber = "7" }, []string{`"cell_number":"7"`, "is not what voters_topic holds of the voter"}},
		"a voter added":          {func(x *tables) { x.rows = append(x.rows, goodVoter("v-7")) }, []string{"voters: voter v-7 must not be there"}},
		"a voter twice in a row": {func(x *tables) { x.rows = append(x.rows, x.rows[1]) }, []string{"voters: voter v-1 must not be there"}},
	} {
		x := &tables{
			map[int64]rejected{2: of(2, election.Duplicate), 3: of(3, election.Conflicting), 4: of(4, election.UnknownDistrict), 5: of(5, election.Malformed)},
			[]election.Voter{goodVoter("v-0"), goodVoter("v-1")},
		}
		c.change(x)
		rejects := make(map[position]rejected)
		for offset, r := range x.rejects {
			rejects[position{0, offset}] = r
		}
		report := &report{}
		check := newVotersCheck(report, oneDistrict, rejects, hash)
		each := func(do func(*kgo.Record) error) {
			for _, r := range records {
				if err := do(r); err != nil {
					t.Fatal(err)
				}
			}
		}
		each(check.addEntry)
		check.entriesDone()
		for _, v := range x.rows {
			check.checkRow(v, entry(t, 0, v).Value)
		}
		each(check.nameMissing)
		check.finish(int64(len(x.rows)))
		said := strings.Join(report.ofKinds, "\n")
		for _, text := range c.says {
			if !strings.Contains(said, text) {
				t.Errorf("%s: it does not say %q:\n%s", name, text, said)
			}
		}
		found := report.rows[0].differences + report.rows[1].differences
		if (found == 0) != (len(c.says) == 0) || found != len(report.ofKinds) {
			t.Errorf("%s: %d differences:\n%s", name, found, said)
		}
	}
}

// TestVoterIsJudgedAtEachBound tries each field at its bound, and just beyond it.
func TestVoterIsJudgedAtEachBound(t *testing.T) {
	districts := map[election.DistrictID]bool{"N1": true}
	x := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		change func(*election.Voter)
		want   election.Reason
	}{
		"nothing is changed": {func(*election.Voter) {}, ""},
		"id of 64":           {func(v *election.Voter) { v.ID = election.VoterID(x(64)) }, ""},
		"id of 65":           {func(v *election.Voter) { v.ID = election.VoterID(x(65)) }, election.Malformed},
		"id of 0":            {func(v *election.Voter) { v.ID = "" }, election.Malformed},
		"id with 0":          {func(v *election.Voter) { v.ID = "a\x00" }, election.Malformed},
		"text of 1000":       {func(v *election.Voter) { v.Picture = x(1000) }, ""},
		"text of 1001":       {func(v *election.Voter) { v.Picture = x(1001) }, election.Malformed},
		"text with 0":        {func(v *election.Voter) { v.Address.Street = "\x00" }, election.Malformed},
		"age of 0":           {func(v *election.Voter) { v.RegisteredAge = 0 }, ""},
		"age of 200":         {func(v *election.Voter) { v.RegisteredAge = 200 }, ""},
		"age of 201":         {func(v *election.Voter) { v.RegisteredAge = 201 }, election.Malformed},
		"age of -1":          {func(v *election.Voter) { v.RegisteredAge = -1 }, election.Malformed},
		"no such day":        {func(v *election.Voter) { v.DateOfBirth = "1970-02-30" }, election.Malformed},
		"no such district":   {func(v *election.Voter) { v.DistrictID = "N2" }, election.UnknownDistrict},
	} {
		v := goodVoter("v")
		if c.change(&v); judge(entry(t, 0, v), districts) != c.want {
			t.Errorf("%s is %q, want %q", name, judge(entry(t, 0, v), districts), c.want)
		}
	}
	r := entry(t, 0, goodVoter("v"))
	r.Key = []byte("w")
	if got := judge(r, districts); got != election.Malformed {
		t.Errorf("another key is %q", got)
	}
	r = entry(t, 0, goodVoter("v"))
	r.Value = append(r.Value, ' ')
	if got := judge(r, districts); got != election.Malformed {
		t.Errorf("white space is %q", got)
	}
}

// FuzzJudge checks that a voter is stored only if encoding/json writes it in the same bytes.
func FuzzJudge(f *testing.F) {
	districts := map[election.DistrictID]bool{"N1": true}
	good := entry(f, 0, goodVoter("v"))
	f.Add([]byte("v"), good.Value)
	f.Add([]byte("w"), good.Value)
	f.Add([]byte("v"), []byte(strings.Replace(string(good.Value), "Zoë", `\u0000`, 1)))
	f.Add([]byte("v"), []byte(strings.Replace(string(good.Value), "Zoë", "\xff", 1)))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if judge(&kgo.Record{Key: key, Value: value}, districts) != "" {
			return
		}
		var v election.Voter
		if err := json.Unmarshal(value, &v); err != nil {
			t.Fatal(err)
		}
		if again := entry(t, 0, v); string(again.Value) != string(value) || string(again.Key) != string(key) || v.DistrictID != "N1" {
			t.Errorf("%q of %q is stored", value, key)
		}
	})
}

func TestRejectsAreComparedByPosition(t *testing.T) {
	hash := newBallots()
	of := func(reason election.Reason, raw string) rejected {
		return hash.reject(reason, []byte("k"), []byte(raw))
	}
	want := map[position]rejected{
		{0, 1}: of(election.Malformed, "a"), {0, 2}: of(election.Malformed, "b"), {1, 0}: of(election.Malformed, "c"), {1, 1}: of(election.Malformed, "d"),
	}
	got := map[position]rejected{
		{0, 1}: of(election.Malformed, "a"), {0, 2}: of(election.Malformed, "x"), {1, 0}: of(election.Duplicate, "c"), {2, 0}: of(election.Malformed, "e"),
	}
	report := &report{}
	n := compareByPosition(report, "rejects", want, got, func(r rejected) uint64 { return r.whole })
	said := []string{
		"rejects 1 offset 1 is missing; it must be malformed",
		"rejects 0 offset 2 does not hold the record's key and value", "rejects 1 offset 0 is duplicate; it must be malformed",
		"rejects 2 offset 0 must not be there, as malformed",
	}
	slices.Sort(said)
	slices.Sort(report.ofKinds)
	if diff := cmp.Diff(said, report.ofKinds); diff != "" || n != 4 {
		t.Errorf("%d differences (-want +got): %s", n, diff)
	}
}

func TestRejectIsHashedWholeAndAsItIsPublished(t *testing.T) {
	hash := newBallots()
	long := func(n int, last string) []byte { return []byte(strings.Repeat("x", n-1) + last) }
	at, beyond := hash.reject("", nil, long(512<<10, "a")), hash.reject("", nil, long(512<<10+1, "a"))
	cut := hash.reject("", nil, []byte(strings.Repeat("x", 512<<10)))
	if at.whole != at.cut || beyond.whole == beyond.cut || beyond.cut != cut.whole {
		t.Error("a value is not cut after 512 KiB")
	}
	at, beyond = hash.reject("", long(64<<10, "a"), nil), hash.reject("", long(64<<10+1, "a"), nil)
	cut = hash.reject("", []byte(strings.Repeat("x", 64<<10)), nil)
	if at.whole != at.cut || beyond.whole == beyond.cut || beyond.cut != cut.whole {
		t.Error("a key is not cut after 64 KiB")
	}
	for name, pair := range map[string][2]rejected{
		"no key and an empty one":   {hash.reject("", nil, nil), hash.reject("", []byte{}, nil)},
		"no value and an empty one": {hash.reject("", nil, nil), hash.reject("", nil, []byte{})},
		"key and value":             {hash.reject("", []byte("a"), []byte("b")), hash.reject("", []byte("b"), []byte("a"))},
	} {
		if pair[0].whole == pair[1].whole {
			t.Errorf("%s are not told apart", name)
		}
	}
}
