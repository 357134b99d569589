package audit

import (
	"fmt"
	"io"
	"strconv"

	"realtime-election/election"
	"realtime-election/internal/terminal"
)

// told is how many differences are written out before they are only counted.
const told = 40

// toldOfAKind is how many differences of a kind are written out before they are only counted.
const toldOfAKind = 20

// report is what the audit found: a table of checks, what to know of it, and the differences one by one.
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

func (r *report) kind(name string) *kind { return &kind{report: r, name: name} }

// say tells a difference, if it is among the first of its kind.
func (k *kind) say(format string, args ...any) {
	if k.n++; k.n <= toldOfAKind {
		k.report.ofKinds = append(k.report.ofKinds, fmt.Sprintf(format, args...))
	}
}

// end tells how many more there were, and returns how many in all.
func (k *kind) end() int {
	if k.n > toldOfAKind {
		k.report.ofKinds = append(k.report.ofKinds, fmt.Sprintf("%s: and %d more", k.name, k.n-toldOfAKind))
	}
	return k.n
}

// note tells what is no difference, and explains one.
func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

type row struct {
	what, recount, published string
	differences              int
}

func (r *report) row(what, recount, published string, differences int) {
	r.rows = append(r.rows, row{what, recount, published, differences})
}

func (r *report) say(format string, args ...any) {
	r.differences = append(r.differences, fmt.Sprintf(format, args...))
}

// counted reports the recount itself.
func (r *report) counted(count *election.Count, expect expectation) {
	votes := count.Votes()
	published := ""
	if expect.votes >= 0 {
		published = fmt.Sprintf("%d %s", expect.votes, expect.from)
	}
	differences := 0
	switch {
	case votes == 0:
		differences, published = 1, ""
		r.say("nothing was counted: %s holds no valid vote", election.VotesTopic)
	case expect.votes >= 0 && votes != expect.votes:
		differences = 1
		r.say("%d votes are counted where %d are %s", votes, expect.votes, expect.from)
	}
	r.row("votes counted", strconv.FormatInt(votes, 10), published, differences)
	rejected := count.Rejected()
	for _, reason := range election.Reasons() {
		if n := rejected[reason]; n > 0 {
			r.row("  not counted: "+string(reason), strconv.FormatInt(n, 10), "", 0)
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
		if i == told {
			fmt.Fprintf(out, "and %d more differences\n", len(r.differences)-told)
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
