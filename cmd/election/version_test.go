package main

import (
	"strings"
	"testing"

	"realtime-election/internal/exit"
)

func TestVersionIsPrinted(t *testing.T) {
	t.Parallel()
	code, stdout, _ := command(t, "version")
	if fields := strings.Fields(stdout); code != exit.Done || len(fields) != 4 || fields[0] != "election" || !strings.HasPrefix(fields[2], "go1.") {
		t.Errorf("exit code %d, output %q", code, stdout)
	}
}
