package audit

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"realtime-election/election"
)

// TestAuditReadsTheDeclaredFields compares the audit's query of the table votes with election.VoteFields.
func TestAuditReadsTheDeclaredFields(t *testing.T) {
	source, err := os.ReadFile("tables.go")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`"SELECT (ballot_id.*) FROM votes"`).FindSubmatch(source)
	if list == nil {
		t.Fatal("audit/tables.go has no query of the votes")
	}
	var declared []string
	for _, field := range election.VoteFields {
		declared = append(declared, field.Name)
	}
	if read := strings.Split(string(list[1]), ", "); !slices.Equal(read, declared) {
		t.Errorf("audit/tables.go reads %q, election.VoteFields declares %q", read, declared)
	}
}
