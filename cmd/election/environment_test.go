package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"realtime-election/internal/exit"
)

// TestVariableMayNameAFile checks that a flag wins over the variable, and the variable over the file.
func TestVariableMayNameAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "voters")
	if err := os.WriteFile(path, []byte("-7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ELECTION_VOTERS_FILE", path)
	expect := func(says string, args ...string) {
		t.Helper()
		if code, _, stderr := command(t, append([]string{"prepare", t.TempDir()}, args...)...); code != exit.Input || !strings.Contains(stderr, says) {
			t.Errorf("exit code %d, %q, want %q", code, stderr, says)
		}
	}
	expect("--voters (ELECTION_VOTERS) is -7;")
	t.Setenv("ELECTION_VOTERS", "-8")
	expect("--voters (ELECTION_VOTERS) is -8;")
	expect("--voters (ELECTION_VOTERS) is -9;", "--voters=-9")
	os.Unsetenv("ELECTION_VOTERS")
	t.Setenv("ELECTION_VOTERS_FILE", path+".missing")
	expect("ELECTION_VOTERS_FILE: open " + path + ".missing")
}
