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

// TestResultsAreAsWrittenByHand compares each field of the results of a few records with what a person has written.
func TestResultsAreAsWrittenByHand(t *testing.T) {
	d := &election.Definition{
		Polling: election.Polling{Opens: time.Date(2025, 10, 29, 7, 0, 0, 0, time.UTC), Closes: time.Date(2025, 10, 29, 20, 0, 0, 0, time.UTC)},
		Candidates: []election.Candidate{
			{ID: "ana", Name: "Ana", Party: "Red", Photo: "/portraits/ana.svg"}, {ID: "bo", Name: "Bo", Party: "Blue"}, {ID: "nobody", Name: "Nobody", Party: "Grey"},
		},
		Regions: []election.Region{
			{ID: "north", Name: "The North", Districts: []election.District{{ID: "N1", Name: "Hill", Registered: 10}, {ID: "N2", Name: "Dale", Registered: 20}}},
			{ID: "south", Name: "The South", Districts: []election.District{{ID: "S1", Name: "Moor"}}},
			{ID: "empty", Name: "Empty", Districts: []election.District{{ID: "E1", Name: "Nowhere", Registered: 5}}},
		},
	}
	count := election.NewCount(d, 1)
	for i, line := range []string{
		`{"ballot_id":"00000000000000000000000000000001","candidate_id":"ana","district_id":"N1","age_group":"65+","gender":"female","voting_time":"2025-10-29T07:30:59.999Z"}`,
		`{"ballot_id":"00000000000000000000000000000002","candidate_id":"ana","district_id":"N2","age_group":"65+","gender":"female","voting_time":"2025-10-29T07:30:00.000Z"}`,
		`{"ballot_id":"00000000000000000000000000000003","candidate_id":"bo","district_id":"S1","age_group":"","gender":"","voting_time":"2025-10-29T07:31:00.000Z"}`,
		`{"ballot_id":"00000000000000000000000000000003","candidate_id":"bo","district_id":"S1","age_group":"","gender":"","voting_time":"2025-10-29T07:31:00.000Z"}`,
		`{"ballot_id":"00000000000000000000000000000003","candidate_id":"ana","district_id":"S1","age_group":"","gender":"","voting_time":"2025-10-29T07:31:00.000Z"}`,
		`{"ballot_id":"00000000000000000000000000000004","candidate_id":"bo","district_id":"S2","age_group":"","gender":"","voting_time":"2025-10-29T07:31:00.000Z"}`,
	} {
		at := time.Date(2025, 10, 29, 8, 0, i, 0, time.UTC)
		count.Add(election.VoteRecord{Offset: int64(i), Timestamp: at, Key: []byte(line[election.BallotIDStart:election.BallotIDEnd]), Value: []byte(line)})
	}
	first, second, third, sixth := "2025-10-29T08:00:00.000Z", "2025-10-29T08:00:01.000Z", "2025-10-29T08:00:02.000Z", "2025-10-29T08:00:05.000Z"
	p := func(s string) *string { return &s }
	reason, registered := string(election.UnknownDistrict), int64(30)
	want := map[string]map[string]election.Result{
		election.PerCandidateTopic: {
			"ana": {Run: 7, CandidateID: p("ana"), CandidateName: p("Ana"), PartyAffiliation: p("Red"), PhotoURL: p("/portraits/ana.svg"), TotalVotes: 2, NewestRecordAt: second},
			"bo":  {Run: 7, CandidateID: p("bo"), CandidateName: p("Bo"), PartyAffiliation: p("Blue"), PhotoURL: p(""), TotalVotes: 1, NewestRecordAt: third},
		},
		election.TurnoutByLocationTopic: {
			"north": {Run: 7, RegionID: p("north"), RegionName: p("The North"), RegisteredVoters: &registered, TotalVotes: 2, NewestRecordAt: second},
			"south": {Run: 7, RegionID: p("south"), RegionName: p("The South"), TotalVotes: 1, NewestRecordAt: third},
		},
		election.ByLocationTopic: {
			"north/ana": {Run: 7, RegionID: p("north"), CandidateID: p("ana"), TotalVotes: 2, NewestRecordAt: second},
			"south/bo":  {Run: 7, RegionID: p("south"), CandidateID: p("bo"), TotalVotes: 1, NewestRecordAt: third},
		},
		election.ByDistrictTopic: {
			"N1/ana": {Run: 7, DistrictID: p("N1"), CandidateID: p("ana"), TotalVotes: 1, NewestRecordAt: first},
			"N2/ana": {Run: 7, DistrictID: p("N2"), CandidateID: p("ana"), TotalVotes: 1, NewestRecordAt: second},
			"S1/bo":  {Run: 7, DistrictID: p("S1"), CandidateID: p("bo"), TotalVotes: 1, NewestRecordAt: third},
		},
		election.ByDemographicTopic: {
			"north/65+/female/ana": {Run: 7, RegionID: p("north"), AgeGroup: p("65+"), Gender: p("female"), CandidateID: p("ana"), TotalVotes: 2, NewestRecordAt: second},
			"south///bo":           {Run: 7, RegionID: p("south"), AgeGroup: p(""), Gender: p(""), CandidateID: p("bo"), TotalVotes: 1, NewestRecordAt: third},
		},
		election.PerSlotTopic: {
			"north/2025-10-29T07:30/ana": {Run: 7, RegionID: p("north"), Slot: p("2025-10-29T07:30"), CandidateID: p("ana"), TotalVotes: 2, NewestRecordAt: second},
			"south/2025-10-29T07:31/bo":  {Run: 7, RegionID: p("south"), Slot: p("2025-10-29T07:31"), CandidateID: p("bo"), TotalVotes: 1, NewestRecordAt: third},
		},
		election.PerReasonTopic: {"unknown_district": {Run: 7, Reason: &reason, TotalVotes: 1, NewestRecordAt: sixth}},
	}
	if diff := cmp.Diff(want, count.Results(7)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[election.Reason]int64{election.Duplicate: 1, election.Conflicting: 1, election.UnknownDistrict: 1}, count.Rejected()); diff != "" {
		t.Error(diff)
	}
}

// TestPartitionThatIsDoneIsForgotten adds a copy of a ballot after its partition is done, which only a test does.
func TestPartitionThatIsDoneIsForgotten(t *testing.T) {
	s := scenario.All(t)[0]
	count := election.NewCount(s.Definition, s.Partitions)
	vote := s.Votes[0]
	for _, want := range []election.Reason{"", election.Duplicate} {
		if got := count.Add(vote); got != want {
			t.Errorf("it is %q, want %q", got, want)
		}
	}
	count.PartitionDone(vote.Partition + 1)
	if got := count.Add(vote); got != election.Duplicate {
		t.Errorf("after another partition is done it is %q", got)
	}
	count.PartitionDone(vote.Partition)
	if got := count.Add(vote); got != "" {
		t.Errorf("the count still has its ballot: it is %q", got)
	}
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
