package election

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// stating writes voters as "age/gender number", in the order in which groups occur.
func stating(stated []group, voters []int64) string {
	var order []group
	size := make(map[group]int64)
	for i, g := range stated {
		if voters[i] > 0 && !slices.Contains(order, g) {
			order = append(order, g)
		}
		size[g] += voters[i]
	}
	var all []string
	for _, g := range order {
		all = append(all, fmt.Sprintf("%s/%s %d", g.age, g.gender, size[g]))
	}
	return strings.Join(all, ", ")
}

func TestBallotsStateWhatEnoughVotersHaveInCommon(t *testing.T) {
	for name, c := range map[string]struct {
		voters []int64 // female, male and other of the first age groups
		want   string
	}{
		"nobody":                          {nil, ""},
		"enough of all":                   {[]int64{10, 11, 12}, "18-24/female 10, 18-24/male 11, 18-24/other 12"},
		"few of two genders":              {[]int64{9, 9, 0, 20, 20, 0}, "18-24/ 18, 25-34/female 20, 25-34/male 20"},
		"few of one, with few of another": {[]int64{50, 40, 6, 60, 70, 4}, "18-24/female 50, 18-24/male 40, / 10, 25-34/female 60, 25-34/male 70"},
		"few of one, with the next group": {[]int64{50, 40, 1, 60, 70, 1}, "18-24/female 50, / 42, 25-34/female 60, 25-34/male 70"},
		"few of an age group":             {[]int64{2, 3, 0, 60, 70, 0, 6, 2, 0}, "/ 13, 25-34/female 60, 25-34/male 70"},
		"few in all":                      {[]int64{2, 3, 1}, "/ 6"},
	} {
		t.Run(name, func(t *testing.T) {
			voters := make([]int64, len(AgeGroups())*len(Genders()))
			copy(voters, c.voters)
			if got := stating(statedGroups(voters, 10), voters); got != c.want {
				t.Errorf("%v state %s, want %s", c.voters, got, c.want)
			}
		})
	}
}

// What a ballot states is true of at least k voters of its district, wherever there are as many.
func TestNoBallotStatesWhatFewVotersHaveInCommon(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		voters, least := make([]int64, len(AgeGroups())*len(Genders())), 1+random.Int64N(20)
		var all int64
		for i := range voters {
			voters[i] = max(0, random.Int64N(60)-20) / (1 + random.Int64N(8))
			all += voters[i]
		}
		stated := statedGroups(voters, least)
		size := make(map[group]int64)
		for i, g := range stated {
			size[g] += voters[i]
			if age, gender := AgeGroups()[i/len(Genders())], Genders()[i%len(Genders())]; g.age != "" && g.age != age || g.gender != "" && g.gender != gender {
				t.Fatalf("%s %s states %v", age, gender, g)
			}
		}
		for g, n := range size {
			if n > 0 && n < min(least, all) {
				t.Fatalf("%v is true of %d voters, want %d or more: %v", g, n, least, voters)
			}
		}
	}
}

func TestRegisteredByAgeFollowsWhatBallotsState(t *testing.T) {
	d := newRegister(1200, 7)
	d.Electorate = &Electorate{MinimumCell: 10, Ages: map[string]float64{"18-24": 0.005, "25-34": 0.195, "65+": 0.8}}
	// In district a, all of 18-24 and of other state nothing; in b, with 7 voters, all.
	if got := d.RegisteredByAge(); !slices.Equal(got, []int64{0, 233, 0, 0, 0, 956, 18}) {
		t.Errorf("in all %v", got)
	}
	if (&Definition{}).MinimumCell() != 1 || (&Definition{Electorate: &Electorate{}}).MinimumCell() != 10 {
		t.Error("a replay hides something, or an electorate nothing")
	}
}
