package results

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"realtime-election/election"
)

// TestUnknownAggregationIsInTotals folds an aggregation that is not declared, and for which a snapshot has no field.
func TestUnknownAggregationIsInTotals(t *testing.T) {
	const topic = "aggregated_votes_by_gender_and_candidate"
	a := election.Aggregation{Topic: topic, Key: []election.Field{election.GenderField, election.CandidateField}}
	fold := Fold{official: election.OfficialRun{Run: 1}, installation: &election.Installation{Definition: election.Definition{
		ID: "lakes", Candidates: []election.Candidate{{ID: "ann"}, {ID: "ben"}},
	}}}
	apply := func(key, gender, candidate string, votes int64) Effect {
		t.Helper()
		value, err := json.Marshal(election.Result{
			Run: 1, Gender: &gender, CandidateID: &candidate, TotalVotes: votes,
			NewestRecordAt: string(election.AppendTime(nil, time.UnixMilli(votes))),
		})
		if err != nil {
			t.Fatal(err)
		}
		return fold.applyTotal(a, key, value)
	}
	for _, step := range []struct {
		key, gender, candidate string
		votes                  int64
		want                   Effect
	}{
		{"1/female/ann", "female", "ann", 3, Changed},
		{"1/female/ann", "female", "ann", 2, Nothing},
		{"1//ben", "", "ben", 4, Changed},
		{"1/male/zed", "male", "zed", 9, Changed}, // not in the definition
		{"1/male/ben", "male", "ben", 7, Changed},
		{"1/male/ann", "female", "ann", 3, Skipped},
		{"1/male", "male", "", 3, Skipped},
	} {
		if got := apply(step.key, step.gender, step.candidate, step.votes); got != step.want {
			t.Errorf("%s with %d votes: the effect is %d, want %d", step.key, step.votes, got, step.want)
		}
	}
	if got := fold.applyTotal(a, "1/male/ben", nil); got != Switched {
		t.Errorf("a tombstone: the effect is %d, want %d", got, Switched)
	}
	s := fold.Snapshot()
	if diff := cmp.Diff(map[string]Totals{topic: {"female/ann": 3, "/ben": 4}}, s.Totals); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := []int64{s.Total(topic, "female", "ann"), s.Total(topic, "", "ben"), s.Total(topic, "male", "ben"), s.Total("weather", "x")}; !cmp.Equal(got, []int64{3, 4, 0, 0}) {
		t.Errorf("the totals are %v", got)
	}
}
