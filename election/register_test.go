package election

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// newRegister is a definition whose districts have these registered voters.
func newRegister(registered ...int64) *Definition {
	d := &Definition{Name: "X", Regions: []Region{{ID: "r"}, {ID: "s"}}}
	for i, n := range registered {
		region := &d.Regions[i%2]
		region.Districts = append(region.Districts, District{ID: DistrictID(rune('a' + i)), Registered: n})
	}
	return d
}

func registered(d *Definition) map[DistrictID]int64 {
	all := make(map[DistrictID]int64)
	for _, x := range d.Districts() {
		all[x.ID] = x.Registered
	}
	return all
}

func TestScaledRegisterSumsAndKeepsProportions(t *testing.T) {
	weights := []int64{700_100, 250_033, 12, 0, 49_855}
	var sum int64
	for _, w := range weights {
		sum += w
	}
	for _, n := range []int64{1, 2, 3, 7, 100, 999, 1_000_000, sum, 13_500_001} {
		d := newRegister(weights...)
		if err := d.ScaleRegister(n); err != nil {
			t.Fatal(err)
		}
		if got := d.RegisteredVoters(); got != n {
			t.Errorf("scaled to %d, the districts sum to %d", n, got)
		}
		got := registered(d)
		for i, w := range weights {
			// Largest remainders are less than one voter from the exact share.
			id := DistrictID(rune('a' + i))
			if off := float64(got[id]) - float64(n)*float64(w)/float64(sum); off <= -1 || off >= 1 {
				t.Errorf("scaled to %d, district %s has %d, off by %v", n, id, got[id], off)
			}
			if n == sum && got[id] != w {
				t.Errorf("scaled to what it was, district %s has %d instead of %d", id, got[id], w)
			}
		}
	}
}

func TestLargestRemaindersGetTheLastVoters(t *testing.T) {
	// Of 10: 4.7, 2.6, 2.4 and 0.3. Two are left over.
	d := newRegister(47, 26, 24, 3)
	if err := d.ScaleRegister(10); err != nil {
		t.Fatal(err)
	}
	if got := registered(d); got["a"] != 5 || got["b"] != 3 || got["c"] != 2 || got["d"] != 0 {
		t.Errorf("got %v", got)
	}
}

func TestFewerVotersThanDistricts(t *testing.T) {
	d := newRegister(10, 10, 0, 10, 10)
	if err := d.ScaleRegister(2); err != nil {
		t.Fatal(err)
	}
	if got := registered(d); got["a"] != 1 || got["e"] != 1 || d.RegisteredVoters() != 2 {
		t.Errorf("got %v; equal remainders go to the first, by regions: a, e", got)
	}
}

func TestRegisterThatCannotBeScaled(t *testing.T) {
	for n, d := range map[int64]*Definition{
		100: newRegister(0, 0), 0: newRegister(5), -1: newRegister(5),
		MostVoters + 1: newRegister(3, 5, 7), 1 << 62: newRegister(3, 5, 7), math.MaxInt64: newRegister(3, 5, 7),
	} {
		err := d.ScaleRegister(n)
		var wrong *InputError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "voters") {
			t.Errorf("scaled to %d: %v", n, err)
		}
	}
}

// TestLargestRegistersSumExactly spreads as many voters as there may be, or nearly, over districts of any size, and over
// age groups.
func TestLargestRegistersSumExactly(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		d := newRegister()
		for i := range 1 + random.IntN(400) {
			d.Regions[i%2].Districts = append(d.Regions[i%2].Districts, District{Registered: random.Int64N(1_000_000)})
		}
		d.Regions[0].Districts[0].Registered++ // at least one voter
		n := MostVoters - random.Int64N(MostVoters/10)
		if err := d.ScaleRegister(n); err != nil {
			t.Fatal(err)
		}
		if got := d.RegisteredVoters(); got != n {
			t.Fatalf("scaled to %d, the districts sum to %d", n, got)
		}
		d.Electorate = &Electorate{Ages: make(map[string]float64)}
		var sum float64
		for _, group := range AgeGroups() {
			d.Electorate.Ages[group] = random.Float64()
			sum += d.Electorate.Ages[group]
		}
		for _, group := range AgeGroups() {
			d.Electorate.Ages[group] /= sum
		}
		var aged int64
		for _, voters := range d.RegisteredByAge() {
			aged += voters
		}
		if aged != n {
			t.Fatalf("of %d voters, the age groups have %d", n, aged)
		}
	}
}

func TestAgesOfADistrictFollowTheShares(t *testing.T) {
	d := newRegister(1000, 7, 0)
	if d.agesOf(d.Districts()[0].District) != nil || d.RegisteredByAge() != nil {
		t.Error("there are ages without an electorate")
	}
	d.Electorate = &Electorate{MinimumCell: 1, Ages: map[string]float64{"18-24": 0.1, "25-34": 0.2, "35-44": 0.15, "45-54": 0, "55-64": 0.25, "65+": 0.3}}
	for district, want := range map[DistrictID][]int64{
		"a": {100, 200, 150, 0, 250, 300},
		"b": {1, 1, 1, 0, 2, 2}, // 0.7 1.4 1.05 0 1.75 2.1
		"c": {0, 0, 0, 0, 0, 0},
	} {
		for _, x := range d.Districts() {
			if got := d.agesOf(x.District); x.ID == district && !slices.Equal(got, want) {
				t.Errorf("district %s has ages %v, want %v", district, got, want)
			}
		}
	}
	if got := d.RegisteredByAge(); !slices.Equal(got, []int64{101, 201, 151, 0, 252, 302, 0}) {
		t.Errorf("in all %v", got)
	}
}
