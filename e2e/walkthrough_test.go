//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"realtime-election/local"
	"realtime-election/local/localtest"
)

// step is a block of the walkthrough: shell commands, and the lines that must be in what they print, in this order. In
// an expected line, … is whatever stands there.
type step struct {
	shell    string
	server   bool // it runs until the next server, or until it is stopped
	stopped  bool // the server is stopped before it
	expected []string
}

// steps reads the blocks of a Markdown file: ```sh, ```sh server, ```sh stopped, and ```text for what the block before
// prints. The page has another port than people's.
func steps(t *testing.T, path, port string) []step {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []step
	for _, block := range regexp.MustCompile("(?ms)^```([a-z ]+)\n(.*?)^```$").FindAllStringSubmatch(strings.ReplaceAll(string(text), "127.0.0.1:8080", "127.0.0.1:"+port), -1) {
		switch kind, body := block[1], block[2]; kind {
		case "sh", "sh server", "sh stopped":
			all = append(all, step{shell: body, server: kind == "sh server", stopped: kind == "sh stopped"})
		case "text":
			if len(all) == 0 {
				t.Fatalf("%q follows no command", body)
			}
			all[len(all)-1].expected = strings.Split(strings.TrimSuffix(body, "\n"), "\n")
		default:
			t.Fatalf("a block of kind %q is nothing that can be run", kind)
		}
	}
	return all
}

// missing is the first expected line that output does not hold.
func (s step) missing(output string) string {
	for _, line := range s.expected {
		parts := strings.Split(strings.TrimSpace(line), "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		at := regexp.MustCompile(strings.Join(parts, ".*")).FindStringIndex(output)
		if at == nil {
			return line
		}
		output = output[at[1]:]
	}
	return ""
}

// TestWalkthroughDoesWhatItSays carries out docs/walkthrough.md in a copy of the tree, step by step.
func TestWalkthroughDoesWhatItSays(t *testing.T) {
	tree := copyOfTree(t)
	t.Cleanup(func() {
		if err := local.RemoveDatabase(filepath.Join(tree, "data")); err != nil {
			t.Error(err)
		}
	})
	port := localtest.FreePort(t)
	env := append(os.Environ(), "ELECTION_PORT="+port, "PATH="+filepath.Join(tree, "bin")+":"+os.Getenv("PATH"))
	shell := func(ctx context.Context, text string, out *output) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", text)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = tree, env, out, out
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C goes to all that a terminal runs
		return cmd
	}
	interrupt := func() {}
	t.Cleanup(func() { interrupt() })
	for i, s := range steps(t, "../docs/walkthrough.md", port) {
		began := time.Now()
		if s.server || s.stopped {
			interrupt()
		}
		if s.server {
			out := &output{}
			cmd := shell(context.Background(), s.shell, out)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			interrupt = func() {
				_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) // it may have ended
				_ = cmd.Wait()
				interrupt = func() {}
				if t.Failed() {
					t.Log(out.String())
				}
			}
			await(t, fmt.Sprintf("step %d prints its lines:\n%s", i+1, s.shell), func() bool { return s.missing(out.String()) == "" })
		} else {
			// What the system is asked for may take a moment to come true: then it is asked again.
			var last string
			awaitFor(t, 5*time.Minute, fmt.Sprintf("step %d succeeds:\n%s", i+1, s.shell), func() bool {
				out := &output{}
				err := shell(t.Context(), s.shell, out).Run()
				last = out.String()
				once := len(s.expected) == 0 || strings.Contains(s.shell, "cast") // a change is not repeated
				if once && (err != nil || s.missing(last) != "") {
					t.Fatalf("step %d: %v\n%s\n%s", i+1, err, s.shell, last)
				}
				return err == nil && s.missing(last) == ""
			}, func() string { return fmt.Sprintf("missing: %s\nin: %s", s.missing(last), last) })
		}
		t.Logf("step %d, %.1f s: %s", i+1, time.Since(began).Seconds(), strings.SplitN(s.shell, "\n", 2)[0])
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
