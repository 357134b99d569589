package main

import (
	"regexp"
	"strings"
	"testing"

	"realtime-election/internal/exit"
	"realtime-election/internal/health"
)

func TestVersionIsPrinted(t *testing.T) {
	t.Parallel()
	code, stdout, _ := command(t, "version")
	if fields := strings.Fields(stdout); code != exit.Done || len(fields) != 5 || fields[0] != "election" || fields[1] != health.Release || !regexp.MustCompile(`^0\.[0-9]+\.[0-9]+$`).MatchString(fields[1]) || !strings.HasPrefix(fields[3], "go1.") {
		t.Errorf("exit code %d, output %q", code, stdout)
	}
}
