package inspect_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
)

func TestStoredMeansEveryPartitionOfBothTopics(t *testing.T) {
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	cluster := kafkatest.NewElection(t, d, 2)
	allStored := func(offsets map[string]map[string]int64) bool {
		t.Helper()
		if offsets != nil {
			kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.LedgerStatusTopic, election.LedgerKey, election.LedgerStatus{Stored: offsets}))
		}
		is, err := inspect.Stored(t.Context(), kafkatest.Cluster(t, cluster.ListenAddrs()))
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	if allStored(nil) {
		t.Error("without a status")
	}
	all := map[string]map[string]int64{election.VotesTopic: {"0": 0, "1": 0}, election.VotersTopic: {"0": 0, "1": 0}}
	if !allStored(all) {
		t.Error("not with empty topics")
	}
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotesTopic, Partition: 1})
	if allStored(nil) {
		t.Error("with a record that is not stored")
	}
	kafkatest.ProduceInTransaction(t, cluster, kgo.TryAbort, &kgo.Record{Topic: election.VotersTopic})
	all[election.VotesTopic]["1"] = 1
	if allStored(all) {
		t.Error("with a marker that is not passed")
	}
	all[election.VotersTopic]["0"] = 2
	if !allStored(all) {
		t.Error("not with all stored")
	}
	open := kafkatest.Begin(t, cluster, &kgo.Record{Topic: election.VotesTopic})
	if allStored(nil) {
		t.Error("with a record that is not decided")
	}
	if err := kafka.EndTransaction(t.Context(), open, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if all[election.VotesTopic]["0"] = 2; !allStored(all) {
		t.Error("not with what was decided later")
	}
	delete(all[election.VotersTopic], "1")
	if allStored(all) {
		t.Error("with a partition that the status does not name")
	}
}
