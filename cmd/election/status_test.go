package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"realtime-election/election"
	"realtime-election/internal/exit"
	"realtime-election/internal/kafka/kafkatest"
)

func TestStatusOfAKafkaOfOnesOwn(t *testing.T) {
	t.Parallel()
	cluster := newCounted(t, file(t, resultLines))
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.QueryStatusTopic, election.QueryKey, election.QueryStatus{
		Run: 2, State: "waiting", Batch: 4, BatchMilliseconds: 900, StateBytes: 3 << 19, Error: "Spark is away\x1b[2J",
	}))
	at := "--brokers=" + cluster.ListenAddrs()[0]
	code, stdout, stderr := command(t, "status", at)
	if code != exit.Done || stderr != "" {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for _, says := range []string{
		"replay      45  45", "count   waiting  run 2, batch 4 took 900 ms", "1.5 MiB of state", "error    Spark is away\\x1b[2J\n",
		"ledger  silent   ledger has not reported yet\n",
	} {
		if !strings.Contains(stdout, says) {
			t.Errorf("it does not say %q:\n%s", says, stdout)
		}
	}
	_, stdout, _ = command(t, "status", at, "-o", "json")
	var r statusReport
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || r.Election.Query.Run != 2 || r.Election.Producers[0].Sent != 45 || r.Election.Behind.Count < 45 {
		t.Errorf("as JSON it is %s (%v)", stdout, err)
	}
}

func TestStatusSaysThatNothingRuns(t *testing.T) {
	data := filepath.Join(t.TempDir(), "da ta")
	code, stdout, stderr := command(t, "status", "--data", data)
	if want := "election status: nothing runs in " + data + "; start it with `election up --data " + data + "`, or name a Kafka of your own with --brokers (ELECTION_BROKERS)\n"; code != exit.Failed || stdout != "" || stderr != want {
		t.Errorf("exit code %d: %q %q, want %q", code, stdout, stderr, want)
	}
	t.Setenv("ELECTION_DATA", data)
	code, stdout, _ = command(t, "status", "-o", "json")
	var r statusReport
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != exit.Failed || r.Up || r.Data != data || !strings.HasPrefix(r.Error, "nothing runs in ") {
		t.Errorf("exit code %d: %s (%v)", code, stdout, err)
	}
}

func TestStatusSaysThatKafkaIsAway(t *testing.T) {
	t.Parallel()
	code, _, stderr := command(t, "status", "--brokers="+freeAddress(t))
	if code != exit.Failed || !strings.Contains(stderr, "does Kafka run at 127.0.0.1:") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
