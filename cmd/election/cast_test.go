package main

import (
	"fmt"
	"strings"
	"testing"

	"realtime-election/election"
	"realtime-election/internal/exit"
	"realtime-election/internal/kafka/kafkatest"
)

func TestCastPrintsTheBallotAndItsPosition(t *testing.T) {
	t.Parallel()
	cluster := newCounted(t, file(t, resultLines))
	at := "--brokers=" + cluster.ListenAddrs()[0]
	code, stdout, stderr := command(t, "cast", at, "--district=N1", "--candidate=ana", "--age-group=65+")
	var partition int32
	var offset int64
	var line string
	if _, err := fmt.Sscanf(stdout, "votes_topic %d:%d %s\n", &partition, &offset, &line); err != nil || code != exit.Done {
		t.Fatalf("exit code %d: %q (%v) %s", code, stdout, err, stderr)
	}
	found := false
	for _, r := range kafkatest.Read(t, cluster, election.VotesTopic, partition) {
		found = found || r.Offset == offset && string(r.Value) == line
	}
	if !found || !strings.Contains(line, `"age_group":"65+"`) {
		t.Errorf("%s is not at %d:%d", line, partition, offset)
	}
	if code, _, stderr := command(t, "cast", at, "--district=N1", "--candidate=anna"); code != exit.Input || !strings.Contains(stderr, `there is ana (Ana)`) || !strings.HasSuffix(stderr, "; `election results` lists the candidates\n") {
		t.Errorf("an unknown candidate: exit code %d: %s", code, stderr)
	}
}
