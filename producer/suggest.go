package producer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"realtime-election/election"
)

// option is something that an election has: a district or a candidate.
type option struct{ id, name string }

// unknownID is an error that names the options that may have been meant: all of them, if they are few.
func unknownID(what, given string, all []option) error {
	const few = 6
	near := all
	if len(all) > few {
		near = slices.Clone(all)
		distanceTo := func(x option) int { return min(distance(given, x.id), distance(given, x.name)) }
		near = slices.DeleteFunc(near, func(x option) bool { return distanceTo(x) > len([]rune(given))/3 })
		slices.SortStableFunc(near, func(a, b option) int { return cmp.Compare(distanceTo(a), distanceTo(b)) })
		near = near[:min(few, len(near))]
	}
	var names []string
	for _, x := range near {
		names = append(names, fmt.Sprintf("%s (%s)", x.id, x.name))
	}
	hint := ""
	if len(names) > 0 {
		hint = "; there is " + strings.Join(names, ", ")
	}
	return &election.Wrong{Setting: what, Text: fmt.Sprintf("is %q, and there is no such %s%s", given, what, hint)}
}

// distance is how many letters must be changed, left out or put in to turn one word into the other, whatever their
// case. It is 0 where b begins with a.
func distance(a, b string) int {
	from, to := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	if strings.HasPrefix(string(to), string(from)) {
		return 0
	}
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j := range to {
			change := diagonal
			if from[i] != to[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
