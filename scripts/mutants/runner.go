package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// verdict says what tests made of a change.
type verdict int

const (
	noticed  verdict = iota
	hung             // noticed because the tests did not end
	survived         // the tests passed
	invalid          // nothing was tested
)

// runner runs go test on changed trees.
type runner struct {
	config
	folder string                   // of overlays
	took   map[string]time.Duration // what tests take on the tree as it is
}

func newRunner(c config) (*runner, error) {
	root, err := filepath.Abs(c.root)
	if err != nil {
		return nil, err
	}
	c.root = root
	folder, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	return &runner{config: c, folder: folder}, nil
}

func (r *runner) close() { os.RemoveAll(r.folder) }

// unchanged runs the tests of all mutants on the tree as it is. They must pass, or else they would notice anything.
func (r *runner) unchanged(ctx context.Context, mutants []mutant) error {
	tests := map[string]mutant{}
	for _, m := range mutants {
		tests[m.test()] = m
	}
	var failed []error
	r.took = map[string]time.Duration{}
	r.each(ctx, slices.Collect(maps.Values(tests)), func(m mutant) func() {
		v, said := r.test(ctx, m.args, "", r.timeout)
		return func() {
			r.took[m.test()] = testsTook(said)
			if v != survived && ctx.Err() == nil {
				failed = append(failed, fmt.Errorf("go test %s does not pass on the tree as it is:\n%s", m.test(), said))
			}
		}
	})
	return errors.Join(append(failed, ctx.Err())...)
}

// try tells the verdict of each mutant, one after the other.
func (r *runner) try(ctx context.Context, mutants []mutant, report func(m mutant, v verdict, said string)) {
	r.each(ctx, mutants, func(m mutant) func() {
		v, said, err := r.mutate(ctx, m)
		if err != nil {
			v, said = invalid, err.Error()
		}
		return func() {
			if ctx.Err() == nil {
				report(m, v, said)
			}
		}
	})
}

// each runs work for each mutant, some at a time, and what it returns one after the other.
func (r *runner) each(ctx context.Context, mutants []mutant, work func(mutant) func()) {
	var workers sync.WaitGroup
	var mu sync.Mutex
	next := make(chan mutant)
	for range r.workers {
		workers.Go(func() {
			for m := range next {
				after := work(m)
				mu.Lock()
				after()
				mu.Unlock()
			}
		})
	}
	for _, m := range mutants {
		if ctx.Err() != nil {
			break
		}
		next <- m
	}
	close(next)
	workers.Wait()
}

func (r *runner) mutate(ctx context.Context, m mutant) (verdict, string, error) {
	path := filepath.Join(r.root, filepath.FromSlash(m.file))
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, "", err
	}
	folder, err := os.MkdirTemp(r.folder, "")
	if err != nil {
		return 0, "", err
	}
	defer os.RemoveAll(folder)
	changed, overlay := filepath.Join(folder, filepath.Base(path)), filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(changed, m.apply(text), 0o600); err != nil {
		return 0, "", err
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		return 0, "", err
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		return 0, "", err
	}
	// What takes ten times what it took hangs.
	v, said := r.test(ctx, m.args, overlay, min(r.timeout, max(20*time.Second, 10*r.took[m.test()])))
	return v, said, nil
}

// test runs go test, and says what it printed last.
func (r *runner) test(ctx context.Context, args []string, overlay string, timeout time.Duration) (verdict, string) {
	// Compiling and linking come before the time of the tests.
	ctx, cancel := context.WithTimeout(ctx, timeout+3*time.Minute)
	defer cancel()
	all := []string{"test", "-count=1", "-vet=off", "-failfast", "-timeout", timeout.String()}
	if overlay != "" {
		all = append(all, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(all, args...)...)
	cmd.Dir = r.root
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// Tests that are killed leave what they started: the whole group ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	end := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel, cmd.WaitDelay = end, 10*time.Second
	err := cmd.Run()
	if cmd.Process != nil {
		_ = end() // fails where nothing is left
	}
	return judge(err, ctx.Err(), out.String()), tail(out.String(), 15)
}

// ranTests matches the line of a package whose tests ran and passed, with how long they took.
var ranTests = regexp.MustCompile(`(?m)^ok  \t\S+\t([0-9.]+s)$`)

// testsTook is how long the tests of the slowest package took, by what go test printed: without compiling and linking, which
// can take minutes where nothing is cached.
func testsTook(said string) (slowest time.Duration) {
	for _, line := range ranTests.FindAllStringSubmatch(said, -1) {
		if took, err := time.ParseDuration(line[1]); err == nil {
			slowest = max(slowest, took)
		}
	}
	return slowest
}

func judge(err, cancelled error, out string) verdict {
	var exit *exec.ExitError
	switch {
	case cancelled != nil || strings.Contains(out, "panic: test timed out after"):
		return hung
	case err == nil && ranTests.MatchString(out):
		return survived
	case errors.As(err, &exit) && !strings.Contains(out, "[build failed]") && !strings.Contains(out, "[setup failed]") && strings.Contains(out, "FAIL\t"):
		return noticed
	default:
		return invalid
	}
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
