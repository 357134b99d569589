package election

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
)

// TestEachProducerHasAPartitionOfProgressToItself guards a reader of progress: an open transaction of another producer in the
// same partition would hide it.
func TestEachProducerHasAPartitionOfProgressToItself(t *testing.T) {
	const votePartitions = 5
	producers := []string{VotersProducer, ReplayProducer, CastProducer, CommitmentsProducer}
	for partition := range int32(votePartitions) {
		producers = append(producers, VotesProducer(partition))
	}
	free := make(map[string]map[int32]bool) // partitions of the topics of progress
	for _, topic := range Topics(votePartitions) {
		if slices.Contains(ProgressTopics(), topic.Name) {
			free[topic.Name] = make(map[int32]bool)
			for partition := range topic.Partitions {
				free[topic.Name][partition] = true
			}
		}
	}
	for _, producer := range producers {
		topic, partition := ProgressOf(producer)
		if !free[topic][partition] {
			t.Errorf("%s has partition %d of %s, which is another producer's, or does not exist", producer, partition, topic)
		}
		delete(free[topic], partition)
	}
	for topic, left := range free {
		if len(left) > 0 {
			t.Errorf("%s has partitions %v of nobody", topic, left)
		}
	}
}

// TestTopicsKeepAndBoundWhatTheyHold checks the settings without which votes would be lost, or a sender could fill the memory
// of the readers.
func TestTopicsKeepAndBoundWhatTheyHold(t *testing.T) {
	logs := map[string]bool{VotesTopic: true, VotersTopic: true, BallotCommitmentsTopic: true, RejectedVotesTopic: true}
	names := make(map[string]bool)
	for _, topic := range Topics(7) {
		names[topic.Name] = true
		for setting, value := range map[string]string{
			// The broker unpacks a batch that it may not store compressed, and refuses it if it is too large.
			"compression.type": "uncompressed",
			// Spark cannot read every time that a sender may write, and a sender's times could make a segment of each record.
			"message.timestamp.type": "LogAppendTime",
		} {
			if got := topic.Settings[setting]; got != value {
				t.Errorf("%s: %s is %q, want %q", topic.Name, setting, got, value)
			}
		}
		want := map[string]string{"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "compact", "max.message.bytes": strconv.Itoa(8 << 20)}
		if logs[topic.Name] {
			want["cleanup.policy"], want["max.message.bytes"] = "delete", strconv.Itoa(1<<20+12) // Kafka's default: 1 MiB and 12 bytes
		}
		if topic.Name == RoundTripTopic { // its records are worth nothing
			want = map[string]string{"retention.ms": "60000", "cleanup.policy": "delete", "max.message.bytes": strconv.Itoa(1<<20 + 12)}
		}
		for setting, value := range want {
			if got := topic.Settings[setting]; got != value {
				t.Errorf("%s: %s is %q, want %q", topic.Name, setting, got, value)
			}
		}
	}
	if len(names) != 14+len(ResultTopics()) {
		t.Errorf("there are topics %v", names)
	}
	for _, name := range ResultTopics() {
		if !names[name] {
			t.Errorf("%s is not made", name)
		}
	}
}

func TestVotesAndVotersHaveTheSamePartitions(t *testing.T) {
	partitions := make(map[string]int32)
	for _, topic := range Topics(7) {
		partitions[topic.Name] = topic.Partitions
	}
	if partitions[VotesTopic] != 7 || partitions[VotersTopic] != 7 {
		t.Errorf("partitions: %v", partitions)
	}
	for _, name := range append(ResultTopics(), ElectionTopic, RunsTopic, QueryControlTopic, QueryStatusTopic, LedgerStatusTopic, RejectedVotesTopic) { // read as one
		if partitions[name] != 1 {
			t.Errorf("%s has %d partitions", name, partitions[name])
		}
	}
}

func TestKeyOfAResultIsCutWhereItWasJoined(t *testing.T) {
	for _, natural := range [][]string{{"ana"}, {"north", "", "", "ana"}, {"north", "2025-10-29T07:30", "ana"}, {""}} {
		for _, run := range []int{0, 1, 12, 1 << 40} {
			key := ResultKey(run, natural...)
			gotRun, gotNatural, ok := CutRun(key)
			if !ok || gotRun != run || ResultKey(gotRun, gotNatural) != key {
				t.Errorf("%s is cut into %d and %s (%t)", key, gotRun, gotNatural, ok)
			}
		}
	}
	for _, key := range []string{"", "ana", "/ana", "x/ana", "1", "1.5/ana", "99999999999999999999/ana"} {
		if run, natural, ok := CutRun(key); ok {
			t.Errorf("%q is cut into %d and %s", key, run, natural)
		}
	}
}

// FuzzCutRun checks that joining makes the same key again, except that a number may be written in another way.
func FuzzCutRun(f *testing.F) {
	f.Add("1/north/ana")
	f.Add("01/x")
	f.Add("-1/")
	f.Add("1")
	f.Fuzz(func(t *testing.T, key string) {
		run, natural, ok := CutRun(key)
		if !ok {
			return
		}
		again, rest, ok := CutRun(ResultKey(run, natural))
		if !ok || again != run || rest != natural {
			t.Errorf("%q is cut into %d and %q, which is cut into %d and %q", key, run, natural, again, rest)
		}
	})
}

func TestBehindAddsUpEachPartition(t *testing.T) {
	for name, c := range map[string]struct {
		ends map[int32]int64
		read map[string]int64
		want int64
	}{
		"all":                    {map[int32]int64{0: 3, 1: 4}, map[string]int64{"0": 3, "1": 4}, 0},
		"a part":                 {map[int32]int64{0: 3, 1: 4}, map[string]int64{"0": 1, "1": 3}, 3},
		"nothing":                {map[int32]int64{0: 3, 1: 4}, nil, 7},
		"one not":                {map[int32]int64{0: 3, 1: 4}, map[string]int64{"0": 3}, 4},
		"further than was asked": {map[int32]int64{0: 3, 1: 4}, map[string]int64{"0": 9, "1": 3}, 1},
		"of no partition":        {nil, map[string]int64{"0": 9}, 0},
	} {
		if got := Behind(c.ends, c.read); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestVotersOfADistrictAreInOnePartition(t *testing.T) {
	seen := make(map[int32]int)
	for i := range 1000 {
		district := DistrictID(fmt.Sprint("d", i))
		partition := VoterPartition(district, 4)
		if partition < 0 || partition > 3 || partition != VoterPartition(district, 4) {
			t.Fatalf("%s is in partition %d of 4", district, partition)
		}
		seen[partition]++
	}
	for partition := range int32(4) {
		if seen[partition] < 200 {
			t.Errorf("partition %d has %d of 1000 districts", partition, seen[partition])
		}
	}
}
