package main

import (
	"strings"
	"testing"

	"realtime-election/internal/exit"
)

func TestAuditTellsByItsExitCode(t *testing.T) {
	t.Parallel()
	cluster := newCounted(t, file(t, resultLines))
	at := "--brokers=" + cluster.ListenAddrs()[0]
	if code, stdout, _ := command(t, "audit", at); code != exit.Done || !strings.HasSuffix(stdout, "Everything agrees.\n") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	if code, stdout, stderr := command(t, "audit", at, "--expect=44"); code != exit.Disagree || !strings.Contains(stdout, "45 votes are counted where 44 are expected") || !strings.HasSuffix(stderr, "\nelection audit: the audit found differences\n") {
		t.Errorf("exit code %d:\n%s%s", code, stdout, stderr)
	}
}
