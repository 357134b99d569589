package ledger

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"realtime-election/election"
)

// TestVotesAreStoredByTheirDeclaredFields names each list that a field of the vote must be added to.
func TestVotesAreStoredByTheirDeclaredFields(t *testing.T) {
	t.Parallel()
	migration, err := os.ReadFile("../internal/postgres/migrations/002_ledger.sql")
	if err != nil {
		t.Fatal(err)
	}
	var all, besidesID []string
	for _, field := range election.VoteFields {
		all = append(all, field.Name)
		if field.Name != "ballot_id" {
			besidesID = append(besidesID, field.Name)
		}
	}
	stored := tables[election.VotesTopic]
	for where, c := range map[string]struct {
		text, list string // list matches the names in the text
		fields     []string
	}{
		"the columns of tables[election.VotesTopic], ledger/tables.go":      {strings.Join(stored.columns, ",\n"), `(?s)^place,(.*)$`, all},
		"the columns of staged_votes, ledger/sql/stage.sql":                 {stageSQL, `(?s)TABLE staged_votes \(\n +place [^\n]*\n(.*?)\n\)`, all},
		"the columns of votes, internal/postgres/migrations/002_ledger.sql": {string(migration), `(?s)TABLE votes \(\n(.*?)\n\)`, all},
		"INSERT INTO votes, ledger/sql/add_votes.sql":                       {addVotesSQL, `INTO votes \((.*?)\)`, all},
		"SELECT, ledger/sql/add_votes.sql":                                  {addVotesSQL, `SELECT DISTINCT ON \(ballot_id\) (.*)`, all},
		"the staged row, ledger/sql/copies_of_votes.sql":                    {copiesOfVotesSQL, `\((s\.voting_time.*?)\)`, besidesID},
		"the stored row, ledger/sql/copies_of_votes.sql":                    {copiesOfVotesSQL, `= \((v\..*?)\)`, besidesID},
	} {
		found := regexp.MustCompile(c.list).FindStringSubmatch(c.text)
		if found == nil {
			t.Errorf("%s: no list of fields is there", where)
			continue
		}
		var names []string
		list := regexp.MustCompile(`--.*`).ReplaceAllString(found[1], "")
		for member := range strings.SplitSeq(list, ",") {
			name := strings.Fields(member)[0]
			names = append(names, strings.TrimPrefix(strings.TrimPrefix(name, "s."), "v."))
		}
		slices.Sort(names)
		if want := slices.Sorted(slices.Values(c.fields)); !slices.Equal(names, want) {
			t.Errorf("%s: the fields are %s, those of election.VoteFields %s", where, names, want)
		}
	}
}
