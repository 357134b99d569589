//go:build e2e

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"realtime-election/local"
)

func TestReplayedResultIsCountedAndShownToTheVote(t *testing.T) {
	file, flags := input(t)
	data := newData(t)
	s := up(t, data, flags...)
	want := file.Definition.ExpectedVotes()
	f := s.await(t, "all votes are counted", func(f figures) bool { return f.TotalVotes >= want })
	if f.TotalVotes != want || f.ExpectedVotes != want {
		t.Fatalf("the page says %d of %d votes; the file has %d", f.TotalVotes, f.ExpectedVotes, want)
	}
	photograph(t, s.page(), file)

	if out, code := run(t, "audit", "--data", data); code != 0 {
		t.Errorf("the audit beside the running system exits %d\n%s", code, out)
	} else {
		t.Logf("\n%s", out)
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := s.exit(t, 40*time.Second); code != 0 {
		t.Errorf("stopped by Ctrl-C, up exits %d", code)
	}
	for _, name := range []string{"kafka", "postgresql", "spark", "replay", "submit", "dashboard"} {
		if _, running := local.Running(data, name); running {
			t.Errorf("%s still runs", name)
		}
	}

	out, code := run(t, "results", "--by", "district", "-o", "csv", "--data", data)
	if code != 0 {
		t.Errorf("results exits %d", code)
	}
	if diff := cmp.Diff(wantCSV(t), out); diff != "" {
		t.Error("the results are not the file: ", diff)
	}
	// The audit starts what it needs of a stopped system, and ends it again.
	if out, code := run(t, "audit", "--data", data, "--expect", "1"); code != 3 || strings.Count(out, "DIFFERS") != 1 {
		t.Errorf("an audit that expects one vote exits %d, want 3 and one difference\n%s", code, out)
	}
}
