//go:build chaos

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"realtime-election/dashboard/web"
)

// pageWatch reads the page all the time, whichever process serves it: the API ten times a second, and the events that a
// browser gets. No figure of either may ever be less than it was.
type pageWatch struct {
	mu      sync.Mutex
	figures map[string]int64
	falls   []string
	reads   int // answers of the API
	events  int
	first   shown
	last    shown
}

// shown is an answer of the API, and when it came.
type shown struct {
	web.Document
	at time.Time
}

// watchPage reads until stop is called; the test fails where a figure has fallen by then.
func (s *system) watchPage(t *testing.T) (w *pageWatch, stop func()) {
	t.Helper()
	w = &pageWatch{figures: make(map[string]int64)}
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	for _, read := range []func(context.Context, string) error{w.ask, w.listen} {
		reading.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for ctx.Err() == nil {
				if page := s.page(); page != "" {
					_ = read(ctx, page) // an error is the page's absence
				}
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	stop = sync.OnceFunc(func() {
		cancel()
		reading.Wait()
		for _, fall := range w.falls[:min(20, len(w.falls))] {
			t.Error(fall)
		}
		t.Logf("%d figures in %d answers of the page's API and %d events of the page, from %d votes of run %d to %d of run %d: %d falls",
			len(w.figures), w.reads, w.events, w.first.TotalVotes, w.first.Run, w.last.TotalVotes, w.last.Run, len(w.falls))
	})
	t.Cleanup(stop)
	return w, stop
}

// shows is the last answer of the API.
func (w *pageWatch) shows() shown {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// see compares a figure with what it was; the caller has the lock.
func (w *pageWatch) see(n int64, name ...string) {
	key := strings.Join(name, " ")
	if was := w.figures[key]; n < was {
		w.falls = append(w.falls, fmt.Sprintf("%s: %s fell from %d to %d", time.Now().Format(time.TimeOnly), key, was, n))
	}
	w.figures[key] = n
}

// ask reads the API once.
func (w *pageWatch) ask(ctx context.Context, page string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	response, err := get(ctx, page+"/api/v1/results")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var d web.Document
	if err := json.NewDecoder(response.Body).Decode(&d); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = shown{d, time.Now()}
	if w.reads++; w.reads == 1 {
		w.first = w.last
	}
	w.see(int64(d.Run), "run")
	w.see(d.TotalVotes, "total")
	for reason, n := range d.Rejected {
		w.see(n, "rejected", string(reason))
	}
	for _, c := range d.Candidates {
		w.see(c.Votes, "candidate", string(c.ID))
	}
	for _, r := range d.Regions {
		w.see(r.Votes, "region", string(r.ID))
		for id, n := range r.Candidates {
			w.see(n, "region", string(r.ID), string(id))
		}
	}
	for _, in := range d.Districts {
		w.see(in.Votes, "district", string(in.ID))
		for id, n := range in.Candidates {
			w.see(n, "district", string(in.ID), string(id))
		}
	}
	return nil
}

// listen reads the events until the page goes: of the texts of the page, those that are numbers.
func (w *pageWatch) listen(ctx context.Context, page string) error {
	response, err := get(ctx, page+"/events")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		text, data := strings.CutPrefix(lines.Text(), "data: ")
		var event struct {
			Texts map[string]string `json:"texts"`
		}
		if !data || json.Unmarshal([]byte(text), &event) != nil || event.Texts == nil {
			continue
		}
		w.mu.Lock()
		w.events++
		for key, text := range event.Texts {
			if n, err := strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 64); err == nil {
				w.see(n, "the page's", key)
			}
		}
		w.mu.Unlock()
	}
	return lines.Err()
}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err == nil && response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return response, err
}
