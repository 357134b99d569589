//go:build browser

package dashboard_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/internal/results/resultstest"
)

var screenshots = flag.String("screenshots", "", "folder to keep the screenshots in")

// newBrowser starts a browser with a profile of its own. That there is none is a failure: the page is what people see.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	var binary string
	for _, name := range []string{os.Getenv("CHROME"), "chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); name != "" && err == nil {
			binary = found
			break
		}
	}
	if binary == "" {
		t.Fatal("no browser found: install chromium, or name one in CHROME")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(binary), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("headless", "new")}
	for _, name := range []string{
		"no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-dev-shm-usage", "hide-scrollbars",
	} {
		options = append(options, chromedp.Flag(name, true))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	browser, closeTab := chromedp.NewContext(allocator)

	// What a page does wrong, it says on its console: what the policy blocked, what the script threw, what a name ran.
	var mu sync.Mutex
	var wrong []string
	say := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		wrong = append(wrong, what)
	}
	err := chromedp.Listen(browser, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Source != log.EntrySourceNetwork { // a dashboard that was stopped is not the page's fault
				say("console: " + e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			say("thrown: " + e.ExceptionDetails.Text)
		case *page.EventJavascriptDialogOpening:
			say("a name ran: " + e.Message)
		}
	})
	t.Cleanup(func() {
		closeTab()
		stopAllocator()
		cancel()
		mu.Lock()
		defer mu.Unlock()
		for _, what := range wrong {
			t.Error(what)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(browser, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	// The first use starts the browser: with a context that is to outlive it.
	if err := chromedp.Do(browser, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatal(err)
	}
	return browser
}

func do(t *testing.T, browser context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	browser, cancel := context.WithTimeout(browser, patience)
	defer cancel()
	if err := chromedp.Do(browser, actions...); err != nil {
		t.Fatal(err)
	}
}

func evaluate[T any](t *testing.T, browser context.Context, expression string) T {
	t.Helper()
	browser, cancel := context.WithTimeout(browser, patience)
	defer cancel()
	value, err := chromedp.Run(browser, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// prefer sets the colour scheme, and asks for no motion, so that a screenshot shows the end of it.
func prefer(t *testing.T, browser context.Context, scheme string) {
	t.Helper()
	if _, err := chromedp.Call(browser, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}); err != nil {
		t.Fatal(err)
	}
}

func screenshot(t *testing.T, browser context.Context, name string) {
	t.Helper()
	browser, cancel := context.WithTimeout(browser, patience)
	defer cancel()
	png, err := chromedp.Run(browser, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	folder := *screenshots
	if folder == "" {
		folder = t.TempDir()
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBrowserShowsTheCountAsItGrows(t *testing.T) {
	cluster := newCluster(t)
	address, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	browser := newBrowser(t)
	prefer(t, browser, "light")
	do(t, browser, chromedp.Navigate("http://"+address+"/"))
	part(t, browser, "status", "Connection", has("Waiting"))
	screenshot(t, browser, "waiting")

	d := lakes()
	// Another election is another page, which loads itself. Chromium may never answer what it is asked meanwhile.
	wait, cancel := context.WithTimeout(browser, patience)
	defer cancel()
	loaded := chromedp.Events(wait, page.LoadEventFired)
	produce(t, cluster, resultstest.Definition(d), resultstest.Official(1))
	for _, err := range loaded {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	part(t, browser, "heading", "No votes counted yet", has("No votes"))
	part(t, browser, "status", "Connection", has("Live"))
	screenshot(t, browser, "empty")

	for hour := range int64(8) {
		cast := time.Now().Add(time.Duration(hour-8) * time.Hour)
		produce(t, cluster, resultstest.Totals(d, 1, count(d, 5_000+(hour+3)*(12-hour)*400), cast)...)
	}
	produce(t, cluster, resultstest.Rejected(1, election.UnknownCandidate, 1234, time.Now()))
	part(t, browser, "heading", "Ann van der Meer leads", has("Ann"))
	part(t, browser, "table", "Candidates", has("Ann van der Meer", "leading", "Water Party",
		`</script><script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, "__f__alert(1)__f__", "ليلى حداد", "⛴️ The Ferry 🦆"))
	part(t, browser, "table", "Regions", has("Northshore", "Island & Reeds", "Turnout", "Leader"))
	part(t, browser, "group", "Count", has("votes counted", "of 2,000,000 expected"))
	part(t, browser, "progressbar", "Votes counted", has(""))
	part(t, browser, "group", "Age of the data", has("Newest vote recorded"))
	part(t, browser, "heading", "1,234 records not counted", has("1,234"))
	for _, chart := range []string{
		"Bar chart: votes per candidate. The table of candidates has the same numbers.",
		"Donut chart: shares of the votes. The table of candidates has the same numbers.",
		"Line chart: votes over the polling day. The table below it has the same numbers.",
	} {
		part(t, browser, "image", chart, has(""))
	}
	if !evaluate[bool](t, browser, `document.getElementById('portrait').naturalWidth > 0`) {
		t.Error("the leader's portrait is not shown")
	}
	screenshot(t, browser, "light")
	prefer(t, browser, "dark")
	screenshot(t, browser, "dark")
	prefer(t, browser, "light")
	do(t, browser, chromedp.EmulateViewport(360, 800))
	if wide := evaluate[int](t, browser, `document.documentElement.scrollWidth`); wide > 360 {
		t.Errorf("at 360 px the page is %d px wide", wide)
	}
	if out := evaluate[string](t, browser, `[...document.querySelectorAll('main *')].filter((e) => !e.closest('.scroll, svg') &&
		e.getBoundingClientRect().right > e.closest('section')?.getBoundingClientRect().right).map((e) => e.outerHTML).join()`); out != "" {
		t.Errorf("at 360 px this sticks out of its card: %s", out)
	}
	screenshot(t, browser, "phone")
}

func TestBrowserKeepsScrollAndFocusAndPauses(t *testing.T) {
	cluster := newCluster(t)
	address, stop := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	d := lakes()
	produce(t, cluster, resultstest.Definition(d), resultstest.Official(1))
	produce(t, cluster, resultstest.Totals(d, 1, count(d, 100), time.Now())...)
	waitForDocument(t, address, func(d web.Document) bool { return d.TotalVotes > 0 })
	browser := newBrowser(t)
	do(t, browser, chromedp.Navigate("http://"+address+"/"))
	part(t, browser, "status", "Connection", has("Live"))
	_, before := part(t, browser, "group", "Count", has("votes counted"))

	press(t, browser, "button", "Pause updates")
	part(t, browser, "status", "Connection", has("updates paused"))
	version := evaluate[uint64](t, browser, `Number(document.documentElement.dataset.version)`)
	produce(t, cluster, resultstest.Totals(d, 1, count(d, 1_000), time.Now())...)
	waitForDocument(t, address, func(d web.Document) bool { return d.Version > version })
	if _, paused := part(t, browser, "group", "Count", has("")); paused != before {
		t.Errorf("paused, the page went from %q to %q", before, paused)
	}
	evaluate[bool](t, browser, `scrollTo(0, 500), true`)
	scrolled := evaluate[float64](t, browser, `scrollY`)
	press(t, browser, "button", "Pause updates")
	_, resumed := part(t, browser, "group", "Count", func(text string) bool { return text != before })
	produce(t, cluster, resultstest.Totals(d, 1, count(d, 2_000), time.Now())...)
	part(t, browser, "group", "Count", func(text string) bool { return text != resumed })
	if y := evaluate[float64](t, browser, `scrollY`); y != scrolled {
		t.Errorf("updates scrolled the page from %v to %v", scrolled, y)
	}
	if id := evaluate[string](t, browser, `document.activeElement.id`); id != "pause" {
		t.Errorf("updates moved the focus to %q", id)
	}

	stop()
	part(t, browser, "status", "Connection", has("Disconnected"))
	if detail := evaluate[string](t, browser, `document.getElementById('detail').textContent`); !strings.Contains(detail, "Retry in ") {
		t.Errorf("disconnected, the page says %q", detail)
	}
	start(t, cluster.ListenAddrs(), address)
	part(t, browser, "status", "Connection", has("Live"))
}
