package generate

import (
	"bytes"
	"encoding/json"
	"math"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"realtime-election/election"
)

// newElectorate has districts of very different size, one without voters, and names that JSON must escape.
func newElectorate() *election.Definition {
	return &election.Definition{
		ID: "x", Name: "X",
		Polling:    election.Polling{Opens: time.Date(2024, 2, 29, 6, 30, 0, 0, time.UTC), Closes: time.Date(2024, 2, 29, 20, 0, 0, 0, time.UTC)},
		Candidates: []election.Candidate{{ID: "a", Name: "A"}, {ID: "b", Name: "B"}, {ID: "c", Name: "C"}},
		Regions: []election.Region{
			{ID: "r", Name: `R "& <S>`, Districts: []election.District{{ID: "d1", Name: "'s-Hage\\", Registered: 12_000}, {ID: "d2", Name: "Ø\u2028", Registered: 0}}},
			{ID: "s", Name: "S", Districts: []election.District{{ID: "D-3", Name: "3", Registered: 7}, {ID: "d4", Name: "4", Registered: 3_993}}},
		},
		Electorate: &election.Electorate{
			Ages:    map[string]float64{"18-24": 0.11, "25-34": 0.16, "35-44": 0.15, "45-54": 0.16, "55-64": 0.17, "65+": 0.25},
			Turnout: election.Turnout{Overall: 0.8},
		},
	}
}

// register is every voter of a seed. It wants each line as a JSON library writes it.
func register(t *testing.T, d *election.Definition, seed uint64) []election.Voter {
	t.Helper()
	v := NewVoters(d, seed)
	var all []election.Voter
	var line []byte
	for serial := range v.Size() {
		var district int
		line, district = v.Append(line[:0], serial)
		var voter election.Voter
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&voter); err != nil {
			t.Fatalf("serial %d: %v in %s", serial, err, line)
		}
		if again, err := json.Marshal(voter); err != nil || !bytes.Equal(line, again) {
			t.Fatalf("serial %d is written\n%s\nand by encoding/json\n%s", serial, line, again)
		}
		if id := string(line[VoterIDStart:VoterIDEnd]); id != string(voter.ID) {
			t.Fatalf("the id stands elsewhere: %s in %s", id, line)
		}
		if at := d.Districts()[district]; at.ID != voter.DistrictID || at.Name != voter.Address.City || at.Region.Name != voter.Address.State {
			t.Fatalf("district %d: %+v", district, voter)
		}
		all = append(all, voter)
	}
	return all
}

func TestRegisterIsTheDefinitions(t *testing.T) {
	d := newElectorate()
	got := make(map[election.DistrictID][]int64)
	for _, x := range d.Districts() {
		got[x.ID] = make([]int64, len(election.AgeGroups())*len(election.Genders()))
	}
	for _, voter := range register(t, d, 1) {
		age, gender := slices.Index(election.AgeGroups(), election.AgeGroupOf(voter.RegisteredAge)), slices.Index(election.Genders(), voter.Gender)
		got[voter.DistrictID][age*len(election.Genders())+gender]++
	}
	for _, x := range d.Districts() {
		if want := d.VotersOf(x.District); !slices.Equal(got[x.ID], want) {
			t.Errorf("district %s has voters %v, want %v", x.ID, got[x.ID], want)
		}
	}
}

func TestVotersAreUniqueAndPlausible(t *testing.T) {
	d := newElectorate()
	shape := map[string]*regexp.Regexp{
		"id":       regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`),
		"number":   regexp.MustCompile(`^(d1|D-3|d4)-[0-9]{7}$`),
		"postcode": regexp.MustCompile(`^[1-9][0-9]{3} [A-Z]{2}$`),
		"phone":    regexp.MustCompile(`^\+31 000 [0-9]{6}$`), // no Dutch number begins with 0 after +31
		"cell":     regexp.MustCompile(`^\+31 006 [0-9]{6}$`),
		"email":    regexp.MustCompile(`^[a-z-]+\.[a-z-]+\.[0-9a-f]{6}@example\.(com|net|org)$`),
		"street":   regexp.MustCompile(`^.+ [1-9][0-9]{0,2}( [A-D])?$`),
	}
	genders := make(map[string]float64)
	given := make(map[string]map[string]bool) // by gender
	ids, numbers, foreign, accents := make(map[string]bool), make(map[string]bool), 0, 0
	voters := register(t, d, 1)
	for _, v := range voters {
		for what, text := range map[string]string{
			"id": string(v.ID), "number": v.RegistrationNumber, "postcode": v.Address.Postcode, "phone": v.PhoneNumber,
			"cell": v.CellNumber, "email": v.Email, "street": v.Address.Street,
		} {
			if !shape[what].MatchString(text) {
				t.Fatalf("%s %q of %+v", what, text, v)
			}
		}
		if _, err := mail.ParseAddress(v.Email); err != nil {
			t.Fatalf("%s: %v", v.Email, err)
		}
		born, err := time.Parse(time.DateOnly, v.DateOfBirth)
		if age := election.AgeOn(d.Polling.Opens, born); err != nil || age != v.RegisteredAge || age < 18 || age >= oldest {
			t.Fatalf("born on %s, registered as %d years old", v.DateOfBirth, v.RegisteredAge)
		}
		ids[string(v.ID)], numbers[v.RegistrationNumber] = true, true
		genders[v.Gender]++
		if given[v.Gender] == nil {
			given[v.Gender] = make(map[string]bool)
		}
		given[v.Gender][strings.Fields(v.Name)[0]] = true
		if v.Nationality != "Dutch" {
			foreign++
		}
		if strings.ContainsFunc(v.Name, func(r rune) bool { return r > 127 }) {
			accents++
		}
	}
	if len(ids) != len(voters) || len(numbers) != len(voters) {
		t.Errorf("%d voters have %d ids and %d registration numbers", len(voters), len(ids), len(numbers))
	}
	for gender, share := range map[string]float64{"female": 0.503, "male": 0.493, "other": 0.004} {
		near(t, "gender "+gender, genders[gender], share, len(voters))
	}
	// Of 200 per mille with roots abroad, half have two nationalities.
	near(t, "two nationalities", float64(foreign), 0.1, len(voters))
	if accents < len(voters)/20 || accents > len(voters)/2 {
		t.Errorf("%d of %d names have accents", accents, len(voters))
	}
	if given["female"]["Sanne"] != true || given["male"]["Sanne"] || !given["male"]["Pieter"] || given["female"]["Pieter"] {
		t.Error("given names do not follow gender")
	}
	if len(given["female"]) < 100 || len(given["male"]) < 100 {
		t.Errorf("%d and %d given names", len(given["female"]), len(given["male"]))
	}
}

// near wants a count that is within 4.5 standard deviations of a share of n.
func near(t *testing.T, what string, got, share float64, n int) {
	t.Helper()
	if off := got - share*float64(n); math.Abs(off) > 4.5*math.Sqrt(share*(1-share)*float64(n)) {
		t.Errorf("%s: %v of %d, want about %v", what, got, n, share*float64(n))
	}
}

// TestBirthdaysCoverTheirAgeGroup wants all days of birth of an age group, and no other, for a polling day on the 29th
// of February among others.
func TestBirthdaysCoverTheirAgeGroup(t *testing.T) {
	for _, day := range []time.Time{
		time.Date(2024, 2, 29, 6, 0, 0, 0, time.UTC), time.Date(2025, 2, 28, 23, 0, 0, 0, time.UTC),
		time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 10, 29, 6, 0, 0, 0, time.UTC),
	} {
		for _, years := range [][2]int{{18, 25}, {25, 35}, {55, 65}, {65, oldest}} {
			b := bornFor(day, years[0], years[1])
			for days, want := range map[int64]bool{b.first - 1: false, b.first: true, b.last: true, b.last + 1: false} {
				age := election.AgeOn(day, time.Unix(days*secondsPerDay, 0).UTC())
				if in := age >= years[0] && age < years[1]; in != want {
					t.Errorf("on %s somebody born on day %d is %d, of %v", day, days, age, years)
				}
			}
		}
	}
}

func TestVoterIsTheSameFromAnySerialAndForOneSeedOnly(t *testing.T) {
	d := newElectorate()
	once, again, other := NewVoters(d, 3), NewVoters(d, 3), NewVoters(d, 4)
	same := 0
	for serial := once.Size() - 1; serial >= 0; serial -= 7 { // backwards: nothing depends on what came before
		one, _ := once.Append(nil, serial)
		two, _ := again.Append([]byte("x"), serial)
		if !bytes.Equal(one, two[1:]) {
			t.Fatalf("serial %d differs", serial)
		}
		if three, _ := other.Append(nil, serial); bytes.Equal(one[VoterIDStart:VoterIDEnd], three[VoterIDStart:VoterIDEnd]) {
			same++
		}
	}
	if same > 0 {
		t.Errorf("two seeds give %d voters the same id", same)
	}
}

// TestOrderOfTheRegisterFollowsItsSeed looks at the places of voters: the district and, in it, the registration number.
func TestOrderOfTheRegisterFollowsItsSeed(t *testing.T) {
	places := func(seed uint64) (all []string) {
		voters := NewVoters(newElectorate(), seed)
		for serial := range int64(1000) {
			line, _ := voters.Append(nil, serial)
			_, rest, _ := strings.Cut(string(line), `"registration_number":"`)
			number, _, _ := strings.Cut(rest, `"`)
			all = append(all, number)
		}
		return all
	}
	one, other, same := places(1), places(2), 0
	for i := range one {
		if one[i] == other[i] {
			same++
		}
	}
	if same > 5 {
		t.Errorf("two seeds agree on the number of %d of 1000 voters", same)
	}
}

func TestSerialsMixTheDistricts(t *testing.T) {
	v := NewVoters(newElectorate(), 1)
	count := make([]float64, 4)
	for serial := range int64(4000) {
		_, district := v.Append(nil, serial)
		count[district]++
	}
	near(t, "district d1", count[0], 0.75, 4000)
	near(t, "district d4", count[3], 0.25, 4000)
}

func TestMailboxesAreASCII(t *testing.T) {
	for _, o := range origins() {
		for _, n := range slices.Concat(o.female, o.male, o.names) {
			if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(mailbox(n)) {
				t.Errorf("%s gets mail at %q", n, mailbox(n))
			}
		}
	}
	var sum uint64
	for _, o := range origins() {
		sum += o.perMille
	}
	if sum != 1000 {
		t.Errorf("the origins are of %d in 1000", sum)
	}
}

func BenchmarkVotersAppend(b *testing.B) {
	v := NewVoters(newElectorate(), 3)
	var line []byte
	for i := range b.N {
		line, _ = v.Append(line[:0], int64(i)%v.Size())
	}
	b.SetBytes(int64(len(line)))
}
