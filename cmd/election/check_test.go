package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"realtime-election/election"
	"realtime-election/internal/exit"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka/kafkatest"
)

func TestCheckAsksWhetherServicesAreReady(t *testing.T) {
	t.Parallel()
	h := health.New("votes")
	mux := http.NewServeMux()
	h.Register(mux)
	server := httptest.NewServer(mux)
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	if code, stdout, stderr := command(t, "check", "ready", address); code != exit.Failed || stdout != "" || !strings.Contains(stderr, "starting") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	h.Needs()
	if code, stdout, stderr := command(t, "check", "ready", address, "--say=open"); code != exit.Done || stdout != "open\n" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestCheckAsksTheMasterForAWorker(t *testing.T) {
	t.Parallel()
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
	expect(exit.Failed, "the master is RECOVERING")
	says = `{"status":"ALIVE","workers":[{"host":"a","state":"DEAD"},{"host":"b","state":"ALIVE"}]}`
	expect(exit.Done, "")
	expect(exit.Done, "", "--worker=b")
	expect(exit.Failed, "the worker a is not registered", "--worker=a")
	says = `<html>`
	expect(exit.Failed, "read what the master")
}

func TestCheckSendsAndFetchesARecord(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.NewElection(t, &election.Definition{ID: "x"}, 1)
	addresses := cluster.ListenAddrs()
	brokers := "--brokers=" + strings.Join(addresses, ",")
	for range 2 {
		if code, _, stderr := command(t, "check", "kafka", brokers); code != exit.Done {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	}
	if records := kafkatest.Read(t, cluster, "roundtrip", 0); len(records) != 2 {
		t.Errorf("%d records were sent", len(records))
	}
	cluster.Close()
	check := kafkaCheck{kafkaFlags{Brokers: addresses}, 500 * time.Millisecond}
	if err := check.Run(t.Context()); exitCode(t.Context(), err) != exit.Failed {
		t.Errorf("without Kafka: %v", err)
	}
}
