package election

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Problem is a mistake in a definition. Path leads to it by field names and indices.
type Problem struct {
	Path []any
	Text string
}

// Check finds all mistakes in a definition.
func (d *Definition) Check() []Problem {
	c := &checker{}
	c.id("election", d.ID, ValidCandidateID, "a-z, 0-9, _ and -", "id")
	c.name(d.Name, "name")
	d.Polling.check(c)

	if len(d.Candidates) == 0 {
		c.say("there is no candidate", "candidates")
	}
	candidates := make(map[string]bool)
	for i, x := range d.Candidates {
		c.id("candidate", string(x.ID), ValidCandidateID, "a-z, 0-9, _ and -", "candidates", i, "id")
		c.unique("candidate", candidates, string(x.ID), "candidates", i, "id")
		c.name(x.Name, "candidates", i, "name")
		c.line("party", x.Party, "candidates", i, "party")
		c.text("photo", x.Photo, "", "candidates", i, "photo")
		c.text("biography", x.Biography, "\n\t", "candidates", i, "biography")
		c.text("platform", x.Platform, "\n\t", "candidates", i, "platform")
	}

	if len(d.Regions) == 0 {
		c.say("there is no region", "regions")
	}
	regions, districts := make(map[string]bool), make(map[string]bool)
	mayRegister := MostVoters // in the remaining districts; -1 once there are too many voters
	for i, x := range d.Regions {
		c.id("region", string(x.ID), ValidDistrictID, "A-Z, a-z, 0-9, _ and -", "regions", i, "id")
		c.unique("region", regions, string(x.ID), "regions", i, "id")
		c.name(x.Name, "regions", i, "name")
		if len(x.Districts) == 0 {
			c.say(fmt.Sprintf("region %q has no district", x.ID), "regions", i, "districts")
		}
		for j, y := range x.Districts {
			at := []any{"regions", i, "districts", j}
			c.id("district", string(y.ID), ValidDistrictID, "A-Z, a-z, 0-9, _ and -", append(at, "id")...)
			c.unique("district", districts, string(y.ID), append(at, "id")...)
			c.name(y.Name, append(at, "name")...)
			switch {
			case y.Registered < 0:
				c.say(fmt.Sprintf("registered is %d; it cannot be negative", y.Registered), append(at, "registered")...)
			case mayRegister < 0: // the problem is in the list already
			case y.Registered > mayRegister:
				c.say(fmt.Sprintf("registered is %d, and more voters are on the register than there may be: all districts together have at most %d",
					y.Registered, MostVoters), append(at, "registered")...)
				mayRegister = -1
			default:
				mayRegister -= y.Registered
			}
		}
	}
	if d.Electorate != nil {
		d.Electorate.check(c, d.Polling, candidates, regions)
	}
	if len(c.problems) == 0 { // a definition with mistakes may be impossible to encode
		c.size(d)
	}
	return c.problems
}

func (p Polling) check(c *checker) {
	switch {
	case p.Opens.IsZero():
		c.say("opens is missing; write a time such as 2025-10-29T06:30:00Z", "polling", "opens")
	case p.Closes.IsZero():
		c.say("closes is missing; write a time such as 2025-10-29T20:00:00Z", "polling", "closes")
	case !p.Opens.Before(p.Closes):
		c.say("closes is not after opens", "polling", "closes")
	case p.Closes.Sub(p.Opens) > 31*24*time.Hour:
		c.say("the polls are open for more than 31 days", "polling", "closes")
	}
	for field, t := range map[string]time.Time{"opens": p.Opens, "closes": p.Closes} {
		if !t.IsZero() && (t.UTC().Year() < 1 || t.UTC().Year() > 9999 || t.Nanosecond()%1e6 != 0) {
			c.say(field+" must be a time of the years 1 to 9999, in whole milliseconds", "polling", field)
		}
	}
}

// checkSettings checks the settings that readers of the topic check too, see [Installation.Validate].
func (e *Electorate) checkSettings(c *checker) {
	if !slices.Contains([]int{0, 1, 2, 5, 10, 15, 30, 60}, e.SlotMinutes) {
		c.say(fmt.Sprintf("slot_minutes is %d; write 1, 2, 5, 10, 15, 30 or 60", e.SlotMinutes), "electorate", "slot_minutes")
	}
	if e.MinimumCell < 0 || e.MinimumCell > maxMinimumCell {
		c.say(fmt.Sprintf("minimum_cell is %d; write how many voters must have age group and gender in common for a ballot to state these, "+
			"from 1 to %d", e.MinimumCell, maxMinimumCell), "electorate", "minimum_cell")
	}
}

func (e *Electorate) check(c *checker, p Polling, candidates, regions map[string]bool) {
	e.checkSettings(c)
	if year := p.Opens.UTC().Year(); !p.Opens.IsZero() && year < 1000 {
		c.say(fmt.Sprintf("polls that open in the year %d have an electorate whose dates of birth cannot be written; write a year from 1000 on", year), "polling", "opens")
	}
	ages := 0.0
	for _, age := range sorted(e.Ages) {
		at := []any{"electorate", "ages", age}
		c.among("age group", age, AgeGroups(), at...)
		c.share(e.Ages[age], at...)
		ages += e.Ages[age]
	}
	if !(math.Abs(ages-1) <= 1e-6) {
		c.say(fmt.Sprintf("the shares of the age groups sum to %v, not to 1", math.Round(ages*1e6)/1e6), "electorate", "ages")
	}
	c.share(e.Turnout.Overall, "electorate", "turnout", "overall")
	for _, age := range sorted(e.Turnout.ByAge) {
		at := []any{"electorate", "turnout", "by_age", age}
		c.among("age group", age, AgeGroups(), at...)
		c.share(e.Turnout.ByAge[age], at...)
	}
	e.Leanings.check(c, candidates, regions)
	checkArrival(c, e.Arrival, p)
}

func (l Leanings) check(c *checker, candidates, regions map[string]bool) {
	weights := func(of map[CandidateID]float64, path ...any) {
		for _, id := range sorted(of) {
			at := append(slices.Clone(path), string(id))
			if !candidates[string(id)] {
				c.say(fmt.Sprintf("there is no candidate %q", id), at...)
			}
			if w := of[id]; !(w >= 0 && w <= math.MaxFloat32) {
				c.say(fmt.Sprintf("%v is not a weight: it must be a number from 0 up", w), at...)
			}
		}
	}
	for _, id := range sorted(l.ByRegion) {
		at := []any{"electorate", "leanings", "by_region", string(id)}
		if !regions[string(id)] {
			c.say(fmt.Sprintf("there is no region %q", id), at...)
		}
		weights(l.ByRegion[id], at...)
	}
	for _, age := range sorted(l.ByAge) {
		at := []any{"electorate", "leanings", "by_age", age}
		c.among("age group", age, AgeGroups(), at...)
		weights(l.ByAge[age], at...)
	}
	for _, gender := range sorted(l.ByGender) {
		at := []any{"electorate", "leanings", "by_gender", gender}
		c.among("gender", gender, Genders(), at...)
		weights(l.ByGender[gender], at...)
	}
}

func checkArrival(c *checker, arrival []Arrival, p Polling) {
	sum, last := 0.0, ""
	for i, part := range arrival {
		at := []any{"electorate", "arrival", i}
		if _, ok := part.TimeOfDay(); !ok {
			c.say(fmt.Sprintf("until is %q; write a time of day such as 09:30, 24:00 at the latest", part.Until), append(at, "until")...)
		} else {
			if part.Until <= last {
				c.say("until is not after the until before it", append(at, "until")...)
			}
			last = part.Until
		}
		c.share(part.Share, append(at, "share")...)
		sum += part.Share
	}
	if len(arrival) > 0 && math.Abs(sum-1) > 1e-6 {
		c.say(fmt.Sprintf("the shares of arrival sum to %v, not to 1", math.Round(sum*1e6)/1e6), "electorate", "arrival")
	}
	closes := p.Closes.UTC().Format("15:04")
	if closes == "00:00" {
		closes = "24:00" // of the day before
	}
	if n := len(arrival); n > 0 && !p.Closes.IsZero() && last < closes {
		c.say(fmt.Sprintf("the last until, %s, is before the polls close, at %s", last, closes), "electorate", "arrival", n-1, "until")
	}
}

type checker struct{ problems []Problem }

func (c *checker) say(text string, path ...any) {
	c.problems = append(c.problems, Problem{slices.Clone(path), text})
}

func (c *checker) id(what, id string, valid func(string) bool, letters string, path ...any) {
	switch {
	case id == "":
		c.say("the "+what+" has no id", path...)
	case !valid(id):
		c.say(fmt.Sprintf("id %q: the id of a %s is 1 to 32 of %s", id, what, letters), path...)
	}
}

func (c *checker) unique(what string, seen map[string]bool, id string, path ...any) {
	if id != "" && seen[id] {
		c.say(fmt.Sprintf("another %s has the id %q", what, id), path...)
	}
	seen[id] = true
}

func (c *checker) name(name string, path ...any) {
	if strings.TrimSpace(name) == "" {
		c.say("the name is missing", path...)
		return
	}
	c.line("name", name, path...)
}

// line checks a short text, which may be empty.
func (c *checker) line(what, line string, path ...any) {
	if c.text(what, line, "", path...) && utf8.RuneCountInString(line) > 200 {
		c.say("the "+what+" is longer than 200 characters", path...)
	}
}

// text checks that PostgreSQL and a terminal can take a text. Of the control characters it may hold only those in may.
func (c *checker) text(what, text, may string, path ...any) (ok bool) {
	forbidden := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune(may, r) }
	if utf8.ValidString(text) && !strings.ContainsFunc(text, forbidden) {
		return true
	}
	c.say(fmt.Sprintf("the %s %.100q holds control characters or bytes that are not UTF-8", what, text), path...)
	return false
}

// size checks that Kafka can hold the largest record of the definition.
func (c *checker) size(d *Definition) {
	installation := Installation{Definition: *d, Fingerprint: strings.Repeat("f", 32), VotePartitions: MostVotePartitions}
	if d.Electorate != nil {
		installation.BallotKeyFingerprint = installation.Fingerprint
	}
	if _, err := installation.Encode(); err != nil {
		c.say(err.Error())
	}
}

func (c *checker) share(x float64, path ...any) {
	if !(x >= 0 && x <= 1) {
		c.say(fmt.Sprintf("%v is not a share between 0 and 1", x), path...)
	}
}

func (c *checker) among(what, value string, allowed []string, path ...any) {
	if !slices.Contains(allowed, value) {
		c.say(fmt.Sprintf("there is no %s %q; there are %s", what, value, strings.Join(allowed, ", ")), path...)
	}
}

func sorted[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
