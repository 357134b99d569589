//go:build browser

package dashboard_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"realtime-election/dashboard/web"
	"realtime-election/internal/browsertest"
)

// gate is a proxy of a dashboard that can delay answers of /locations.
type gate struct {
	*httptest.Server
	delayed chan chan struct{} // one for each delayed answer, which is sent when it is closed
	delay   chan bool          // whether to delay the next answers
	down    atomic.Bool        // whether /locations fails
}

func newGate(t *testing.T, address string) *gate {
	t.Helper()
	g := &gate{delayed: make(chan chan struct{}, 100), delay: make(chan bool, 1)}
	g.delay <- false
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/locations" {
			proxy.ServeHTTP(w, r)
			return
		}
		if g.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		answer := httptest.NewRecorder()
		proxy.ServeHTTP(answer, r)
		delay := <-g.delay
		g.delay <- delay
		if delay {
			release := make(chan struct{})
			g.delayed <- release
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.Copy(w, answer.Body)
	}))
	t.Cleanup(func() { g.Server.CloseClientConnections(); g.Server.Close() })
	return g
}

func (g *gate) set(delay bool) { <-g.delay; g.delay <- delay }

// next waits for the next delayed answer.
func (g *gate) next(t *testing.T) chan struct{} {
	t.Helper()
	select {
	case release := <-g.delayed:
		return release
	case <-time.After(testTimeout):
		t.Fatal("the page did not ask for the rows")
		return nil
	}
}

func TestBrowserNeverShowsOlderRowsOverNewer(t *testing.T) {
	d := nation(60)
	cluster, address := counting(t, d)
	g := newGate(t, address)
	browser := browsertest.New(t)
	browsertest.Do(t, browser, chromedp.Navigate(g.URL+"/"))
	part(t, browser, "status", "Connection", has("Live"))
	total := func(most int64) {
		t.Helper()
		recount(t, cluster, d, most)
		want := waitForDocument(t, address, func(w web.Document) bool { return w.Districts[0].Candidates["ann"] == most })
		part(t, browser, "group", "Count", func(string) bool {
			return browsertest.Evaluate[uint64](t, browser, `Number(document.documentElement.dataset.version)`) >= want.Version
		})
	}
	annIn := func(rows [][]string) string { return rows[0][6] } // of Ashford 1, which is first by name
	shownRows(t, browser, func(rows [][]string) bool { return annIn(rows) == "1,000" })

	// A newer version comes while the rows of an older one are being sent.
	g.set(true)
	total(2_000)
	older := g.next(t)
	total(3_000)
	g.set(false)
	close(older)
	shownRows(t, browser, func(rows [][]string) bool { return annIn(rows) == "3,000" })

	// The page asks for other rows while some are being sent. It abandons those, and never shows them.
	g.set(true)
	press(t, browser, "button", "Votes")
	older = g.next(t)
	g.set(false)
	press(t, browser, "button", "Region")
	shownRows(t, browser, asAnswered(t, address, "sort=region"))
	// The observer sees rows even if they are shown for a moment only.
	browsertest.Evaluate[bool](t, browser, `window.seen = new Set(), new MutationObserver(() => {
		for (const th of document.querySelectorAll('#locations [aria-sort]')) window.seen.add(th.textContent.trim());
	}).observe(document.getElementById('locations-rows'), { subtree: true, childList: true, characterData: true, attributes: true }), true`)
	close(older)
	total(4_000)
	shownRows(t, browser, func(rows [][]string) bool {
		return rows[0][0] == "Goole 2" || asAnswered(t, address, "sort=region")(rows)
	})
	if seen := browsertest.Evaluate[string](t, browser, `[...window.seen].join()`); seen != "Region" {
		t.Errorf("rows were shown sorted by %s, want Region only", seen)
	}

	// While updates are paused, rows change only when a person asks for others.
	press(t, browser, "button", "Pause updates")
	paused := shownRows(t, browser, func([][]string) bool { return true })
	recount(t, cluster, d, 5_000)
	waitForDocument(t, address, func(w web.Document) bool { return w.Districts[0].Candidates["ann"] == 5_000 })
	if now := shownRows(t, browser, func([][]string) bool { return true }); fmt.Sprint(now) != fmt.Sprint(paused) {
		t.Error("rows changed while updates are paused")
	}
	press(t, browser, "button", "District")
	shownRows(t, browser, asAnswered(t, address, ""))
	press(t, browser, "button", "Pause updates")
	shownRows(t, browser, func(rows [][]string) bool { return annIn(rows) == "5,000" })

	// A pause abandons a request. At its end the page asks again, although no newer version has come.
	g.set(true)
	total(6_000)
	g.next(t)
	press(t, browser, "button", "Pause updates")
	g.set(false)
	press(t, browser, "button", "Pause updates")
	shownRows(t, browser, func(rows [][]string) bool { return annIn(rows) == "6,000" })
}

func TestBrowserSaysThatRowsCannotBeLoaded(t *testing.T) {
	_, address := counting(t, nation(60))
	g := newGate(t, address)
	browser := browsertest.New(t)
	browsertest.Do(t, browser, chromedp.Navigate(g.URL+"/"))
	part(t, browser, "status", "Connection", has("Live"))
	g.down.Store(true)
	press(t, browser, "button", "Votes")
	part(t, browser, "alert", "", has("These rows could not be loaded"))
	g.down.Store(false) // no update comes: the page tries by itself
	shownRows(t, browser, asAnswered(t, address, "sort=votes"))
	nothingWrong(t, browser)
}

func TestBrowserGivesUpRowsThatNeverCome(t *testing.T) {
	_, address := counting(t, nation(60))
	g := newGate(t, address)
	browser := browsertest.New(t)
	browsertest.Do(t, browser, chromedp.Navigate(g.URL+"/"))
	part(t, browser, "status", "Connection", has("Live"))
	shownRows(t, browser, asAnswered(t, address, ""))
	g.set(true)
	press(t, browser, "button", "Votes")
	g.next(t)
	g.set(false)
	part(t, browser, "alert", "", has("These rows could not be loaded", "tried again"))
	shownRows(t, browser, asAnswered(t, address, "sort=votes"))
	nothingWrong(t, browser)
}

func nothingWrong(t *testing.T, browser context.Context) {
	t.Helper()
	if shown := browsertest.Evaluate[bool](t, browser, `!document.getElementById('locations-problem').hidden`); shown {
		t.Error("the page still says that rows could not be loaded")
	}
}
