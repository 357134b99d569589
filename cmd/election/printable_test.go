package main

import (
	"bytes"
	"strings"
	"testing"

	"realtime-election/internal/definition"
	"realtime-election/internal/kafka/kafkatest"
)

// TestErrorsControlNoTerminal has a definition whose error quotes what would clear the terminal.
func TestErrorsControlNoTerminal(t *testing.T) {
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	d.Regions[0].Districts[0].ID, d.Regions[0].Districts[0].Registered = "\x1b[2J\x07ALL IS WELL", -1
	cluster := kafkatest.NewElection(t, d, 1)
	var out, errs bytes.Buffer
	code := run([]string{"status", "--brokers", strings.Join(cluster.ListenAddrs(), ",")}, console{Out: &out, Err: &errs})
	if code == 0 || !strings.Contains(errs.String(), "ALL IS WELL") || strings.ContainsAny(errs.String()+out.String(), "\x1b\x07") {
		t.Errorf("exit code %d: %q %q", code, out.String(), errs.String())
	}
}
