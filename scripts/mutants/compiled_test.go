//go:build services

// Each test here compiles and runs a program again and again, which takes seconds.

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// module has one package. Its test notices neither the age of 18 nor the first summand.
var module = map[string]string{
	"go.mod": "module m\n\ngo 1.26\n",
	"adult/adult.go": `package adult

import _ "embed"

//go:embed age.txt
var Age string

func Adult(age int) bool { return age >= 18 }

func Sum(upTo int) (sum int) {
	for i := 0; i < upTo; i++ {
		sum += i
	}
	return sum
}
`,
	"adult/age.txt": "eighteen\n",
	"adult/adult_test.go": `package adult

import "testing"

func TestAdult(t *testing.T) {
	t.Parallel()
	if Adult(17) || !Adult(19) || Sum(3) != 3 || Age != "eighteen\n" {
		t.Error("wrong")
	}
}
`,
}

func newModule(t *testing.T, list ...string) config {
	t.Helper()
	root := t.TempDir()
	for name, text := range module {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(path, []byte(strings.Join(list, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	return config{root: root, list: path, workers: 2, timeout: 5 * time.Second, packages: []string{"adult"}}
}

func mutants(t *testing.T, c config) (good bool, printed string) {
	t.Helper()
	var out strings.Builder
	good, err := run(t.Context(), &out, c)
	if err != nil {
		t.Fatal(err)
	}
	return good, out.String()
}

func TestChangesThatTestsNoticeAreGood(t *testing.T) {
	t.Parallel()
	c := newModule(t,
		"# a comment", "",
		"adult/adult.go\tage >= 18\tage < 18\t./adult",
		"adult/adult.go\ti++\t\t./adult", // runs for ever
		"adult/age.txt\teighteen\tseventeen\t-run TestAdult ./adult",
	)
	good, printed := mutants(t, c)
	if !good || !strings.Contains(printed, "3 noticed, 1 of them because the tests hung; 0 survived; 0 wrong") {
		t.Errorf("good is %v, after\n%s", good, printed)
	}
	for name, want := range module {
		if text, err := os.ReadFile(filepath.Join(c.root, name)); err != nil || string(text) != want {
			t.Errorf("%s has changed: %v\n%s", name, err, text)
		}
	}
}

func TestChangeThatSurvivesIsPrinted(t *testing.T) {
	t.Parallel()
	good, printed := mutants(t, newModule(t, "adult/adult.go\tage >= 18\tage > 18\t./adult"))
	if good || !strings.Contains(printed, "SURVIVED adult/adult.go:8: age >= 18 → age > 18, by go test ./adult (line 1 of the list)\n") {
		t.Errorf("good is %v, after\n%s", good, printed)
	}
}

func TestLineThatDoesNotApplyIsWrong(t *testing.T) {
	t.Parallel()
	for line, why := range map[string]string{
		"adult/adult.go\tage > 18\tage < 18\t./adult":                       "occurs 0 times",
		"adult/adult.go\tage\tyears\t./adult":                               "occurs 4 times",
		"adult/adult.go\tage >= 18\tage < 18":                               "3 columns",
		"adult/child.go\tage >= 18\tage < 18\t./adult":                      "no such file",
		"adult/adult.go\tage >= 18\tage >= 18\t./adult":                     "changes nothing",
		"adult/adult.go\tage >= 18\tage < 18\t-run TestAdult":               "name no package",
		"adult/adult.go\tage >= 18\tage < eighteen\t./adult":                "undefined: eighteen",
		"adult/adult.go\treturn age >= 18\treturn \"adult\" + age\t./adult": "mismatched types",
	} {
		good, printed := mutants(t, newModule(t, line))
		if good || !strings.Contains(printed, why) || !strings.Contains(printed, " 1 wrong;") {
			t.Errorf("%q is to be wrong for %q; good is %v, after\n%s", line, why, good, printed)
		}
	}
}

func TestTestsThatFailByThemselvesNoticeNothing(t *testing.T) {
	t.Parallel()
	c := newModule(t, "adult/age.txt\tnineteen\teighteen\t./adult")
	if err := os.WriteFile(filepath.Join(c.root, "adult", "age.txt"), []byte("nineteen\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t.Context(), new(strings.Builder), c); err == nil || !strings.Contains(err.Error(), "go test ./adult does not pass on the tree as it is") {
		t.Errorf("the error is %v", err)
	}
	c = newModule(t, "adult/adult.go\tage >= 18\tage < 18\t-run TestChild ./adult")
	if _, err := run(t.Context(), new(strings.Builder), c); err == nil || !strings.Contains(err.Error(), "no tests to run") {
		t.Errorf("where no test runs, the error is %v", err)
	}
}

func TestLinesOfServersAreTakenByThemselves(t *testing.T) {
	t.Parallel()
	c := newModule(t,
		"adult/adult.go\tage >= 18\tage < 18\t./adult",
		"adult/adult.go\tage >= 18\tage != 18\t-tags services ./adult",
	)
	for _, services := range []bool{false, true} {
		c.services = services
		if _, printed := mutants(t, c); !strings.Contains(printed, "of the list: 1;") {
			t.Errorf("services %v:\n%s", services, printed)
		}
	}
}

func TestDrawnChangesFollowTheSeedAndFailNothing(t *testing.T) {
	t.Parallel()
	c := newModule(t)
	c.drawn = 4
	c.seed = 7
	good, first := mutants(t, c)
	if !good || !strings.Contains(first, "drawn with seed 7: 4 of ") {
		t.Errorf("good is %v, after\n%s", good, first)
	}
	survivors := func(printed string) (lines []string) {
		for line := range strings.Lines(printed) {
			if strings.HasPrefix(line, "SURVIVED") || strings.HasPrefix(line, "hung") {
				lines = append(lines, line)
			}
		}
		slices.Sort(lines)
		return lines
	}
	if _, again := mutants(t, c); !slices.Equal(survivors(first), survivors(again)) {
		t.Errorf("one seed draws\n%s\nand\n%s", first, again)
	}
}
