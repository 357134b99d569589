package audit

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"realtime-election/election"
)

// told is how many differences are written out before they are only counted.
const told = 40

// report is what the audit found: a table of checks, and the differences one by one.
type report struct {
	rows        []row
	differences []string
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
func (r *report) counted(count *election.Count, expect int64) {
	votes := count.Votes()
	switch {
	case votes == 0:
		r.row("votes counted", "0", "", 1)
		r.say("nothing was counted: %s holds no valid vote", election.VotesTopic)
	case expect >= 0 && votes != expect:
		r.row("votes counted", strconv.FormatInt(votes, 10), strconv.FormatInt(expect, 10)+" expected", 1)
		r.say("%d votes are counted where %d are expected", votes, expect)
	case expect >= 0:
		r.row("votes counted", strconv.FormatInt(votes, 10), strconv.FormatInt(expect, 10)+" expected", 0)
	default:
		r.row("votes counted", strconv.FormatInt(votes, 10), "", 0)
	}
	rejected := count.Rejected()
	for _, reason := range election.Reasons() {
		if n := rejected[reason]; n > 0 {
			r.row("  not counted: "+string(reason), strconv.FormatInt(n, 10), "", 0)
		}
	}
}

func (r *report) print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AUDIT\tRECOUNT\tPUBLISHED\t")
	for _, row := range r.rows {
		verdict := "agrees"
		switch {
		case row.differences > 0:
			verdict = fmt.Sprintf("DIFFERS (%d)", row.differences)
		case row.published == "":
			verdict = ""
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", row.what, row.recount, row.published, verdict)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the audit: %w", err)
	}
	for i, difference := range r.differences {
		if i == told {
			fmt.Fprintf(out, "and %d more differences\n", len(r.differences)-told)
			break
		}
		fmt.Fprintln(out, difference)
	}
	if len(r.differences) > 0 {
		return ErrDisagree
	}
	fmt.Fprintln(out, "Everything agrees.")
	return nil
}
