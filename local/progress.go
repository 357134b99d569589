package local

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"realtime-election/internal/number"
	"realtime-election/internal/terminal"
)

// pageTotals is the part of the page's API that the progress line shows.
type pageTotals struct {
	Total    int64            `json:"total_votes"`
	Expected int64            `json:"expected_votes"` // 0 is unknown
	Rejected map[string]int64 `json:"rejected"`       // votes by reason
}

// progressEvery is how often a line of progress is printed without a terminal.
const progressEvery = 3 * time.Second

// progress prints the page's address once the page answers, and then how far the count is. On a terminal it rewrites
// one line. Elsewhere it prints a line whenever the count has changed. It logs when the page first shows votes. It
// returns when ctx ends.
func (r *run) progress(ctx context.Context) {
	page := r.config.pageURL(r.addresses.listen)
	out, every := r.config.Out, cmp.Or(r.config.pace.progressEvery, progressEvery)
	before, after := "", "\n"
	if terminal.Is(out) {
		every, before, after = time.Second, "\r\x1b[K", ""
	}
	client := &http.Client{Timeout: 2 * time.Second}
	tick := time.NewTicker(every)
	defer tick.Stop()
	announced, votesShown, shown, last, lastAt := false, false, "", pageTotals{}, time.Now()
	poll := time.NewTicker(200 * time.Millisecond) // until the page answers, and shows votes
	defer poll.Stop()
	for {
		early := (<-chan time.Time)(nil)
		if !announced || !votesShown {
			early = poll.C
		}
		due := false
		select {
		case <-ctx.Done():
			if announced && after == "" {
				fmt.Fprintln(out)
			}
			return
		case <-early:
		case <-tick.C:
			due = true
		}
		now, err := fetchTotals(ctx, client, page)
		if err != nil {
			continue
		}
		if !votesShown && now.Total > 0 {
			votesShown = true
			r.logReached("the page shows votes", "dashboard")
		}
		if !announced {
			fmt.Fprintf(out, "The page: %s\n", page)
			announced, last, lastAt = true, now, time.Now()
			continue
		}
		if !due {
			continue
		}
		line := now.line(last, time.Since(lastAt))
		last, lastAt = now, time.Now()
		if line != shown {
			io.WriteString(out, before+line+after)
			shown = line
		}
	}
}

// recordPage records that the dashboard is ready, once the page answers. From then on Running finds it.
func (r *run) recordPage(ctx context.Context, process *Process) error {
	client := &http.Client{Timeout: 2 * time.Second}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := fetchTotals(ctx, client, r.config.pageURL(r.addresses.listen))
		select {
		case <-ctx.Done():
			return nil
		case <-process.Done():
			return nil
		default:
		}
		if err == nil {
			return process.recordReady()
		}
		select {
		case <-ctx.Done():
		case <-process.Done():
		case <-tick.C:
		}
	}
}

func fetchTotals(ctx context.Context, client *http.Client, page string) (pageTotals, error) {
	var t pageTotals
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page+"api/v1/results", nil)
	if err != nil {
		return t, fmt.Errorf("ask the page: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return t, fmt.Errorf("ask the page: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return t, fmt.Errorf("ask the page: it says %s", response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(&t); err != nil {
		return t, fmt.Errorf("read the page's answer: %w", err)
	}
	return t, nil
}

// line says how far the count is, and how fast it has been since earlier totals.
func (t pageTotals) line(earlier pageTotals, since time.Duration) string {
	line := number.Thousands(t.Total) + " votes counted"
	if t.Expected > 0 {
		line = fmt.Sprintf("%s of %s votes counted (%.1f %%)", number.Thousands(t.Total), number.Thousands(t.Expected), 100*float64(t.Total)/float64(t.Expected))
	}
	if rate := float64(t.Total-earlier.Total) / max(since.Seconds(), 0.001); rate >= 0.5 {
		line += fmt.Sprintf(", %s a second", number.Thousands(int64(rate+0.5)))
	}
	var rejected int64
	for _, n := range t.Rejected {
		rejected += n
	}
	if rejected > 0 {
		line += ", " + number.Thousands(rejected) + " rejected"
	}
	return line
}
