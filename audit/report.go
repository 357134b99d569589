package audit

import (
	"fmt"
	"io"
	"strconv"

	"realtime-election/election"
	"realtime-election/internal/terminal"
)

// mostShown is how many differences are printed. Further ones are only counted.
const mostShown = 40

// mostShownOfAKind is how many differences of a kind are printed. Further ones are only counted.
const mostShownOfAKind = 20

// report is the findings of the audit: a table of checks, notes that explain it, and the differences.
type report struct {
	rows        []row
	notes       []string
	differences []string
	ofKinds     []string // differences of which there may be millions
}

// kind is a kind of difference of which there may be millions.
type kind struct {
	report *report
	name   string
	n      int
}

func (r *report) newKind(name string) *kind { return &kind{report: r, name: name} }

// add adds a difference. It is printed if it is among the first of its kind.
func (k *kind) add(format string, args ...any) {
	if k.n++; k.n <= mostShownOfAKind {
		k.report.ofKinds = append(k.report.ofKinds, fmt.Sprintf(format, args...))
	}
}

// finish adds how many differences are not printed, and returns how many there are.
func (k *kind) finish() int {
	if k.n > mostShownOfAKind {
		k.report.ofKinds = append(k.report.ofKinds, fmt.Sprintf("%s: and %d more", k.name, k.n-mostShownOfAKind))
	}
	return k.n
}

// addNote adds a line that is no difference, and may explain one.
func (r *report) addNote(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

type row struct {
	what, recount, published string
	differences              int
}

func (r *report) addRow(what, recount, published string, differences int) {
	r.rows = append(r.rows, row{what, recount, published, differences})
}

func (r *report) addDifference(format string, args ...any) {
	r.differences = append(r.differences, fmt.Sprintf(format, args...))
}

// addCount adds the number of counted votes, and the numbers of rejects.
func (r *report) addCount(count *election.Count, expect expectation) {
	votes := count.Votes()
	published := ""
	if expect.votes >= 0 {
		published = fmt.Sprintf("%d %s", expect.votes, expect.from)
	}
	differences := 0
	switch {
	case votes == 0:
		differences, published = 1, ""
		r.addDifference("nothing was counted: %s holds no valid vote", election.VotesTopic)
	case expect.votes >= 0 && votes != expect.votes:
		differences = 1
		r.addDifference("%d votes are counted where %d are %s", votes, expect.votes, expect.from)
	}
	r.addRow("votes counted", strconv.FormatInt(votes, 10), published, differences)
	rejected := count.Rejected()
	for _, reason := range election.Reasons() {
		if n := rejected[reason]; n > 0 {
			r.addRow("  not counted: "+string(reason), strconv.FormatInt(n, 10), "", 0)
		}
	}
}

func (r *report) print(out io.Writer) error {
	rows := [][]string{{"AUDIT", "RECOUNT", "PUBLISHED", ""}}
	for _, row := range r.rows {
		verdict := "agrees"
		switch {
		case row.differences > 0:
			verdict = fmt.Sprintf("DIFFERS (%d)", row.differences)
		case row.published == "":
			verdict = ""
		}
		rows = append(rows, []string{row.what, row.recount, row.published, verdict})
	}
	if err := terminal.Table(out, rows); err != nil {
		return fmt.Errorf("print the audit: %w", err)
	}
	for _, note := range r.notes {
		fmt.Fprintln(out, note)
	}
	for i, difference := range r.differences {
		if i == mostShown {
			fmt.Fprintf(out, "and %d more differences\n", len(r.differences)-mostShown)
			break
		}
		fmt.Fprintln(out, difference)
	}
	for _, difference := range r.ofKinds {
		fmt.Fprintln(out, difference)
	}
	if len(r.differences)+len(r.ofKinds) > 0 {
		return ErrDisagree
	}
	fmt.Fprintln(out, "Everything agrees.")
	return nil
}
