package sparkjob

import (
	"regexp"
	"slices"
	"strconv"
	"testing"

	"realtime-election/election"
)

// TestBallotsSQLCutsTheDeclaredFields checks the positions in ballots.sql, which splits a line at its quotes.
func TestBallotsSQLCutsTheDeclaredFields(t *testing.T) {
	t.Parallel()
	var cut, declared []string
	for _, found := range regexp.MustCompile(`get\(field, (\d+)\) AS (\w+)`).FindAllStringSubmatch(ballotsSQL, -1) {
		cut = append(cut, found[1]+" "+found[2])
	}
	for i, field := range election.VoteFields {
		declared = append(declared, strconv.Itoa(4*i+3)+" "+field.Name)
	}
	if !slices.Equal(cut, declared) {
		t.Errorf("sparkjob/sql/ballots.sql cuts the fields %q, election.VoteFields declares %q", cut, declared)
	}
	if !regexp.MustCompile(`key = get\(field, 3\)`).MatchString(ballotsSQL) {
		t.Error("sparkjob/sql/ballots.sql does not compare the key with the ballot's id")
	}
}
