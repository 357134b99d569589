package main

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/exit"
	"realtime-election/internal/kafka/kafkatest"
)

func TestTailPrintsRecords(t *testing.T) {
	t.Parallel()
	cluster := newCounted(t, file(t, resultLines))
	kafkatest.Produce(t, cluster,
		&kgo.Record{Topic: election.VotersTopic, Key: []byte("a"), Value: []byte("\x1b[2J")},
		&kgo.Record{Topic: election.VotersTopic, Key: []byte("b"), Value: []byte(`{"x": 1}`)})
	at := "--brokers=" + cluster.ListenAddrs()[0]
	for format, want := range map[string][]string{
		"text": {`  a  \x1b[2J` + "\n", `  b  {"x": 1}` + "\n"},
		"json": {`"key":"a","value":"\u001b[2J"}` + "\n", `"key":"b","value":{"x":1}}` + "\n"},
		"raw":  {"\x1b[2J\n", `{"x": 1}` + "\n"},
	} {
		code, stdout, stderr := command(t, "tail", "voters_topic", at, "-o", format)
		first, second, ok := strings.Cut(stdout, "\n")
		if code != exit.Done || !ok || !strings.HasSuffix(first+"\n", want[0]) || !strings.HasSuffix(second, want[1]) {
			t.Errorf("%s: exit code %d: %q %s", format, code, stdout, stderr)
		}
	}
	if _, stdout, _ := command(t, "tail", "votes_topic", at, "--from=start", "-n3", "--partition=1"); strings.Count(stdout, "\n1:") != 2 || !strings.HasPrefix(stdout, "1:0  ") {
		t.Errorf("the first votes of partition 1 are %q", stdout)
	}
	if code, _, stderr := command(t, "tail", "votes", at); code != exit.Input || !strings.Contains(stderr, `there is no topic "votes"; there are `) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
