package election

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// MostVoters is the largest number of registered voters of an election, and of votes in a result file. Up to this number, no
// sum of voters or votes overflows, floating-point numbers hold each whole number exactly, and the shares of a register sum to
// the register.
const MostVoters int64 = 1_000_000_000_000

// ScaleRegister sets the number of registered voters of all districts so that they sum to n and keep their proportions.
// The largest remainders get the last voters. The error is an InputError if n is below 1 or above MostVoters, or if no district
// has voters.
func (d *Definition) ScaleRegister(n int64) error {
	if n < 1 {
		return &InputError{Text: fmt.Sprintf("%d voters cannot vote; write how many registered voters there are, at least 1", n)}
	}
	if n > MostVoters {
		return &InputError{Text: fmt.Sprintf("%d voters are too many; write how many registered voters there are, at most %d", n, MostVoters)}
	}
	districts := d.Districts()
	weights := make([]float64, len(districts))
	for i, x := range districts {
		weights[i] = float64(x.Registered)
	}
	shares := apportion(n, weights)
	if shares == nil {
		return &InputError{Text: fmt.Sprintf("%d voters cannot be spread over the districts of %q: none of them has registered voters", n, d.Name)}
	}
	for i, x := range districts {
		x.Registered = shares[i]
	}
	return nil
}

// RegisteredVoters is the number of voters on the register, 0 if it is not known.
func (d *Definition) RegisteredVoters() int64 {
	var n int64
	for i := range d.Regions {
		n += d.Regions[i].Registered()
	}
	return n
}

// agesOf are the numbers of registered voters of a district in each of AgeGroups, by the definition's shares. It is nil
// without an electorate.
func (d *Definition) agesOf(district *District) []int64 {
	if d.Electorate == nil {
		return nil
	}
	groups := AgeGroups()
	weights := make([]float64, len(groups))
	for i, group := range groups {
		weights[i] = d.Electorate.Ages[group]
	}
	return apportion(district.Registered, weights)
}

// genderShares are the shares of Genders in each age group of each district.
func genderShares() []float64 { return []float64{0.503, 0.493, 0.004} }

// VotersOf are the numbers of registered voters of a district in each of AgeGroups, and in it of each of Genders. They are 0
// without an electorate.
func (d *Definition) VotersOf(district *District) []int64 {
	voters := make([]int64, 0, len(AgeGroups())*len(Genders()))
	for _, n := range d.agesOf(district) {
		voters = append(voters, apportion(n, genderShares())...)
	}
	return voters[:cap(voters)]
}

// RegisteredByAge are the numbers of registered voters whose ballots state each of AgeGroups, and last of those whose ballots state
// none. It is nil without an electorate.
func (d *Definition) RegisteredByAge() []int64 {
	if d.Electorate == nil {
		return nil
	}
	disclosure, ages := NewDisclosure(d), append(AgeGroups(), "")
	sum := make([]int64, len(ages))
	for _, district := range d.Districts() {
		voters := d.VotersOf(district.District)
		for i, states := range disclosure.stated[district.ID] {
			sum[slices.Index(ages, states.age)] += voters[i]
		}
	}
	return sum
}

// apportion divides n, which is at most MostVoters, in proportion to the weights, by largest remainder. It returns nil if no
// weight is above 0. The rounding errors of the exact shares sum to less than n/2^51. So fewer voters are left over than
// there are weights.
func apportion(n int64, weights []float64) []int64 {
	var sum float64
	for _, w := range weights {
		sum += w
	}
	if !(sum > 0) {
		return nil
	}
	shares, left := make([]int64, len(weights)), n
	remainders, order := make([]float64, len(weights)), make([]int, len(weights))
	for i, w := range weights {
		exact := float64(n) * (w / sum)
		shares[i] = int64(math.Floor(exact))
		remainders[i], order[i] = exact-math.Floor(exact), i
		left -= shares[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainders[b], remainders[a]) })
	for _, i := range order[:left] { // fewer are left than there are weights above 0
		shares[i]++
	}
	return shares
}
