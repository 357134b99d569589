package tree

import (
	"flag"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/tests.txt again")

// tiers are the build tags of tests; pure tests have none.
var tiers = []string{"pure", "services", "browser", "e2e", "compose", "attack", "chaos", "bench"}

// targets are the targets of make that run tests. Tests of bench have no target; DESIGN.md has their commands.
var targets = []struct {
	name  string
	tiers []string
}{
	{"test-fast", []string{"pure"}},
	{"test", []string{"pure", "services", "browser", "e2e"}},
	{"compose-test", []string{"compose"}},
	{"attack", []string{"attack"}},
	{"chaos", []string{"chaos"}},
}

// suite is the set of tests of a tier in a package.
type suite struct{ tier, folder string }

const countsFile = "internal/tree/testdata/tests.txt"

// TestNoTestIsLost compares the number of tests of each tier in each package with testdata/tests.txt. There may be more tests than
// the file says. Moved tests change that file, but must not change its sums for each target.
func TestNoTestIsLost(t *testing.T) {
	counted := countTests(t)
	if *update {
		if err := os.WriteFile(filepath.Join(root, countsFile), []byte(countsText(counted)), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	text := read(t, countsFile)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var s suite
		var tests int
		if _, err := fmt.Sscanf(line, "%s %s %d\n", &s.tier, &s.folder, &tests); err != nil {
			t.Fatalf("%s: %q: %v", countsFile, line, err)
		}
		if counted[s] < tests {
			t.Errorf("%s has %d tests of the tier %s, and had %d; if that is intended: go test ./internal/tree -run NoTestIsLost -update", s.folder, counted[s], s.tier, tests)
		}
	}
}

// TestMakefileRunsEveryTier compares targets with the Makefile.
func TestMakefileRunsEveryTier(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, target := range targets {
		if !regexp.MustCompile(`(?m)^` + target.name + `:`).MatchString(makefile) {
			t.Errorf("the Makefile has no target %s", target.name)
		}
	}
	for _, line := range []string{"TIERS := services browser e2e\n", "go test -tags compose ", "go test -tags e2e,attack ", "go test -tags services,chaos ", "go test -tags e2e,chaos "} {
		if !strings.Contains(makefile, line) {
			t.Errorf("the Makefile has no %q", line)
		}
	}
}

// countTests counts tests, fuzz tests, benchmarks and examples.
func countTests(t *testing.T) map[suite]int {
	t.Helper()
	counted := map[suite]int{}
	runs := regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)([^a-z]|$)`)
	for _, name := range lines(t, "git", "ls-files", "--cached", "--others", "--exclude-standard", "*_test.go") {
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // it was deleted, and git does not know that yet
		}
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s := suite{tierOf(t, name, string(text)), path.Dir(name)}
		for _, declared := range file.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if ok && function.Recv == nil && runs.MatchString(function.Name.Name) && function.Name.Name != "TestMain" {
				counted[s]++
			}
		}
	}
	return counted
}

// tierOf is the tier of a file, by the build tag in its first line. The name of an operating system is no tier.
func tierOf(t *testing.T, name, text string) string {
	t.Helper()
	first, _, _ := strings.Cut(text, "\n")
	if !constraint.IsGoBuild(first) {
		return "pure"
	}
	expression, err := constraint.Parse(first)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	systems := []string{"unix", "linux", "darwin"}
	for _, tier := range tiers {
		if expression.Eval(func(tag string) bool { return tag == tier || slices.Contains(systems, tag) }) {
			return tier
		}
	}
	t.Fatalf("%s has the build tag %s, which no tier has", name, expression)
	return ""
}

// countsText is the text of testdata/tests.txt.
func countsText(counted map[suite]int) string {
	var text strings.Builder
	text.WriteString("# The tests of each tier in each package, made by: go test ./internal/tree -run NoTestIsLost -update\n#\n")
	for _, target := range targets {
		folders, tests := map[string]bool{}, 0
		for s, number := range counted {
			if slices.Contains(target.tiers, s.tier) {
				folders[s.folder] = true
				tests += number
			}
		}
		fmt.Fprintf(&text, "# make %s: %d packages, %d tests\n", target.name, len(folders), tests)
	}
	sorted := slices.SortedFunc(maps.Keys(counted), func(a, b suite) int {
		if a.tier != b.tier {
			return slices.Index(tiers, a.tier) - slices.Index(tiers, b.tier)
		}
		return strings.Compare(a.folder, b.folder)
	})
	for _, s := range sorted {
		fmt.Fprintf(&text, "%s %s %d\n", s.tier, s.folder, counted[s])
	}
	return text.String()
}
