//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// step is a block of a document: shell commands, and the lines that must be in what they print, in this order. In an
// expected line, … is whatever stands there.
type step struct {
	number   int
	shell    string
	server   bool // it runs until it is stopped
	stopped  bool // the server is stopped before it
	expected []string
}

// steps reads the blocks of a Markdown file: ```sh, ```sh server, ```sh stopped, and ```text for what the block before
// prints. here are pairs of a text and what takes its place, such as a port.
func steps(t *testing.T, path string, here ...string) []step {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []step
	for _, block := range regexp.MustCompile("(?ms)^```([a-z ]+)\n(.*?)^```$").FindAllStringSubmatch(strings.NewReplacer(here...).Replace(string(text)), -1) {
		switch kind, body := block[1], block[2]; kind {
		case "sh", "sh server", "sh stopped":
			all = append(all, step{number: len(all) + 1, shell: body, server: kind == "sh server", stopped: kind == "sh stopped"})
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

// terminal is where steps are typed.
type terminal struct {
	folder string
	env    []string
}

func (at terminal) shell(ctx context.Context, text string, out *output) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", text)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = at.folder, at.env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C goes to all that a terminal runs
	return cmd
}

// start starts a server, and waits until it has printed its lines. interrupt stops it, once; the end of the test does, too.
func (at terminal) start(t *testing.T, s step) (out *output, interrupt func()) {
	t.Helper()
	out = &output{}
	cmd := at.shell(context.Background(), s.shell, out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	interrupt = func() {
		if ended {
			return
		}
		ended = true
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	}
	t.Cleanup(interrupt)
	await(t, fmt.Sprintf("step %d prints its lines:\n%s", s.number, s.shell), func() bool { return s.missing(out.String()) == "" })
	return out, interrupt
}

// do carries out a step that ends by itself. What the system is asked for may take a moment to come true: then it is asked again.
func (at terminal) do(t *testing.T, s step) {
	t.Helper()
	var last string
	awaitFor(t, 5*time.Minute, fmt.Sprintf("step %d succeeds:\n%s", s.number, s.shell), func() bool {
		out := &output{}
		err := at.shell(t.Context(), s.shell, out).Run()
		last = out.String()
		once := len(s.expected) == 0 || strings.Contains(s.shell, "cast") // a change is not repeated
		if once && (err != nil || s.missing(last) != "") {
			t.Fatalf("step %d: %v\n%s\n%s", s.number, err, s.shell, last)
		}
		return err == nil && s.missing(last) == ""
	}, func() string { return fmt.Sprintf("missing: %s\nin: %s", s.missing(last), last) })
}

// log says how long a step took.
func (s step) log(t *testing.T, began time.Time) {
	t.Logf("step %d, %.1f s: %s", s.number, time.Since(began).Seconds(), strings.SplitN(s.shell, "\n", 2)[0])
}
