//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"realtime-election/internal/browsertest"
	"realtime-election/internal/definition"
)

// photograph opens the page in a browser, holds its tables to the totals of the replayed file, and takes its picture.
func photograph(t *testing.T, page string, file *definition.ResultFile) {
	t.Helper()
	browser := browsertest.New(t)
	browsertest.Prefer(t, browser, "light")
	browsertest.Do(t, browser, chromedp.Navigate(page))
	await(t, "the charts are drawn", func() bool {
		return browsertest.Charts(t, browser) >= 3
	})

	d := file.Definition
	byCandidate := make([]int64, len(d.Candidates))
	byRegion := make(map[string]int64)
	districts := d.Districts()
	for i, line := range d.Source.Lines {
		byCandidate[line[1]] += file.Votes[i]
		byRegion[districts[line[0]].Region.Name] += file.Votes[i]
	}
	for i, candidate := range d.Candidates {
		awaitRow(t, browser, "Candidates", candidate.Name, byCandidate[i])
	}
	for region, votes := range byRegion {
		awaitRow(t, browser, "Regions", region, votes)
	}
	path := *picture
	if path == "" {
		path = filepath.Join(t.TempDir(), "page.png")
	}
	browsertest.Screenshot(t, browser, path)
}

// awaitRow waits until a table has a row with a name and a number in it. The page follows the topics, so the last
// update may still be on its way.
func awaitRow(t *testing.T, browser context.Context, table, name string, votes int64) {
	t.Helper()
	await(t, fmt.Sprintf("table %s has a row of %s with %d votes", table, name, votes), func() bool {
		rows := browsertest.Evaluate[[]string](t, browser, `[...document.querySelectorAll('table[aria-label="`+table+`"] tr')].map((r) => r.innerText)`)
		return slices.ContainsFunc(rows, func(row string) bool {
			return strings.Contains(row, name) && strings.Contains(strings.ReplaceAll(row, ",", ""), strconv.FormatInt(votes, 10))
		})
	})
}
