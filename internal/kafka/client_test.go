package kafka_test

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/internal/kafka/kafkatest"
)

// TestClientCompressesNothing checks the batches that the broker receives, since it would have to unpack them.
func TestClientCompressesNothing(t *testing.T) {
	t.Parallel()
	cluster := newTopic(t, 1, nil)
	var codecs []int16
	cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		for _, topic := range request.(*kmsg.ProduceRequest).Topics {
			for _, partition := range topic.Partitions {
				var batch kmsg.RecordBatch
				if err := batch.ReadFrom(partition.Records); err != nil {
					t.Error(err)
				}
				codecs = append(codecs, batch.Attributes&7)
			}
		}
		return nil, nil, false
	})
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: topic, Value: bytes.Repeat([]byte("again and "), 10_000)})
	for _, codec := range codecs {
		if codec != 0 {
			t.Errorf("a batch is compressed, by codec %d", codec)
		}
	}
	if len(codecs) == 0 {
		t.Error("the broker was not asked")
	}
}
