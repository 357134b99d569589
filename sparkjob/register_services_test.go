//go:build services

package sparkjob_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/sparkjob"
)

// TestSparkCountsNoBallotOfNobody starts submit while the register is open, closes the register, and casts ballots of which
// only some are on it: copies in another cell come before and after the ballot, in the same micro-batch and in another.
func TestSparkCountsNoBallotOfNobody(t *testing.T) {
	const partitions, voters = 2, 3000
	opens := time.Date(2025, 10, 29, 7, 0, 0, 0, time.UTC)
	d := &election.Definition{
		ID: "small", Name: "Small", Polling: election.Polling{Opens: opens, Closes: opens.Add(time.Hour)},
		Electorate: &election.Electorate{Ages: map[string]float64{"65+": 1}, Turnout: election.Turnout{Overall: 1}},
		Candidates: []election.Candidate{{ID: "ana", Name: "Ana", Party: "Red"}, {ID: "bo", Name: "Bo", Party: "Blue"}},
		Regions:    []election.Region{{ID: "r", Name: "Region", Districts: []election.District{{ID: "d", Name: "District", Registered: voters}}}},
	}
	record := func(n int, age, candidate string) election.VoteRecord {
		id := fmt.Appendf(nil, "%032x", n)
		return election.VoteRecord{
			Partition: election.Partition(id, partitions), Key: id,
			Value: election.AppendVote(nil, election.Vote{
				BallotID: id, CandidateID: []byte(candidate), DistrictID: []byte("d"), AgeGroup: []byte(age), Gender: []byte("other"),
				VotingTime: election.AppendTime(nil, opens),
			}),
		}
	}
	c := newElection(t, d, partitions)
	ended := submit(t, c)
	eventually(t, "submit waits for the register", func() bool {
		var status election.QueryStatus
		found, err := c.Kafka.LatestJSON(t.Context(), election.QueryStatusTopic, election.QueryKey, &status)
		return err == nil && found && status.State == "waiting"
	})
	var commitments []election.Commitment
	for n := range voters {
		vote, _ := election.ParseVote(record(n, "65+", "ana").Value)
		commitments = append(commitments, election.CommitTo(d.Fingerprint(), vote))
	}
	register := election.NewCommitments(d.Fingerprint(), commitments)
	kafkatest.PublishCommitments(t, c.Kafka, register)

	var first, second []election.VoteRecord
	for n := range 100 {
		first = append(first, record(n, "18-24", "bo"), record(n, "65+", "ana"), record(n, "18-24", "bo"), record(voters+n, "65+", "bo"))
		second = append(second, record(n, "65+", "bo"), record(n, "65+", "ana"), record(voters+n, "65+", "bo"), record(n, "25-34", "bo"),
			record(100+n, "65+", "bo"))
	}
	for _, batch := range [][]election.VoteRecord{first, second} {
		produce(t, c, batch)
		awaitCounted(t, c, ended)
		count := election.NewCount(d, partitions)
		count.SetRegister(register)
		for partition := range int32(partitions) {
			if err := c.Kafka.Read(t.Context(), election.VotesTopic, partition, func(r *kgo.Record) error {
				count.Add(election.VoteRecord{Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value})
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(count.Results(1), published(t, c, 1)); diff != "" {
			t.Fatal("the reference count and Spark differ:", diff)
		}
	}
	got := published(t, c, 1)
	if ana, bo := got[election.PerCandidateTopic]["ana"].TotalVotes, got[election.PerCandidateTopic]["bo"].TotalVotes; ana != 100 || bo != 100 {
		t.Errorf("ana has %d votes and bo %d, want 100 each", ana, bo)
	}
	if n := got[election.PerReasonTopic][string(election.Unregistered)].TotalVotes; n != 300 {
		t.Errorf("%d ballots are of nobody, want 300", n)
	}
	// An exchange or a sort of the whole register in each micro-batch would cost more than the count. One sort is that of the cache.
	plan, err := sparkjob.PlanOfACount(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(plan, "\n")
	scan := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, "Scan In-memory table register ") })
	if scan < 1 || !strings.Contains(lines[scan-1], "Filter isnotnull(commitment") || !strings.Contains(plan, "SortMergeJoin") ||
		strings.Count(plan, "Sort [commitment") != 1 {
		t.Errorf("the register is read otherwise than as it is cached:\n%s", plan)
	}
}
