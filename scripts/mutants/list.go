package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is one change of one file, and the tests that are to notice it.
type mutant struct {
	file       string   // below the module's root
	start, end int      // the bytes of it that are replaced
	old, new   string   // what stands there, what shall
	args       []string // of go test
	line       int      // of the list; 0 where it was drawn
	at         int      // the line in the file
}

func (m mutant) String() string {
	from := ""
	if m.line > 0 {
		from = fmt.Sprintf(" (line %d of the list)", m.line)
	}
	return fmt.Sprintf("%s:%d: %s → %s, by go test %s%s", m.file, m.at, short(m.old), short(m.new), m.test(), from)
}

func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return "nothing"
	}
	if runes := []rune(text); len(runes) > 70 {
		text = string(runes[:70]) + "…"
	}
	return text
}

// test is what go test is asked for.
func (m mutant) test() string { return strings.Join(m.args, " ") }

// services says whether the tests need a server.
func (m mutant) services() bool {
	return slices.ContainsFunc(m.args, func(arg string) bool { return strings.HasPrefix(arg, "-tags") })
}

// apply makes the change.
func (m mutant) apply(text []byte) []byte {
	return slices.Concat(text[:m.start], []byte(m.new), text[m.end:])
}

// readList reads changes, one a line: the file, the old text, which must occur exactly once in it, the new text, and the arguments
// of go test, separated by tabs. Space around old and new does not count; an empty new text removes the old. Empty lines, and lines that
// begin with #, are comments. Lines that do not apply are described in wrong.
func readList(root, name string) (mutants []mutant, wrong []string, err error) {
	list, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("read the list of changes: %w", err)
	}
	n := 0
	for text := range strings.Lines(string(list)) {
		n++
		text = strings.TrimRight(text, "\r\n")
		if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") {
			continue
		}
		m, err := parseLine(root, text)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s:%d: %v", name, n, err))
			continue
		}
		m.line = n
		mutants = append(mutants, m)
	}
	return mutants, wrong, nil
}

func parseLine(root, text string) (mutant, error) {
	columns := strings.Split(text, "\t")
	if len(columns) != 4 {
		return mutant{}, fmt.Errorf("%d columns where file, old text, new text and the arguments of go test are wanted, separated by tabs", len(columns))
	}
	for i := range columns {
		columns[i] = strings.TrimSpace(columns[i])
	}
	m := mutant{file: columns[0], old: columns[1], new: columns[2], args: strings.Fields(columns[3])}
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.file)))
	if err != nil {
		return mutant{}, err
	}
	switch times := bytes.Count(content, []byte(m.old)); {
	case m.old == "" || m.old == m.new:
		return mutant{}, fmt.Errorf("%s: it changes nothing", m.file)
	case times != 1:
		return mutant{}, fmt.Errorf("%s: the old text occurs %d times, where it must occur once: %s", m.file, times, m.old)
	case !slices.ContainsFunc(m.args, func(arg string) bool { return strings.HasPrefix(arg, "./") || arg == "." }):
		return mutant{}, fmt.Errorf("%s: the arguments of go test name no package such as ./ledger", m.file)
	}
	m.start = bytes.Index(content, []byte(m.old))
	m.end = m.start + len(m.old)
	m.at = 1 + bytes.Count(content[:m.start], []byte("\n"))
	return m, nil
}
