//go:build services

package sparkjob_test

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/scenario"
	"realtime-election/sparkjob"
)

// TestSparkGivesTheReasonOfHostileRecords asks Spark for the reason of each record, and then has the streaming query count them.
func TestSparkGivesTheReasonOfHostileRecords(t *testing.T) {
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	d.Electorate = nil // without a register
	const partitions = 3
	c := newElection(t, d, partitions)
	planted := scenario.Hostiles(d, partitions, 5)
	var records []*kgo.Record
	for _, h := range planted {
		records = append(records, &kgo.Record{Topic: election.VotesTopic, Partition: h.Partition, Key: h.Key, Value: h.Value})
	}
	cl, err := c.Kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	installation, err := c.Kafka.Election(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := sparkjob.Rejected(t.Context(), c, installation)
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range planted {
		want := h.Reason
		if want == election.Duplicate || want == election.Conflicting {
			want = "" // Spark judges each record by itself here
		}
		if got := reasons[fmt.Sprint(records[i].Partition, ":", records[i].Offset)]; got != want {
			t.Errorf("%s is %q, want %q: %.200q", h.Kind, got, want, h.Value)
		}
	}
	awaitCounted(t, c, submit(t, c))
	wantExact(t, c, d, partitions, 1)
}
