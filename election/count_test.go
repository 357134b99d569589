package election_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"realtime-election/election"
	"realtime-election/internal/scenario"
)

func TestReferenceCountOfScenarios(t *testing.T) {
	for _, s := range scenario.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			count := election.NewCount(s.Definition, s.Partitions)
			for _, vote := range s.Votes {
				count.Add(vote)
			}
			got := make(map[string]map[string]int64)
			for topic, results := range count.Results(1) {
				got[topic] = make(map[string]int64)
				for natural, r := range results {
					got[topic][natural] = r.TotalVotes
				}
			}
			if diff := cmp.Diff(s.Totals, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCopiesAreToldApart(t *testing.T) {
	s := scenario.All(t)
	for _, s := range s {
		if s.Name != "duplicates" {
			continue
		}
		count := election.NewCount(s.Definition, s.Partitions)
		for _, vote := range s.Votes {
			count.Add(vote)
		}
		want := map[election.Reason]int64{
			election.Duplicate: 1, election.Conflicting: 3, election.UnknownCandidate: 1, election.OutsidePollingHours: 1,
		}
		if diff := cmp.Diff(want, count.Rejected()); diff != "" {
			t.Error(diff)
		}
		return
	}
	t.Error("there is no scenario of duplicates")
}

func TestNewestRecordIsTheNewestCounted(t *testing.T) {
	s := scenario.All(t)[0]
	count := election.NewCount(s.Definition, s.Partitions)
	vote := s.Votes[0]
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	vote.Timestamp = at
	count.Add(vote)
	vote.Timestamp = at.Add(time.Hour) // a duplicate: it does not count, and is not the newest
	count.Add(vote)
	for natural, r := range count.Results(1)[election.PerCandidateTopic] {
		if r.NewestRecordAt != "2026-01-02T03:04:05.006Z" {
			t.Errorf("%s: newest at %s", natural, r.NewestRecordAt)
		}
	}
}
