//go:build browser

package dashboard_test

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/internal/browsertest"
	"realtime-election/internal/results/resultstest"
)

var screenshots = flag.String("screenshots", "", "folder to keep the screenshots in")

// screenshot takes a picture of the page, and keeps it if -screenshots names a folder.
func screenshot(t *testing.T, browser context.Context, name string) {
	t.Helper()
	folder := *screenshots
	if folder == "" {
		folder = t.TempDir()
	}
	browsertest.Screenshot(t, browser, filepath.Join(folder, name+".png"))
}

func TestBrowserShowsTheCountAsItGrows(t *testing.T) {
	cluster := newCluster(t)
	address, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	browser := browsertest.New(t)
	browsertest.Prefer(t, browser, "light")
	browsertest.Do(t, browser, chromedp.Navigate("http://"+address+"/"))
	part(t, browser, "status", "Connection", has("Waiting"))
	screenshot(t, browser, "waiting")

	d := lakes()
	// The page reloads itself for another election. Chromium may never answer a question while it does.
	wait, cancel := context.WithTimeout(browser, testTimeout)
	defer cancel()
	loaded := chromedp.Events(wait, page.LoadEventFired)
	announce(t, cluster, d)
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
	part(t, browser, "group", "Last update", has("Last change", "UTC"))
	part(t, browser, "group", "Key figures", has("Registered voters", "3,900,000", "Candidates", "7", "Votes counted", "Turnout"))
	part(t, browser, "table", "Districts", has("Northshore 1", `</script><script>alert(2)</script> 2`, "__f__alert(2)__f__ 1", "<img src=x onerror=alert(2)> 1", "الشمال 2", "🦆 Duck Pond"))
	part(t, browser, "heading", "1,234 records not counted", has("1,234"))
	for _, chart := range []string{
		"Bar chart: votes per candidate. The table of candidates has the same numbers.",
		"Donut chart: shares of the votes. The table of candidates has the same numbers.",
		"Line chart: votes over the polling day. The table below it has the same numbers.",
	} {
		part(t, browser, "image", chart, has(""))
	}
	if !browsertest.Evaluate[bool](t, browser, `document.getElementById('portrait').naturalWidth > 0`) {
		t.Error("the leader's portrait is not shown")
	}
	screenshot(t, browser, "light")
	browsertest.Prefer(t, browser, "dark")
	screenshot(t, browser, "dark")
	browsertest.Prefer(t, browser, "light")
	namesInCharts(t, browser, d)
	width := 1280
	fits := func(with string) {
		t.Helper()
		if wide := browsertest.Evaluate[int](t, browser, `document.documentElement.scrollWidth`); wide > width {
			t.Errorf("at %d px, %s, the page is %d px wide", width, with, wide)
		}
		if out := browsertest.Evaluate[string](t, browser, `[...document.querySelectorAll('main *')].filter((e) => !e.closest('.scroll, .chart') &&
			e.getBoundingClientRect().right > e.closest('section')?.getBoundingClientRect().right).map((e) => e.outerHTML).join()`); out != "" {
			t.Errorf("at %d px, %s, these elements are wider than their card: %s", width, with, out)
		}
	}
	fits("with names of every kind")
	width = 360
	browsertest.Do(t, browser, chromedp.EmulateViewport(360, 800))
	fits("with this machine's fonts")
	screenshot(t, browser, "phone")
	// A chart is resized a moment after the page, and must not keep the page wide until then.
	browsertest.Evaluate[bool](t, browser, `document.querySelectorAll('.chart').forEach((e) => echarts.getInstanceByDom(e)?.resize({ width: 679 })), true`)
	fits("with charts drawn for a wider page")
	browsertest.Evaluate[bool](t, browser, `document.querySelectorAll('.chart').forEach((e) => echarts.getInstanceByDom(e)?.resize()), true`)
	// Fonts differ between machines, and some people read with wider letter spacing (WCAG 1.4.12).
	browsertest.Evaluate[bool](t, browser, `document.documentElement.style.setProperty('letter-spacing', '.2em'), true`)
	fits("with the letters spaced")
}

// namesInCharts points at each candidate's bar and slice, and checks that labels and tooltips show the names as text.
func namesInCharts(t *testing.T, browser context.Context, d election.Definition) {
	t.Helper()
	for _, id := range []string{"chart-votes", "chart-share"} {
		var shown strings.Builder
		for i := range d.Candidates {
			shown.WriteString(browsertest.Evaluate[string](t, browser, fmt.Sprintf(`(() => {
				const chart = echarts.getInstanceByDom(document.getElementById(%q));
				chart.dispatchAction({ type: 'showTip', seriesIndex: 0, dataIndex: %d });
				chart.getZr().flush();
				return [...chart.getDom().querySelectorAll('svg text')].map((e) => e.textContent).join('\n');
			})()`, id, i)))
		}
		for _, c := range d.Candidates {
			name := c.Name
			if len(name) > 40 {
				name = name[:39] + "…"
			}
			if !strings.Contains(shown.String(), name) {
				t.Errorf("%s does not show %q", id, name)
			}
		}
		browsertest.Evaluate[bool](t, browser, fmt.Sprintf(`echarts.getInstanceByDom(document.getElementById(%q)).dispatchAction({ type: 'hideTip' }), true`, id))
	}
}

func TestBrowserShowsTheElectorate(t *testing.T) {
	cluster := newCluster(t)
	address, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	d := nation(600)
	announce(t, cluster, d)
	for tenth := range int64(72) {
		cast := time.Now().Truncate(10 * time.Minute).Add(time.Duration(tenth-72) * 10 * time.Minute)
		produce(t, cluster, resultstest.Totals(d, 1, count(d, 2_000+tenth*(130-tenth)), cast)...)
	}
	waitForDocument(t, address, func(w web.Document) bool { return w.TotalVotes > 0 })
	browser := browsertest.New(t)
	browsertest.Prefer(t, browser, "light")
	browsertest.Do(t, browser, chromedp.Navigate("http://"+address+"/"))
	part(t, browser, "group", "Key figures", has("Registered voters", "Candidates", "Votes counted", "Turnout", "%"))
	part(t, browser, "image", "Bar chart: turnout by age group. The table beside it has the same numbers.", has("65+", "%"))
	part(t, browser, "table", "Turnout by age group", has("18-24", "65+", "Registered", "%"))
	part(t, browser, "table", "Districts", has("Ashford 1", "North Avalon"))
	screenshot(t, browser, "nation-light")
	browsertest.Prefer(t, browser, "dark")
	part(t, browser, "image", "Bar chart: turnout by age group. The table beside it has the same numbers.", has("65+"))
	screenshot(t, browser, "nation-dark")
	browsertest.Prefer(t, browser, "light")
	browsertest.Do(t, browser, chromedp.EmulateViewport(360, 800))
	screenshot(t, browser, "nation-phone")
}

func TestBrowserKeepsScrollAndFocusAndPauses(t *testing.T) {
	cluster := newCluster(t)
	address, stop := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	d := lakes()
	announce(t, cluster, d)
	produce(t, cluster, resultstest.Totals(d, 1, count(d, 100), time.Now())...)
	waitForDocument(t, address, func(d web.Document) bool { return d.TotalVotes > 0 })
	browser := browsertest.New(t)
	browsertest.Do(t, browser, chromedp.Navigate("http://"+address+"/"))
	part(t, browser, "status", "Connection", has("Live"))
	_, before := part(t, browser, "group", "Count", has("votes counted"))

	press(t, browser, "button", "Pause updates")
	part(t, browser, "status", "Connection", has("updates paused"))
	version := browsertest.Evaluate[uint64](t, browser, `Number(document.documentElement.dataset.version)`)
	produce(t, cluster, resultstest.Totals(d, 1, count(d, 1_000), time.Now())...)
	waitForDocument(t, address, func(d web.Document) bool { return d.Version > version })
	if _, paused := part(t, browser, "group", "Count", has("")); paused != before {
		t.Errorf("paused, the page went from %q to %q", before, paused)
	}
	browsertest.Evaluate[bool](t, browser, `scrollTo(0, 500), true`)
	scrolled := browsertest.Evaluate[float64](t, browser, `scrollY`)
	press(t, browser, "button", "Pause updates")
	_, resumed := part(t, browser, "group", "Count", func(text string) bool { return text != before })
	produce(t, cluster, resultstest.Totals(d, 1, count(d, 2_000), time.Now())...)
	part(t, browser, "group", "Count", func(text string) bool { return text != resumed })
	if y := browsertest.Evaluate[float64](t, browser, `scrollY`); y != scrolled {
		t.Errorf("updates scrolled the page from %v to %v", scrolled, y)
	}
	if id := browsertest.Evaluate[string](t, browser, `document.activeElement.id`); id != "pause" {
		t.Errorf("updates moved the focus to %q", id)
	}

	stop()
	part(t, browser, "status", "Connection", has("Disconnected"))
	part(t, browser, "note", "Detail", has("These are the last results received", "Retry in 4 s"))
	part(t, browser, "note", "Detail", has("Retry in 3 s"))
	start(t, cluster.ListenAddrs(), address)
	part(t, browser, "status", "Connection", has("Live"))
}
