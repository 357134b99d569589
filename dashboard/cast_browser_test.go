//go:build browser

package dashboard_test

import (
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"realtime-election/election"
	"realtime-election/internal/results/resultstest"
)

// votesCast is how many votes announce casts, more than any test counts.
const votesCast = 1 << 30

// announce announces an election whose votes are cast and counted.
func announce(t *testing.T, cluster *kfake.Cluster, d election.Definition) {
	t.Helper()
	castVotes(t, cluster)
	produce(t, cluster, resultstest.Definition(d), resultstest.Official(d, 1),
		resultstest.Status(election.QueryStatus{Run: 1, State: "running", UpdatedAt: time.Now(), Counted: map[string]int64{"0": votesCast}}))
}

// castVotes writes a batch that says that it has so many records, and has none. Nobody reads it.
func castVotes(t *testing.T, cluster *kfake.Cluster) {
	t.Helper()
	batch := (&kmsg.RecordBatch{Magic: 2, LastOffsetDelta: votesCast - 1, NumRecords: votesCast, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1}).AppendTo(nil)
	binary.BigEndian.PutUint32(batch[8:], uint32(len(batch)-12))
	binary.BigEndian.PutUint32(batch[17:], crc32.Checksum(batch[21:], crc32.MakeTable(crc32.Castagnoli)))
	cl, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.MaxVersions(kversion.V3_0_0()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	request := kmsg.NewPtrProduceRequest()
	request.Acks = -1
	request.Topics = []kmsg.ProduceRequestTopic{{Topic: election.VotesTopic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: batch}}}}
	response, err := request.RequestWith(t.Context(), cl)
	if err == nil {
		err = kerr.ErrorForCode(response.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}
