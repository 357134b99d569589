package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"realtime-election/internal/exit"
)

func TestPrepareRefusesWhatAServiceWould(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, says string }{
		{"--partitions=0", "--partitions (ELECTION_PARTITIONS) is 0; choose 1 to 1000"},
		{"--state-partitions=0", "--state-partitions (ELECTION_STATE_PARTITIONS) is 0; choose 1 or more"},
		{"--trigger=-1s", "--trigger (ELECTION_TRIGGER) is -1s"},
		{"--rate=-1", "votes: --rate (ELECTION_RATE) is -1"},
		{"--rate=5", "--rate (ELECTION_RATE) and --speed (ELECTION_SPEED) are both given"},
		{"--voters-rate=-1", "voters: --voters-rate (ELECTION_VOTERS_RATE) is -1"},
		{"--voters=-1", "--voters (ELECTION_VOTERS) is -1"},
		{"--memory=9000g", "the election needs 9216000: give Docker more"},
		{"--memory=9000", `"9000" is no size; write it like 512m or 2g`},
		{"--limits=A=512m,B=2g;KAFKA_HEAP=1g,KAFKA_MEMORY=1200m", "KAFKA_HEAP=1g is too much for a container of KAFKA_MEMORY=1200m: leave at least 256 MiB"},
		{"--limits=KAFKA_HEAP=lots,KAFKA_MEMORY=1200m", `KAFKA_HEAP: "lots" is no size`},
		{"--definition=no-such.yaml", "no-such.yaml"},
	} {
		folder := filepath.Join(t.TempDir(), "secrets")
		code, _, stderr := command(t, "prepare", folder, "--speed=4m", c.flag)
		if code != exit.Input || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") > 2 {
			t.Errorf("%s: exit code %d, %q", c.flag, code, stderr)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Errorf("%s: secrets are made nevertheless", c.flag)
		}
	}
	folder := filepath.Join(t.TempDir(), "secrets")
	if code, _, stderr := command(t, "prepare", folder); code != exit.Done {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(folder, "ballot-key")); err != nil {
		t.Error(err)
	}
}
