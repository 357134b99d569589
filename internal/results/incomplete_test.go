package results_test

import (
	"testing"
	"time"

	"realtime-election/election"
	"realtime-election/internal/results"
)

func TestTotalThatNamesTooLittleIsSkipped(t *testing.T) {
	for name, r := range map[string]record{
		"a location without a candidate": result(election.ByLocationTopic, election.Result{Run: 1, RegionID: ptr("north"), TotalVotes: 1}, "north", "ann"),
		"a district without a candidate": result(election.ByDistrictTopic, election.Result{Run: 1, DistrictID: ptr("n1"), TotalVotes: 1}, "n1", "ann"),
		"run 0":                          perCandidate(0, "ann", 1),
	} {
		if effect := r.applyTo(fold(t, definition(), official(1))); effect != results.Skipped {
			t.Errorf("%s: the effect is %d", name, effect)
		}
	}
}

func TestGreaterTotalWinsOverANewerOne(t *testing.T) {
	greater := perCandidate(1, "ann", 8)
	newer := result(election.PerCandidateTopic, election.Result{Run: 1, CandidateID: ptr("ann"), TotalVotes: 7, NewestRecordAt: "2026-03-18T12:00:01.000Z"}, "ann")
	for _, order := range [][2]record{{greater, newer}, {newer, greater}} {
		f := fold(t, definition(), official(1), order[0], order[1])
		if votes := f.Snapshot().Candidates[0].Votes; votes != 8 {
			t.Errorf("ann has %d votes", votes)
		}
	}
}

func TestUpdatedIsTheNewestTimestampOfARecord(t *testing.T) {
	f := fold(t, definition(), official(1), perCandidate(1, "ann", 8))
	late := perCandidate(1, "ann", 9)
	f.Apply(late.topic, []byte(late.key), late.value, noon.Add(-time.Hour))
	if updated := f.Snapshot().UpdatedAt; !updated.Equal(noon) {
		t.Errorf("after an older record it is %s", updated)
	}
}
