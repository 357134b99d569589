package generate

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"
	"unsafe"

	"realtime-election/election"
)

var testKey = election.BallotKey{1, 2, 3}

// cast computes the ballots of n voters of a district, an age group and a gender.
func cast(b *Ballots, n, district, age, gender int) []Ballot {
	var all []Ballot
	for i := range n {
		if ballot, votes := b.Of(election.VoterID(fmt.Sprint("voter ", i)), district, age, gender); votes {
			all = append(all, ballot)
		}
	}
	return all
}

func parsed(t *testing.T, b *Ballots, x Ballot) election.Vote {
	t.Helper()
	line := b.Append(nil, x)
	vote, ok := election.ParseVote(line)
	if !ok {
		t.Fatalf("%s is no vote", line)
	}
	return vote
}

func TestTurnoutFollowsAge(t *testing.T) {
	const n = 20_000
	d := newElectorate()
	d.Electorate.Turnout = election.Turnout{Overall: 0.8, ByAge: map[string]float64{"18-24": 0.3, "35-44": 0, "65+": 1}}
	b := NewBallots(d, testKey)
	for age, want := range []float64{0.3, 0.8, 0, 0.8, 0.8, 1} {
		near(t, "turnout of "+election.AgeGroups()[age], float64(len(cast(b, n, 0, age, 0))), want, n)
	}
}

func TestChoicesFollowTheProductOfTheWeights(t *testing.T) {
	const n = 20_000
	d := newElectorate()
	d.Electorate.Turnout = election.Turnout{Overall: 1}
	d.Electorate.Leanings = election.Leanings{
		ByRegion: map[election.RegionID]map[election.CandidateID]float64{"r": {"a": 2, "b": 0.5}},
		ByAge: map[string]map[election.CandidateID]float64{
			"18-24": {"a": 3, "c": 4}, "65+": {"a": 0, "b": 0, "c": 0}, "55-64": {"b": 0, "c": 0}, "45-54": {"a": 0, "c": 0},
		},
		ByGender: map[string]map[election.CandidateID]float64{"male": {"b": 4}},
	}
	b := NewBallots(d, testKey)
	for _, c := range []struct {
		district, age, gender int
		want                  [3]float64
	}{
		{0, 0, 1, [3]float64{6, 2, 4}},
		{0, 0, 0, [3]float64{6, 0.5, 4}},
		{1, 1, 1, [3]float64{2, 2, 1}},
		{2, 0, 1, [3]float64{3, 4, 4}},
		{3, 2, 2, [3]float64{1, 1, 1}},
		{0, 5, 1, [3]float64{1, 1, 1}}, // all are 0
		{0, 4, 0, [3]float64{1, 0, 0}},
		{3, 3, 0, [3]float64{0, 1, 0}},
	} {
		got := make(map[string]float64)
		for _, x := range cast(b, n, c.district, c.age, c.gender) {
			got[string(parsed(t, b, x).CandidateID)]++
		}
		sum := c.want[0] + c.want[1] + c.want[2]
		for i, id := range []string{"a", "b", "c"} {
			near(t, fmt.Sprintf("district %d, age %d, gender %d, candidate %s", c.district, c.age, c.gender, id), got[id], c.want[i]/sum, n)
		}
	}
}

func TestBallotStatesOfItsVoterWhatTheDefinitionLetsIt(t *testing.T) {
	d := newElectorate()
	b, disclosure := NewBallots(d, testKey), election.NewDisclosure(d)
	hidden := 0
	for district, x := range d.Districts() {
		for age, group := range election.AgeGroups() {
			for gender, name := range election.Genders() {
				wantAge, wantGender, _ := disclosure.Of(x.ID, group, name)
				if wantAge == "" {
					hidden++
				}
				for _, ballot := range cast(b, 5, district, age, gender) {
					vote := parsed(t, b, ballot)
					statedAge, statedGender := b.Stated(ballot)
					if string(vote.DistrictID) != string(x.ID) || string(vote.BallotID) != ballot.ID.String() ||
						string(vote.AgeGroup) != wantAge || string(vote.Gender) != wantGender || statedAge != wantAge || statedGender != wantGender {
						t.Errorf("district %s, %s, %s: %s", x.ID, group, name, b.Append(nil, ballot))
					}
				}
			}
		}
	}
	if hidden == 0 || hidden == len(b.states)*len(b.states[0]) {
		t.Errorf("ballots of %d groups state no age", hidden)
	}
}

func TestBallotIsItsVotersAndTheKeys(t *testing.T) {
	d := newElectorate()
	d.Electorate.Turnout.Overall = 1
	once, again, other := NewBallots(d, testKey), NewBallots(d, testKey), NewBallots(d, election.BallotKey{9})
	one, two, three := cast(once, 100, 0, 0, 0), cast(again, 100, 0, 0, 0), cast(other, 100, 0, 0, 0)
	if !slices.Equal(one, two) {
		t.Error("the same voters cast other ballots")
	}
	id, _ := testKey.Draw("voter 0")
	if one[0].ID != id {
		t.Errorf("the ballot's id is %s, drawn was %s", one[0].ID, id)
	}
	slots := 0
	for i := range three {
		if one[i].ID == three[i].ID {
			t.Error("two keys give the same ballot id")
		}
		if one[i].Slot == three[i].Slot {
			slots++
		}
	}
	if slots > 10 { // of 76
		t.Errorf("two keys agree on %d of 100 slots", slots)
	}
}

// TestTimeTellsNothingOfTheChoice checks that turnout, time and choice are drawn independently.
func TestTimeTellsNothingOfTheChoice(t *testing.T) {
	const n = 40_000
	d := newElectorate()
	d.Electorate.Turnout.Overall, d.Electorate.SlotMinutes = 0.5, 1
	b := NewBallots(d, testKey)
	early, ofEarly, all := 0, 0.0, cast(b, n, 0, 0, 0)
	for _, x := range all {
		if x.Slot < uint32(d.Polling.Closes.Sub(d.Polling.Opens)/time.Minute/2) {
			early++
			if x.candidate == 0 {
				ofEarly++
			}
		}
	}
	near(t, "early ballots", float64(early), 0.5, len(all))
	near(t, "a's share of the early ballots", ofEarly, 1.0/3, early)
}

// TestOnlyTheSlotOfABallotIsSaid votes in the last slot of the day too, which is shorter.
func TestOnlyTheSlotOfABallotIsSaid(t *testing.T) {
	d := newElectorate()
	d.Electorate.Turnout.Overall = 1
	d.Polling.Closes = d.Polling.Opens.Add(25 * time.Minute)
	b := NewBallots(d, testKey)
	due := map[string]time.Duration{}
	for _, x := range cast(b, 1000, 0, 0, 0) {
		vote, ok := election.ParseVote(b.Append(nil, x))
		if !ok {
			t.Fatal("it is no vote")
		}
		due[string(vote.VotingTime)] = b.Due(x)
	}
	want := map[string]time.Duration{}
	for i, ends := range []time.Duration{10 * time.Minute, 20 * time.Minute, 25 * time.Minute} {
		want[string(election.AppendTime(nil, d.Polling.Opens.Add(time.Duration(i)*10*time.Minute)))] = ends
	}
	if !maps.Equal(due, want) {
		t.Errorf("voting times, and when they may be sent: %v, want %v", due, want)
	}
}

func TestBallotIsCompact(t *testing.T) {
	if size := unsafe.Sizeof(Ballot{}); size > 32 {
		t.Errorf("a ballot takes %d bytes", size)
	}
}

func TestBallotsAreOrderedByTimeThenID(t *testing.T) {
	early, late := Ballot{ID: election.BallotID{2}, Slot: 1}, Ballot{ID: election.BallotID{1}, Slot: 2}
	other := Ballot{ID: election.BallotID{3}, Slot: 1}
	twice := early
	twice.candidate = 1
	sorted := []Ballot{late, other, twice, early}
	slices.SortFunc(sorted, Ballot.Compare)
	if !slices.Equal(sorted, []Ballot{early, twice, other, late}) {
		t.Errorf("got %v", sorted)
	}
}

func polls(opens, closes string) election.Polling {
	at := func(s string) time.Time {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			panic(err)
		}
		return t
	}
	return election.Polling{Opens: at(opens), Closes: at(closes)}
}

func TestBallotsArriveByTheCurve(t *testing.T) {
	const hour = 3_600_000
	oneDay := polls("2025-10-29T06:30:00Z", "2025-10-29T20:00:00Z")
	day := []election.Arrival{{Until: "08:00", Share: 0.12}, {Until: "11:00", Share: 0.2}, {Until: "18:00", Share: 0.53}, {Until: "20:00", Share: 0.15}}
	for name, c := range map[string]struct {
		polls   election.Polling
		arrival []election.Arrival
		want    map[float64]float64 // hours since the polls open, by share
	}{
		"as defined":      {oneDay, day, map[float64]float64{0: 0, 0.06: 0.75, 0.12: 1.5, 0.22: 3, 0.32: 4.5, 0.85: 11.5, 0.925: 12.5}},
		"none":            {oneDay, nil, map[float64]float64{0: 0, 0.5: 6.75, 0.9: 12.15}},
		"longer than day": {oneDay, []election.Arrival{{Until: "18:30", Share: 0.5}, {Until: "23:30", Share: 0.5}}, map[float64]float64{0.5: 12, 0.75: 12.75}},
		"before opening":  {oneDay, []election.Arrival{{Until: "06:30", Share: 0.5}, {Until: "20:00", Share: 0.5}}, map[float64]float64{0: 0, 0.5: 6.75}},
		"a part at which nobody comes": {
			oneDay,
			[]election.Arrival{{Until: "07:30", Share: 0}, {Until: "08:30", Share: 0.5}, {Until: "10:30", Share: 0}, {Until: "20:00", Share: 0.5}},
			map[float64]float64{0: 1, 0.25: 1.5, 0.5: 4, 0.75: 8.75},
		},
		"until midnight": {
			polls("2025-10-29T06:00:00Z", "2025-10-30T00:00:00Z"),
			[]election.Arrival{{Until: "12:00", Share: 0.5}, {Until: "24:00", Share: 0.5}},
			map[float64]float64{0: 0, 0.5: 6, 0.75: 12, 0.999: 17.976},
		},
		"nobody ever": {oneDay, []election.Arrival{{Until: "20:00", Share: 0}}, map[float64]float64{0.5: 6.75}},
		"three days": { // open from 18:00, then a night and a day and a night, to 06:00
			polls("2025-10-29T18:00:00Z", "2025-10-31T06:00:00Z"),
			[]election.Arrival{{Until: "12:00", Share: 0.3}, {Until: "18:00", Share: 0.4}, {Until: "23:00", Share: 0.3}},
			// nobody comes between 23:00 and midnight; 0-12 and 0-6 share 0.3, 18-23 twice shares 0.3
			map[float64]float64{0: 0, 0.075: 2.5, 0.15: 6, 0.35: 18, 0.55: 21, 0.75: 24, 0.9: 30, 0.95: 33},
		},
		"over midnight": {
			polls("2025-11-04T12:00:00Z", "2025-11-05T04:00:00Z"),
			[]election.Arrival{{Until: "04:00", Share: 0.25}, {Until: "18:00", Share: 0.5}, {Until: "23:59", Share: 0.25}},
			map[float64]float64{0: 0, 0.25: 3, 0.5: 6, 0.75: 12, 0.875: 14},
		},
	} {
		curve := newCurve(c.polls, c.arrival)
		for share, hours := range c.want {
			if got := float64(curve.at(share)) / hour; math.Abs(got-hours) > 1e-6 {
				t.Errorf("%s: a share of %v has come after %v hours, want %v", name, share, got, hours)
			}
		}
		for i, before := 0, 0.0; i < len(curve); i++ { // what rounding leaves over would come in a last part at which nobody comes
			if curve[i].upTo <= before {
				t.Errorf("%s: nobody comes in part %d of %v", name, i, curve)
			}
			before = curve[i].upTo
		}
		length := c.polls.Closes.Sub(c.polls.Opens).Milliseconds()
		last := uint32(0)
		for _, share := range []float64{0, 1e-9, 0.1, 0.5, 0.999, 1 - 1e-9, math.Nextafter(1, 0)} {
			at := curve.at(share)
			if int64(at) >= length || at < last {
				t.Errorf("%s: a share of %v has come after %d of %d milliseconds", name, share, at, length)
			}
			last = at
		}
	}
}

func TestShortestAndLongestPolls(t *testing.T) {
	for name, p := range map[string]election.Polling{
		"a millisecond": polls("2025-10-29T23:59:59.999Z", "2025-10-30T00:00:00Z"),
		"31 days":       polls("2025-10-01T00:00:00Z", "2025-11-01T00:00:00Z"),
	} {
		curve := newCurve(p, []election.Arrival{{Until: "00:00", Share: 0.5}, {Until: "12:00", Share: 0.5}})
		length := p.Closes.Sub(p.Opens)
		for _, share := range []float64{0, 0.5, math.Nextafter(1, 0)} {
			if at := time.Duration(curve.at(share)) * time.Millisecond; at >= length {
				t.Errorf("%s: a share of %v has come after %s", name, share, at)
			}
		}
	}
}

func TestNoBallotComesAfterSharesThatSumToLessThanOne(t *testing.T) {
	c := curve{{0, 1000, 0.5}, {1000, 2000, 1 - 2e-16}}
	if at := c.at(math.Nextafter(1, 0)); at != 1999 {
		t.Errorf("the last ballot comes after %d milliseconds", at)
	}
}

// TestArrivalOfBallotsIsTheDefinitions counts ballots. The test of the curve only asks for shares.
func TestArrivalOfBallotsIsTheDefinitions(t *testing.T) {
	d := newElectorate()
	d.Electorate.Turnout.Overall = 1
	d.Electorate.Arrival = []election.Arrival{{Until: "09:00", Share: 0.2}, {Until: "12:00", Share: 0.5}, {Until: "20:00", Share: 0.3}}
	b := NewBallots(d, testKey)
	got := make([]float64, 3)
	for _, x := range cast(b, 20_000, 0, 0, 0) {
		switch at := string(parsed(t, b, x).VotingTime); {
		case at < "2024-02-29T06:30:00.000Z" || at >= "2024-02-29T20:00:00.000Z":
			t.Fatalf("a ballot is cast at %s", at)
		case at < "2024-02-29T09:00:00.000Z":
			got[0]++
		case at < "2024-02-29T12:00:00.000Z":
			got[1]++
		default:
			got[2]++
		}
	}
	for i, share := range []float64{0.2, 0.5, 0.3} {
		near(t, fmt.Sprint("part ", i), got[i], share, 20_000)
	}
}

func BenchmarkBallots(b *testing.B) {
	ballots := NewBallots(newElectorate(), testKey)
	var line []byte
	for i := range b.N {
		if x, votes := ballots.Of("0f8fad5b-d9cb-469f-a165-70867728950e", i%4, i%6, i%3); votes {
			line = ballots.Append(line[:0], x)
		}
	}
}
