package election

import (
	"math"
	"strings"
	"testing"
	"time"
)

// newDefinition is a definition without mistakes.
func newDefinition() *Definition {
	return &Definition{
		ID: "x", Name: "X",
		Polling:    Polling{Opens: time.Date(2025, 10, 29, 6, 0, 0, 0, time.UTC), Closes: time.Date(2025, 10, 29, 20, 0, 0, 0, time.UTC)},
		Candidates: []Candidate{{ID: "ana", Name: "Ana"}, {ID: "bo", Name: "Bo"}},
		Regions:    []Region{{ID: "r", Name: "R", Districts: []District{{ID: "d", Name: "D", Registered: 5}, {ID: "e", Name: "E", Registered: 7}}}},
		Electorate: &Electorate{
			Ages: map[string]float64{"18-24": 0.3, "65+": 0.7}, Turnout: Turnout{Overall: 0.5},
			Arrival: []Arrival{{"12:00", 0.5}, {"20:00", 0.5}},
		},
	}
}

// problems are the texts of the problems, by their path joined with dots.
func problems(d *Definition) map[string]string {
	all := make(map[string]string)
	for _, p := range d.Check() {
		var steps []string
		for _, step := range p.Path {
			switch step := step.(type) {
			case string:
				steps = append(steps, step)
			case int:
				steps = append(steps, string(rune('0'+step)))
			}
		}
		all[strings.Join(steps, ".")] += p.Text + "\n"
	}
	return all
}

// TestCheckKnowsItsBounds changes a good definition to the last value that is allowed, and to the first that is refused.
func TestCheckKnowsItsBounds(t *testing.T) {
	closeAt := func(clock string) func(d *Definition) {
		at, err := time.Parse(time.RFC3339, clock)
		if err != nil {
			t.Fatal(err)
		}
		return func(d *Definition) { d.Polling.Closes = at }
	}
	arrivingUntil := func(clocks ...string) func(d *Definition) {
		return func(d *Definition) {
			d.Electorate.Arrival = nil
			for _, clock := range clocks {
				d.Electorate.Arrival = append(d.Electorate.Arrival, Arrival{clock, 1 / float64(len(clocks))})
			}
		}
	}
	for name, c := range map[string]struct {
		change func(d *Definition)
		path   string // of the only problem; empty where there is none
		says   string
	}{
		"as it is": {func(*Definition) {}, "", ""},

		"31 days": {func(d *Definition) { d.Polling.Closes = d.Polling.Opens.Add(31 * 24 * time.Hour) }, "", ""},
		"31 days and a millisecond": {
			func(d *Definition) { d.Polling.Closes = d.Polling.Opens.Add(31*24*time.Hour + time.Millisecond) }, "polling.closes", "more than 31 days",
		},
		"a polling day of a millisecond": {
			func(d *Definition) { d.Polling.Opens = d.Polling.Closes.Add(-time.Millisecond) }, "", "",
		},
		"a polling day of nothing": {func(d *Definition) { d.Polling.Opens = d.Polling.Closes }, "polling.closes", "not after opens"},
		"no closing time":          {func(d *Definition) { d.Polling.Closes = time.Time{} }, "polling.closes", "closes is missing"},
		"half a millisecond":       {func(d *Definition) { d.Polling.Opens = d.Polling.Opens.Add(500 * time.Microsecond) }, "polling.opens", "whole milliseconds"},
		"the year 10000": {
			func(d *Definition) {
				d.Polling = Polling{time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
				d.Electorate = nil
			}, "polling.closes", "years 1 to 9999",
		},

		"arrival until the polls close":         {arrivingUntil("15:00", "20:00"), "", ""},
		"arrival until later":                   {arrivingUntil("15:00", "24:00"), "", ""},
		"arrival that ends a minute early":      {arrivingUntil("15:00", "19:59"), "electorate.arrival.1.until", "19:59, is before the polls close, at 20:00"},
		"arrival that ends long before 24:00":   {both(closeAt("2025-10-30T00:00:00Z"), arrivingUntil("12:00", "15:00")), "electorate.arrival.1.until", "15:00, is before the polls close, at 24:00"},
		"arrival that ends a minute before":     {both(closeAt("2025-10-30T00:00:00Z"), arrivingUntil("23:59")), "electorate.arrival.0.until", "at 24:00"},
		"arrival until 24:00":                   {both(closeAt("2025-10-30T00:00:00Z"), arrivingUntil("12:00", "24:00")), "", ""},
		"arrival until 24:01":                   {arrivingUntil("24:01"), "electorate.arrival.0.until", "24:00 at the latest"},
		"arrival until 24:00 in another zone":   {both(closeAt("2025-10-30T01:00:00+01:00"), arrivingUntil("24:00")), "", ""},
		"arrival at the same time again":        {arrivingUntil("20:00", "20:00"), "electorate.arrival.1.until", "not after the until before it"},
		"arrival that is not written in digits": {arrivingUntil("8:00", "20:00"), "electorate.arrival.0.until", "such as 09:30"},
		"arrival of shares that are too little": {func(d *Definition) { d.Electorate.Arrival[0].Share = 0.4 }, "electorate.arrival", "sum to 0.9"},

		"a share of all":          {func(d *Definition) { d.Electorate.Turnout.Overall = 1 }, "", ""},
		"a share of more":         {func(d *Definition) { d.Electorate.Turnout.Overall = math.Nextafter(1, 2) }, "electorate.turnout.overall", "not a share"},
		"a share of less":         {func(d *Definition) { d.Electorate.Turnout.Overall = -1e-9 }, "electorate.turnout.overall", "not a share"},
		"a weight that is no end": {byGender(math.Inf(1)), "electorate.leanings.by_gender.male.ana", "not a weight"},
		"a weight below nothing":  {byGender(-1e-9), "electorate.leanings.by_gender.male.ana", "not a weight"},
		"no weight":               {byGender(0), "", ""},

		"as many voters as there may be": {register(MostVoters-7, 7), "", ""},
		"one voter more":                 {register(MostVoters-7, 8), "regions.0.districts.1.registered", "at most 1000000000000"},
		"voters whose sum overflows":     {register(math.MaxInt64, math.MaxInt64), "regions.0.districts.0.registered", "at most 1000000000000"},
		"fewer voters than none":         {register(-1, 7), "regions.0.districts.0.registered", "cannot be negative"},

		"a party of 200":               {func(d *Definition) { d.Candidates[1].Party = strings.Repeat("é", 200) }, "", ""},
		"a party of 201":               {func(d *Definition) { d.Candidates[1].Party = strings.Repeat("é", 201) }, "candidates.1.party", "longer than 200"},
		"NUL in a party":               {func(d *Definition) { d.Candidates[1].Party = "P\x00" }, "candidates.1.party", `the party "P\x00" holds control characters`},
		"a book with NUL in it":        {func(d *Definition) { d.Candidates[1].Party = strings.Repeat("P", 1<<20) + "\x00" }, "candidates.1.party", `PPP" holds control characters`},
		"a line feed in a party":       {func(d *Definition) { d.Candidates[1].Party = "P\nQ" }, "candidates.1.party", "control characters"},
		"bytes that are no text":       {func(d *Definition) { d.Candidates[1].Party = "P\xff" }, "candidates.1.party", "not UTF-8"},
		"NUL in a name":                {func(d *Definition) { d.Candidates[1].Name = "B\x00" }, "candidates.1.name", "control characters"},
		"a name of blanks":             {func(d *Definition) { d.Regions[0].Districts[1].Name = "  " }, "regions.0.districts.1.name", "the name is missing"},
		"lines in a biography":         {func(d *Definition) { d.Candidates[1].Biography = "one\n\ttwo\n" }, "", ""},
		"NUL in a biography":           {func(d *Definition) { d.Candidates[1].Biography = "b\x00" }, "candidates.1.biography", "control characters"},
		"an escape in a platform":      {func(d *Definition) { d.Candidates[1].Platform = "p\x1b[2J" }, "candidates.1.platform", "control characters"},
		"a carriage return in a photo": {func(d *Definition) { d.Candidates[1].Photo = "/p.svg\r" }, "candidates.1.photo", "control characters"},
		"a photo":                      {func(d *Definition) { d.Candidates[1].Photo = "/portraits/" + strings.Repeat("p", 1000) }, "", ""},

		"the largest step":   {func(d *Definition) { d.Electorate.MinimumCell = maxMinimumCell }, "", ""},
		"a step below 0":     {func(d *Definition) { d.Electorate.MinimumCell = -1 }, "electorate.minimum_cell", "from 1 to 1000"},
		"slots of 7 minutes": {func(d *Definition) { d.Electorate.SlotMinutes = 7 }, "electorate.slot_minutes", "write 1, 2, 5"},

		"a candidate twice": {func(d *Definition) { d.Candidates[1].ID = "ana" }, "candidates.1.id", "another candidate"},
		"a district twice":  {func(d *Definition) { d.Regions[0].Districts[1].ID = "d" }, "regions.0.districts.1.id", "another district"},
		"an id of 33":       {func(d *Definition) { d.Candidates[1].ID = CandidateID(strings.Repeat("b", 33)) }, "candidates.1.id", "1 to 32"},
		"no candidate":      {func(d *Definition) { d.Candidates = nil }, "candidates", "no candidate"},
	} {
		d := newDefinition()
		c.change(d)
		got := problems(d)
		switch {
		case c.path == "" && len(got) > 0:
			t.Errorf("%s: %v", name, got)
		case c.path != "" && (len(got) != 1 || len(got[c.path]) > 1000 || !strings.Contains(got[c.path], c.says)):
			t.Errorf("%s: got %.1000q, want %q at %s only", name, got, c.says, c.path)
		}
	}
}

func both(changes ...func(d *Definition)) func(d *Definition) {
	return func(d *Definition) {
		for _, change := range changes {
			change(d)
		}
	}
}

// register is a change of the registered voters of the first districts.
func register(registered ...int64) func(d *Definition) {
	return func(d *Definition) {
		for i, n := range registered {
			d.Regions[0].Districts[i].Registered = n
		}
	}
}

func byGender(weight float64) func(d *Definition) {
	return func(d *Definition) {
		d.Electorate.Leanings.ByGender = map[string]map[CandidateID]float64{"male": {"ana": weight}}
	}
}

// TestDefinitionThatKafkaCannotHoldIsRefused grows a definition, by a text, to the last byte that fits, and by one more.
func TestDefinitionThatKafkaCannotHoldIsRefused(t *testing.T) {
	d := newDefinition()
	installation := Installation{Definition: *d, Fingerprint: d.Fingerprint(), VotePartitions: 1000, BallotKeyFingerprint: newKey().Fingerprint()}
	value, err := installation.Encode()
	if err != nil {
		t.Fatal(err)
	}
	// The JSON field is there only with the text.
	room := MaxRecordBytes - recordOverhead - len(value) - len(`,"biography":""`)
	d.Candidates[0].Biography = strings.Repeat("b", room)
	if got := problems(d); len(got) > 0 {
		t.Errorf("a definition that just fits is refused: %.200v", got)
	}
	installation.Definition = *d
	if value, err := installation.Encode(); err != nil || len(value) != MaxRecordBytes-recordOverhead {
		t.Errorf("it takes %d bytes (%v)", len(value), err)
	}

	d.Candidates[0].Biography += "b"
	installation.Definition = *d
	_, err = installation.Encode()
	found := d.Check()
	if err == nil || len(found) != 1 || found[0].Text != err.Error() || len(found[0].Path) > 0 {
		t.Fatalf("encoded: %v; checked: %.300v", err, found)
	}
	for _, says := range []string{"takes 8387585 bytes", "at most 8387584", "fewer districts or candidates", "replay some of its regions", "shorter texts"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not said in: %v", says, err)
		}
	}
}

// TestInstallationsHaveWhatCheckAllows covers what others than `init` could write to the topic.
func TestInstallationsHaveWhatCheckAllows(t *testing.T) {
	for name, test := range map[string]struct {
		change     func(d *Definition)
		partitions int32
		valid      bool
	}{
		"as it is":           {func(*Definition) {}, 4, true},
		"as many partitions": {func(*Definition) {}, MostVotePartitions, true},
		"no partition":       {func(*Definition) {}, 0, false},
		"below 0":            {func(*Definition) {}, -1, false},
		"too many":           {func(*Definition) {}, MostVotePartitions + 1, false},
		"largest step":       {func(d *Definition) { d.Electorate.MinimumCell = maxMinimumCell }, 4, true},
		"too large a step":   {func(d *Definition) { d.Electorate.MinimumCell = maxMinimumCell + 1 }, 4, false},
		"step below 0":       {func(d *Definition) { d.Electorate.MinimumCell = -1 }, 4, false},
		"slots of 7 minutes": {func(d *Definition) { d.Electorate.SlotMinutes = 7 }, 4, false},
		"no electorate":      {func(d *Definition) { d.Electorate = nil }, 4, true},
	} {
		d := newDefinition()
		test.change(d)
		installation := Installation{Definition: *d, Fingerprint: d.Fingerprint(), VotePartitions: test.partitions}
		if err := installation.Validate(); (err == nil) != test.valid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
