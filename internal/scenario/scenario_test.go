package scenario

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"realtime-election/election"
)

func readScenario(t *testing.T, change func(*txtar.Archive)) (Scenario, error) {
	t.Helper()
	text, err := files.ReadFile("testdata/counting.txtar")
	if err != nil {
		t.Fatal(err)
	}
	archive := txtar.Parse(text)
	change(archive)
	return parse(t.TempDir(), archive)
}

// TestTotalsLeftOutAddUpThoseWritten leaves out the topics whose totals follow from finer ones.
func TestTotalsLeftOutAddUpThoseWritten(t *testing.T) {
	whole, err := readScenario(t, func(*txtar.Archive) {})
	if err != nil {
		t.Fatal(err)
	}
	coarse := []string{election.PerCandidateTopic, election.TurnoutByLocationTopic, election.ByLocationTopic}
	short, err := readScenario(t, func(archive *txtar.Archive) {
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return slices.Contains(coarse, f.Name) })
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole.Totals, short.Totals); diff != "" {
		t.Errorf("(-written +added up):\n%s", diff)
	}
}

func TestTotalsThatNoAggregationHasAreRefused(t *testing.T) {
	for name, file := range map[string]txtar.File{
		"another topic":       {Name: "aggregated_weather", Data: []byte("north 1\n")},
		"a field too few":     {Name: election.ByLocationTopic, Data: []byte("north 1\n")},
		"no such slot":        {Name: election.PerSlotTopic, Data: []byte("north/7:30/ana 1\n")},
		"a key without total": {Name: election.PerCandidateTopic, Data: []byte("ana\n")},
	} {
		if _, err := readScenario(t, func(archive *txtar.Archive) { archive.Files = append(archive.Files, file) }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestMalformedVotesNameTheDeclaredFields notices that the file lacks a new field of the vote. All of its votes would be malformed
// for that reason alone, and test nothing.
func TestMalformedVotesNameTheDeclaredFields(t *testing.T) {
	text, err := files.ReadFile("testdata/malformed.txtar")
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	for _, field := range election.VoteFields {
		counts[field.Name] = strings.Count(string(text), field.Name)
		if few := counts["ballot_id"] * 9 / 10; counts[field.Name] < few {
			t.Errorf("internal/scenario/testdata/malformed.txtar names %s %d times, and the ballot's id %d times", field.Name, counts[field.Name], counts["ballot_id"])
		}
	}
}
