//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"realtime-election/local"
)

// TestKilledProcessesCostNoVote kills one process after the other while the totals rise, and at last up itself, and
// expects the count to be right to the vote.
func TestKilledProcessesCostNoVote(t *testing.T) {
	file, flags := input(t)
	want := file.Definition.ExpectedVotes()
	perSecond := *rate
	if perSecond == 0 {
		perSecond = int(want / 400)
	}
	flags = append(flags, "--once")
	data := newData(t)
	s := up(t, data, append(flags, "--rate", fmt.Sprint(perSecond))...)

	share := func(f figures) float64 { return float64(f.TotalVotes) / float64(want) }
	var before figures
	rising := func(f figures) bool {
		rose := before.TotalVotes > 0 && f.TotalVotes > before.TotalVotes
		before = f
		return rose && share(f) >= 0.05
	}
	for _, name := range []string{"replay", "spark", "kafka", "submit", "dashboard", "up"} {
		before = figures{}
		at := s.await(t, "the totals rise before "+name+" is killed", rising)
		if share(at) > 0.8 {
			t.Fatalf("%s would be killed at %.0f %% of the votes: lower -rate", name, 100*share(at))
		}
		killed := time.Now()
		pid := s.kill(t, name)
		if name == "up" {
			<-s.done
			s = up(t, data, flags...) // from here on the votes come as quickly as they can
		}
		// What was under way may still raise a total; recovered is what rises once the process runs anew.
		var since int64
		back := s.await(t, "the totals rise after "+name+" was killed", func(f figures) bool {
			record, running := local.Running(data, name)
			switch {
			case name != "up" && (!running || record.PID == pid):
				return false
			case since == 0:
				since = f.TotalVotes
			}
			return f.TotalVotes > max(since, at.TotalVotes)
		})
		t.Logf("%-9s killed at %7d votes (%2.0f %%), again rising at %7d after %.1f s", name, at.TotalVotes, 100*share(at), back.TotalVotes, time.Since(killed).Seconds())
	}
	if code := s.exit(t, 5*time.Minute); code != 0 {
		t.Fatalf("up --once exits %d", code)
	}
	out, _ := run(t, "results", "--by", "district", "-o", "csv", "--data", data)
	if diff := cmp.Diff(wantCSV(t), out); diff != "" {
		t.Error("the results are not the file: ", diff)
	}
}
