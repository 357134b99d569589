package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"realtime-election/internal/definition"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka/kafkatest"
)

func TestPrepareRefusesWhatAServiceWould(t *testing.T) {
	for _, c := range []struct{ flag, says string }{
		{"--partitions=0", "--partitions (ELECTION_PARTITIONS) is 0; choose 1 to 1000"},
		{"--state-partitions=0", "--state-partitions is 0; choose 1 or more"},
		{"--trigger=-1s", "--trigger is -1s"},
		{"--rate=-1", "votes: --rate is -1"},
		{"--rate=5", "--rate and --speed are both given"},
		{"--voters-rate=-1", "voters: --rate is -1"},
		{"--voters=-1", "--voters is -1"},
		{"--memory=9000g", "the election needs 9216000: give Docker more"},
		{"--memory=9000", `"9000" is no size; write it like 512m or 2g`},
		{"--limits=A=512m,B=2g;KAFKA_HEAP=1g,KAFKA_MEMORY=1200m", "KAFKA_HEAP=1g is too much for a container of KAFKA_MEMORY=1200m: leave at least 256 MiB"},
		{"--limits=KAFKA_HEAP=lots,KAFKA_MEMORY=1200m", `KAFKA_HEAP: "lots" is no size`},
		{"--definition=no-such.yaml", "no-such.yaml"},
	} {
		folder := filepath.Join(t.TempDir(), "secrets")
		code, _, stderr := command(t, "prepare", folder, "--speed=4m", c.flag)
		if code != exitInput || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") > 2 {
			t.Errorf("%s: exit code %d, %q", c.flag, code, stderr)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Errorf("%s: secrets are made nevertheless", c.flag)
		}
	}
	folder := filepath.Join(t.TempDir(), "secrets")
	if code, _, stderr := command(t, "prepare", folder); code != exitDone {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(folder, "ballot-key")); err != nil {
		t.Error(err)
	}
}

// TestVariableMayNameAFile also says which wins: a flag, then the variable itself, then the file.
func TestVariableMayNameAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "voters")
	if err := os.WriteFile(path, []byte("-7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ELECTION_VOTERS_FILE", path)
	expect := func(says string, args ...string) {
		t.Helper()
		if code, _, stderr := command(t, append([]string{"prepare", t.TempDir()}, args...)...); code != exitInput || !strings.Contains(stderr, says) {
			t.Errorf("exit code %d, %q, want %q", code, stderr, says)
		}
	}
	expect("--voters is -7;")
	t.Setenv("ELECTION_VOTERS", "-8")
	expect("--voters is -8;")
	expect("--voters is -9;", "--voters=-9")
	os.Unsetenv("ELECTION_VOTERS")
	t.Setenv("ELECTION_VOTERS_FILE", path+".missing")
	expect("ELECTION_VOTERS_FILE: open " + path + ".missing")
}

func TestCheckAsksWhetherServicesAreReady(t *testing.T) {
	h := health.New("votes")
	mux := http.NewServeMux()
	h.Register(mux)
	server := httptest.NewServer(mux)
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	if code, stdout, stderr := command(t, "check", "ready", address); code != exitFailed || stdout != "" || !strings.Contains(stderr, "starting") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	h.Needs()
	if code, stdout, stderr := command(t, "check", "ready", address, "--say=open"); code != exitDone || stdout != "open\n" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestCheckAsksTheMasterForAWorker(t *testing.T) {
	says := `{"status":"RECOVERING","workers":[]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(says)) }))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	expect := func(want int, why string, args ...string) {
		t.Helper()
		if code, _, stderr := command(t, append([]string{"check", "cluster", address}, args...)...); code != want || !strings.Contains(stderr, why) {
			t.Errorf("%s: exit code %d, %q, want %d, %q", says, code, stderr, want, why)
		}
	}
	expect(exitFailed, "the master is RECOVERING")
	says = `{"status":"ALIVE","workers":[{"host":"a","state":"DEAD"},{"host":"b","state":"ALIVE"}]}`
	expect(exitDone, "")
	expect(exitDone, "", "--worker=b")
	expect(exitFailed, "the worker a is not registered", "--worker=a")
	says = `<html>`
	expect(exitFailed, "read what the master")
}

func TestCheckSendsAndFetchesARecord(t *testing.T) {
	cluster := kafkatest.NewCluster(t)
	addresses := cluster.ListenAddrs()
	brokers := "--brokers=" + strings.Join(addresses, ",")
	for range 2 { // the first makes the topic
		if code, _, stderr := command(t, "check", "kafka", brokers); code != exitDone {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	}
	if records := kafkatest.Read(t, cluster, "roundtrip", 0); len(records) != 2 {
		t.Errorf("%d records were sent", len(records))
	}
	cluster.Close()
	check := kafkaCheck{kafkaFlags{addresses}, 500 * time.Millisecond}
	if err := check.Run(t.Context()); exitCode(t.Context(), err) != exitFailed {
		t.Errorf("without Kafka: %v", err)
	}
}

func TestVotersMayBeOptional(t *testing.T) {
	file, err := definition.ReadResultFile("../../examples/island.csv", nil)
	if err != nil {
		t.Fatal(err)
	}
	brokers := "--brokers=" + strings.Join(kafkatest.NewElection(t, file.Definition, 1).ListenAddrs(), ",")
	secrets := t.TempDir()
	if code, _, stderr := command(t, "prepare", secrets); code != exitDone {
		t.Fatal(stderr)
	}
	for _, args := range [][]string{{"voters", brokers}, {"votes", brokers, "--ballot-key=" + filepath.Join(secrets, "ballot-key")}} {
		if code, _, stderr := command(t, args...); code != exitInput || !strings.Contains(stderr, "has no electorate") {
			t.Errorf("%s: exit code %d, %s", args[0], code, stderr)
		}
		if code, _, stderr := command(t, append(args, "--optional")...); code != exitDone {
			t.Errorf("%s --optional: exit code %d, %s", args[0], code, stderr)
		}
	}
}
