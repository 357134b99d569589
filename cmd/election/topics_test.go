package main

import (
	"encoding/json"
	"strings"
	"testing"

	"realtime-election/election"
	"realtime-election/internal/exit"
)

func TestTopicsAreListed(t *testing.T) {
	t.Parallel()
	cluster := newCounted(t, file(t, resultLines))
	at := "--brokers=" + cluster.ListenAddrs()[0]
	code, stdout, stderr := command(t, "topics", at)
	lines := strings.Split(stdout, "\n")
	if code != exit.Done || !strings.HasPrefix(lines[0], "topic ") || !strings.HasPrefix(lines[1], "votes_topic  ") || !strings.HasSuffix(lines[1], "  ballots, by ballot id") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	var topics []struct {
		Name    string
		Offsets int64
		Bytes   int64
	}
	_, stdout, _ = command(t, "topics", at, "-o", "json")
	if err := json.Unmarshal([]byte(stdout), &topics); err != nil || len(topics) != len(election.Topics(2)) || topics[0].Offsets < 45 || topics[0].Bytes <= 0 {
		t.Errorf("as JSON it is %+v (%v)", topics, err)
	}
}
