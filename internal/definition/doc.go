// Package definition reads election definitions: a YAML file written by a person, a result file to be replayed, or the
// embedded default. What is wrong with a file is told in full, each mistake with its line, as [*Mistakes].
package definition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// shown is how many mistakes an error lists before it only counts.
const shown = 25

// Mistake is something that is wrong in a file.
type Mistake struct {
	Line int // from 1; 0 where the whole file is meant
	Text string
}

// Mistakes is the error of a file that cannot be used.
type Mistakes struct {
	File string
	List []Mistake
}

func (m *Mistakes) add(line int, format string, args ...any) {
	m.List = append(m.List, Mistake{line, fmt.Sprintf(format, args...)})
}

// err is nil when there is no mistake. It sorts them by line.
func (m *Mistakes) err() error {
	if len(m.List) == 0 {
		return nil
	}
	slices.SortStableFunc(m.List, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return m
}

func (m *Mistakes) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s cannot be used; correct this and start again:", m.File)
	for i, mistake := range m.List {
		if i == shown {
			fmt.Fprintf(&b, "\n  and %d more", len(m.List)-shown)
			break
		}
		if mistake.Line > 0 {
			fmt.Fprintf(&b, "\n  line %d: %s", mistake.Line, mistake.Text)
		} else {
			fmt.Fprintf(&b, "\n  %s", mistake.Text)
		}
	}
	return b.String()
}
