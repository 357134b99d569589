package election

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// MostVoters is how many voters may be registered in all, and how many votes a result file may hold: a hundred times
// mankind. Up to here, and far beyond, no sum of voters or votes overflows, floating-point numbers hold each whole number
// exactly, and the shares of a register sum to it.
const MostVoters int64 = 1_000_000_000_000

// ScaleRegister sets the number of registered voters of all districts so that they sum to n and keep their proportions.
// The largest remainders get the last voters. It is an InputError where n is below 1 or above MostVoters, or no district
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

// RegisteredVoters is the number of voters on the register, 0 where it is not known.
func (d *Definition) RegisteredVoters() int64 {
	var n int64
	for i := range d.Regions {
		n += d.Regions[i].Registered()
	}
	return n
}

// AgesOf is how many of the registered voters of a district are of each of AgeGroups, by the definition's shares. It is
// nil without an electorate.
func (d *Definition) AgesOf(district *District) []int64 {
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

// RegisteredByAge is how many registered voters are of each of AgeGroups in the whole election; nil without an
// electorate.
func (d *Definition) RegisteredByAge() []int64 {
	if d.Electorate == nil {
		return nil
	}
	sum := make([]int64, len(AgeGroups()))
	for _, district := range d.Districts() {
		for i, n := range d.AgesOf(district.District) {
			sum[i] += n
		}
	}
	return sum
}

// apportion spreads n, at most MostVoters, over the weights in proportion, by largest remainder; nil where no weight is
// above 0. The errors of the exact shares sum to less than n/2^51, so the whole shares sum to n, and with one more for
// each weight to more than n.
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
	for _, i := range order[:left] { // fewer are left than weights that are not 0
		shares[i]++
	}
	return shares
}
