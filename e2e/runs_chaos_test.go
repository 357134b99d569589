//go:build chaos

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"realtime-election/election"
)

// TestChaosOfRunsShowsNoTotalThatFalls takes the checkpoint away three times while votes come in, the third time before the
// second new run has become official, and kills the page each time in the middle of the recount.
func TestChaosOfRunsShowsNoTotalThatFalls(t *testing.T) {
	moments := newMoments(t)
	// Of fewer copies, the first recount would be of one or two micro-batches, and have no middle.
	s, file := underLoad(t, max(12, *copies), 300)
	data := s.data
	watched, stop := s.watchPage(t)

	for i, share := range []float64{0.30, 0.55, 0} {
		share += moments.Float64() / 20
		if i < 2 {
			await(t, fmt.Sprintf("%.0f %% of the votes are sent, and the run is official", 100*share), func() bool {
				sent, size := progress(t, data, election.ReplayProducer)
				return float64(sent) > share*float64(size) && officialRun(t, data) == i+1
			})
		}
		s.loseCheckpoint(t, i+1)
		// A part of the new run's totals stands in the topics then.
		await(t, fmt.Sprintf("run %d has counted something", i+2), func() bool {
			status := queryStatus(t, data)
			return status.Run == i+2 && len(status.Counted) > 0
		})
		before, official := watched.shows(), officialRun(t, data)
		s.kill(t, "dashboard")
		killed := time.Now()
		awaitFast(t, "the page is shown again", func() bool { return watched.shows().at.After(killed) })
		now := watched.shows()
		sent, size := progress(t, data, election.ReplayProducer)
		t.Logf("run %d begun at %d of %d votes; the page was killed at %d votes with run %d official, and shows %d of run %d %.1f s later", i+2, sent, size,
			before.TotalVotes, official, now.TotalVotes, now.Run, now.at.Sub(killed).Seconds())
		if official == i+2 || sent >= size {
			t.Errorf("run %d was official, and %d of %d votes sent: the page was not killed in the middle of a recount; change -copies or -rate", official, sent, size)
		}
	}
	await(t, "the last run is official and shown", func() bool { return officialRun(t, data) == 4 && watched.shows().Run == 4 })
	stop()
	s.finish(t, file)
}

// loseCheckpoint kills Spark and removes the checkpoint of a run while there is none.
func (s *system) loseCheckpoint(t *testing.T, run int) {
	t.Helper()
	gone(t, "spark", s.kill(t, "spark"))
	if err := os.RemoveAll(filepath.Join(s.data, "checkpoints", fmt.Sprintf("run-%d", run))); err != nil {
		t.Fatal(err)
	}
}

func officialRun(t *testing.T, data string) int {
	t.Helper()
	var official election.OfficialRun
	latestJSON(t, data, election.RunsTopic, election.OfficialRunKey, &official)
	return official.Run
}
