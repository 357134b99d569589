package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka/kafkatest"
)

// TestErrorsControlNoTerminal has a record whose error quotes what would clear the terminal.
func TestErrorsControlNoTerminal(t *testing.T) {
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	cluster := kafkatest.NewElection(t, d, 1)
	topic, partition := election.ProgressOf(election.VotersProducer)
	kafkatest.Produce(t, cluster, &kgo.Record{
		Topic: topic, Partition: partition, Key: []byte(election.VotersProducer), Value: []byte("{\"end_offsets\":{\"\\u001b[2J\\u0007ALL IS WELL\":1}}"),
	})
	var out, errs bytes.Buffer
	code := run([]string{"status", "--brokers", strings.Join(cluster.ListenAddrs(), ",")}, console{Out: &out, Err: &errs})
	if code == 0 || !strings.Contains(errs.String(), "ALL IS WELL") || strings.ContainsAny(errs.String()+out.String(), "\x1b\x07") {
		t.Errorf("exit code %d: %q %q", code, out.String(), errs.String())
	}
}
