//go:build browser

package dashboard_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"realtime-election/election"
	"realtime-election/internal/browsertest"
	"realtime-election/internal/number"
	"realtime-election/internal/results/resultstest"
)

// TestBrowserShowsExactDistrictsOnceThePollsAreClosed keeps a page open while the polls close.
func TestBrowserShowsExactDistrictsOnceThePollsAreClosed(t *testing.T) {
	d := nation(7)
	cluster, address := counting(t, d)
	browser := browsertest.New(t)
	browsertest.Do(t, browser, chromedp.Navigate("http://"+address+"/"))
	const note = `document.querySelector('#locations .note').innerText`
	shownRows(t, browser, func(rows [][]string) bool { return len(rows) == 7 && strings.HasSuffix(rows[0][3], "0") })
	if got := browsertest.Evaluate[string](t, browser, note); got != "While the polls are open, the votes of a district are shown in steps of 10." {
		t.Errorf("while the polls are open the page says %q", got)
	}

	var first, all int64
	for id, votes := range count(d, 1_000) {
		for _, n := range votes {
			all += n
			if id == d.Districts()[0].ID {
				first += n
			}
		}
	}
	if first%10 == 0 {
		t.Fatalf("%d votes are shown exactly in any case", first)
	}
	progress, err := json.Marshal(election.Progress{NextSerial: all, Size: all, Fingerprint: d.Fingerprint()})
	if err != nil {
		t.Fatal(err)
	}
	produce(t, cluster, resultstest.Record{Topic: election.VotesProgressTopic, Key: election.VotesProducer(0), Value: progress})
	shownRows(t, browser, func(rows [][]string) bool { return rows[0][3] == number.Thousands(first) })
	if got := browsertest.Evaluate[string](t, browser, note); got != "" {
		t.Errorf("once they are closed the page says %q", got)
	}
}
