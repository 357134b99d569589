package scenario_test

import (
	"testing"

	"realtime-election/election"
	"realtime-election/internal/scenario"
)

// FuzzReferenceCount compares the reference count with what the maker of the records knows of them.
func FuzzReferenceCount(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		s := scenario.NewRandom(seed, 300)
		if problems := s.Definition.Check(); len(problems) > 0 {
			t.Fatalf("seed %d: the definition is wrong: %v", seed, problems)
		}
		count := s.NewCount()
		want, votes := make(map[election.Reason]int64), int64(0)
		for _, rec := range s.Committed(len(s.Rounds)) {
			if got := count.Add(rec.VoteRecord); got != rec.Reason {
				t.Errorf("seed %d: %.300q is %q, want %q", seed, rec.Value, got, rec.Reason)
			}
			if rec.Reason == "" {
				votes++
			} else {
				want[rec.Reason]++
			}
		}
		if count.Votes() != votes {
			t.Errorf("seed %d: %d votes are counted, want %d", seed, count.Votes(), votes)
		}
		for _, reason := range election.Reasons() {
			if got := count.Rejected()[reason]; got != want[reason] {
				t.Errorf("seed %d: %d are %s, want %d", seed, got, reason, want[reason])
			}
		}
		for topic, results := range count.Results(1) { // each vote counts in each topic once
			var sum int64
			for _, r := range results {
				sum += r.TotalVotes
			}
			if topic != election.PerReasonTopic && sum != votes {
				t.Errorf("seed %d: %s adds up to %d of %d votes", seed, topic, sum, votes)
			}
		}
	})
}

// TestRandomScenariosHoldEverything checks that the scenarios of a few seeds have every reason, and every end of a transaction.
func TestRandomScenariosHoldEverything(t *testing.T) {
	seen := make(map[string]int)
	for seed := range uint64(8) {
		s := scenario.NewRandom(seed, 500)
		open := make(map[int]bool)
		sent := 0
		for _, round := range s.Rounds {
			for _, a := range round {
				switch {
				case a.End == scenario.Commit:
					seen["committed"]++
				case a.End == scenario.Abort:
					seen["aborted"]++
				default:
					sent++
				}
				if a.Producer == 0 && a.End != scenario.None {
					t.Errorf("seed %d: a transaction of no producer ends", seed)
				}
				if a.End != scenario.None && !open[a.Producer] {
					t.Errorf("seed %d: a transaction ends that did not begin", seed)
				}
				open[a.Producer] = a.Producer != 0 && a.End == scenario.None
				overlap := 0
				for _, is := range open {
					if is {
						overlap++
					}
				}
				if overlap > 1 {
					seen["overlap"]++
				}
			}
			for producer, is := range open {
				if is {
					t.Errorf("seed %d: the transaction of producer %d is open at the end", seed, producer)
				}
			}
		}
		committed := s.Committed(len(s.Rounds))
		if len(committed) >= sent || len(committed) < sent/2 {
			t.Errorf("seed %d: %d of %d records are committed", seed, len(committed), sent)
		}
		for _, rec := range committed {
			seen["reason "+string(rec.Reason)]++
		}
		if again := scenario.NewRandom(seed, 500).Committed(2); len(again) != len(committed) || string(again[len(again)-1].Value) != string(committed[len(again)-1].Value) {
			t.Errorf("seed %d gives another scenario the second time", seed)
		}
	}
	for _, reason := range append(election.Reasons(), "") {
		if n := seen["reason "+string(reason)]; n < 10 {
			t.Errorf("%d records are %q", n, reason)
		}
	}
	for _, what := range []string{"committed", "aborted", "overlap"} {
		if seen[what] < 50 {
			t.Errorf("%s: %d times", what, seen[what])
		}
	}
}
