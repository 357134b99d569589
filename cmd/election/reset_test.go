package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"realtime-election/internal/exit"
	"realtime-election/local"
)

func TestResetAsksFirst(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, local.Kafka), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(t, "reset", "--data="+data); code != exit.Input || !strings.Contains(stderr, "--yes") {
		t.Errorf("without a terminal: exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(data, local.Kafka)); err != nil {
		t.Errorf("it was removed all the same: %v", err)
	}
	if code, _, stderr := command(t, "reset", "--data="+data, "--yes"); code != exit.Failed || !strings.Contains(stderr, "never ran there") {
		t.Errorf("where no up ran: exit code %d: %s", code, stderr)
	}
	if err := os.WriteFile(filepath.Join(data, "lock"), []byte("pid 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(t, "reset", "--data="+data, "--yes"); code != exit.Done {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is left: %v", err)
	}
	if code, _, stderr := command(t, "reset", "--data="+data, "--yes"); code != exit.Failed || !strings.Contains(stderr, "there is no election in "+data) {
		t.Errorf("again: exit code %d: %s", code, stderr)
	}
	for answer, want := range map[string]bool{"yes\n": true, "yes": true, "y\n": false, "\n": false, "": false, "no yes\n": false} {
		var asked strings.Builder
		if got := confirmed(strings.NewReader(answer), &asked, "folder"); got != want || !strings.Contains(asked.String(), "folder") {
			t.Errorf("the answer %q: %t, asked %q", answer, got, asked.String())
		}
	}
}
