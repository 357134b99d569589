package tree

import (
	"os/exec"
	"testing"
)

// TestExamplePatchApplies checks that the walkthrough's patch applies. A test of e2e builds it and looks at its chart.
func TestExamplePatchApplies(t *testing.T) {
	command := exec.Command("git", "apply", "--check", "examples/votes-by-gender.patch")
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("make the patch again, with git diff -U1: %v\n%s", err, out)
	}
}
