package kafka_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
)

// TestTransactionsOfANewTopicAreWhole lets clients send two transactions to each of many topics that they do not know.
func TestTransactionsOfANewTopicAreWhole(t *testing.T) {
	t.Parallel()
	topics := make([]string, 100)
	for i := range topics {
		topics[i] = fmt.Sprintf("topic_%d", i)
	}
	cluster := kafkatest.NewCluster(t, kfake.SeedTopics(1, topics...))
	var all sync.WaitGroup
	for client := range 8 {
		all.Go(func() {
			cl := kafkatest.NewClient(t, cluster, kgo.TransactionalID(fmt.Sprint(client)), kgo.ProducerLinger(0))
			for i := range 2 * len(topics) {
				if err := cl.BeginTransaction(); err != nil {
					t.Error(err)
				}
				if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topics[i/2]}).FirstErr(); err != nil {
					t.Errorf("transaction %d: %v", i, err)
				}
				if err := kafka.EndTransaction(t.Context(), cl, kgo.TryCommit); err != nil {
					t.Errorf("end transaction %d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
	for _, topic := range topics {
		if n := len(kafkatest.Read(t, cluster, topic, 0)); n != 2*8 {
			t.Errorf("%s: %d records are committed", topic, n)
		}
	}
}
