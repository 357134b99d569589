package results_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"realtime-election/election"
	"realtime-election/internal/results"
)

// listed is a snapshot with 3 votes for Ann in n1, and 2 for Cas in s1.
func listed(t *testing.T, source *election.Source) *results.Snapshot {
	t.Helper()
	d := changed(t, func(d *election.Definition) {
		d.Source = source
		d.Regions[0].Districts[0].Name = `Moor, "Old"`
	})
	in := func(district, candidate string, votes int64) record {
		r := election.Result{Run: 1, DistrictID: &district, CandidateID: &candidate, TotalVotes: votes}
		return result(election.ByDistrictTopic, r, district, candidate)
	}
	return fold(t, d, officialOf(d, 1), in("n1", "ann", 3), in("s1", "cas", 2), perCandidate(1, "ann", 3), perCandidate(1, "cas", 2)).Snapshot()
}

func csvOf(t *testing.T, l results.Listing) string {
	t.Helper()
	var text strings.Builder
	if err := l.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestListingHasLinesWithoutAVote(t *testing.T) {
	s := listed(t, nil)
	if diff := cmp.Diff("candidate,party,votes\nAnn,,3\nBen,,0\nCas,,2\n", csvOf(t, s.List(results.ByCandidate))); diff != "" {
		t.Error(diff)
	}
	if got := s.List(results.ByRegion); len(got.Rows) != 2*3 || !cmp.Equal(got.Rows[5], []string{"South", "Cas", "", "0"}) {
		t.Errorf("by region it is %v", got.Rows)
	}
	got := s.List(results.ByDistrict)
	if len(got.Rows) != 3*3 || !cmp.Equal(got.Rows[0], []string{"North", "n1", `Moor, "Old"`, "Ann", "", "3"}) {
		t.Errorf("by district it is %v", got.Rows)
	}
}

// TestListingByDistrictIsTheReplayedFile checks that the lines of the file come first, in its order and with its line ends.
func TestListingByDistrictIsTheReplayedFile(t *testing.T) {
	s := listed(t, &election.Source{Votes: 3, Lines: [][2]int{{0, 1}, {0, 0}}, CRLF: true})
	want := "region,district_id,district,candidate,party,votes\r\n" +
		"North,n1,\"Moor, \"\"Old\"\"\",Ben,,0\r\n" +
		"North,n1,\"Moor, \"\"Old\"\"\",Ann,,3\r\n" +
		"South,s1,,Cas,,2\r\n"
	if diff := cmp.Diff(want, csvOf(t, s.List(results.ByDistrict))); diff != "" {
		t.Error(diff)
	}
}

func TestObjectsHaveVotesAsNumbers(t *testing.T) {
	text, err := json.Marshal(listed(t, nil).List(results.ByCandidate).Objects()[0])
	if want := `{"candidate":"Ann","party":"","votes":3}`; err != nil || string(text) != want {
		t.Errorf("as JSON it is %s (%v), want %s", text, err, want)
	}
}
