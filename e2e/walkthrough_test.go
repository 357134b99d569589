//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"realtime-election/local"
	"realtime-election/local/localtest"
)

// TestWalkthroughDoesWhatItSays carries out docs/walkthrough.md in a copy of the tree, step by step. A server of a step runs
// until the next one starts.
func TestWalkthroughDoesWhatItSays(t *testing.T) {
	tree := copyOfTree(t)
	t.Cleanup(func() {
		if err := local.RemoveDatabase(filepath.Join(tree, "data")); err != nil {
			t.Error(err)
		}
	})
	port := localtest.FreePort(t)
	at := terminal{tree, append(os.Environ(), "ELECTION_PORT="+port, "PATH="+filepath.Join(tree, "bin")+":"+os.Getenv("PATH"))}
	interrupt := func() {}
	for _, s := range steps(t, "../docs/walkthrough.md", "127.0.0.1:8080", "127.0.0.1:"+port) { // people have that page
		began := time.Now()
		if s.server || s.stopped {
			interrupt()
		}
		if s.server {
			_, interrupt = at.start(t, s)
		} else {
			at.do(t, s)
		}
		s.log(t, began)
	}
}

// copyOfTree copies what git knows of the tree, so that a change of the walkthrough stays there.
func copyOfTree(t *testing.T) string {
	t.Helper()
	tree, err := os.MkdirTemp("", "election-walkthrough-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(tree); err != nil {
			t.Error(err)
		}
	})
	if out, err := exec.Command("bash", "-c", `cd .. && git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$0"`, tree).CombinedOutput(); err != nil {
		t.Fatalf("copy the tree: %v\n%s", err, out)
	}
	return tree
}
