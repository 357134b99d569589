// Package definition reads election definitions: a YAML file that a person has written, a result file to be replayed, or the
// embedded default. The error for a file with mistakes is [*Mistakes], which has all of them with their lines.
package definition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxListed is the number of mistakes that an error lists. It only counts the rest.
const maxListed = 25

// Mistake is a mistake in a file.
type Mistake struct {
	Line int // from 1; 0 for a mistake of the whole file
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

// err sorts the mistakes by line, and returns nil if there are none.
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
		if i == maxListed {
			fmt.Fprintf(&b, "\n  and %d more", len(m.List)-maxListed)
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
