//go:build browser

package dashboard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/twmb/franz-go/pkg/kfake"

	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/internal/browsertest"
	"realtime-election/internal/results/resultstest"
)

// counting starts a dashboard for an election with some votes.
func counting(t *testing.T, d election.Definition) (cluster *kfake.Cluster, address string) {
	t.Helper()
	cluster = newCluster(t)
	address, _ = start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	announce(t, cluster, d)
	recount(t, cluster, d, 1_000)
	waitForDocument(t, address, func(w web.Document) bool { return w.TotalVotes > 0 && w.Districts[len(w.Districts)-1].Votes > 0 })
	return cluster, address
}

func recount(t *testing.T, cluster *kfake.Cluster, d election.Definition, most int64) {
	t.Helper()
	produce(t, cluster, resultstest.Totals(d, 1, count(d, most), time.Now())...)
}

// shownRows are the cells of the districts on the page. It waits until satisfies accepts them.
func shownRows(t *testing.T, browser context.Context, satisfies func(rows [][]string) bool) [][]string {
	t.Helper()
	deadline := time.After(testTimeout)
	again := time.NewTicker(25 * time.Millisecond)
	defer again.Stop()
	for {
		id, _ := part(t, browser, "table", "Districts", has(""))
		text, err := call(browser, id, `function() { return JSON.stringify([...this.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim()))) }`)
		var rows [][]string
		if err == nil && json.Unmarshal([]byte(text), &rows) == nil && satisfies(rows) {
			return rows
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("the districts shown are not those expected: %v %s", err, text[:min(500, len(text))])
		}
	}
}

// asAnswered compares rows with the answer of the API.
func asAnswered(t *testing.T, address, query string) func(rows [][]string) bool {
	return func(rows [][]string) bool {
		_, body := get(t, address, "/api/v1/locations?"+query)
		var d web.LocationsDocument
		if err := json.Unmarshal([]byte(body), &d); err != nil {
			t.Fatalf("%s: %s", query, body)
		}
		return slices.EqualFunc(d.Rows, rows, func(want web.LocationDocument, got []string) bool {
			return want.Name == got[0] && want.Region == got[1]
		})
	}
}

func TestBrowserSortsByEveryColumnBothWays(t *testing.T) {
	d := nation(300)
	_, address := counting(t, d)
	browser := browsertest.New(t)
	browsertest.Do(t, browser, chromedp.Navigate("http://"+address+"/"))
	part(t, browser, "status", "Rows shown", has("Showing 1–25 of 300 districts"))
	for _, column := range []struct {
		name, sort string
		order      [2]string
	}{
		{"Region", "region", [2]string{"ascending", "descending"}},
		{"Registered", "registered", [2]string{"descending", "ascending"}},
		{"Votes", "votes", [2]string{"descending", "ascending"}},
		{"Turnout", "turnout", [2]string{"descending", "ascending"}},
		{"Leader", "leader", [2]string{"ascending", "descending"}},
		{"Ann van der Meer", "candidate.ann", [2]string{"descending", "ascending"}},
		{"Cleo Marchetti", "candidate.cleo", [2]string{"descending", "ascending"}},
		{"District", "district", [2]string{"ascending", "descending"}},
	} {
		for _, order := range column.order {
			press(t, browser, "button", column.name)
			shownRows(t, browser, asAnswered(t, address, "sort="+column.sort+"&dir="+strings.TrimSuffix(order, "ending")))
			if got := attribute(t, browser, "button", column.name, "th", "aria-sort"); got != order {
				t.Errorf("%s: aria-sort %q, want %q", column.name, got, order)
			}
			if n := browsertest.Evaluate[int](t, browser, `document.querySelectorAll('[aria-sort]').length`); n != 1 {
				t.Errorf("%s: %d columns say that they are sorted", column.name, n)
			}
		}
	}
}

func TestBrowserPagesSearchesAndKeepsTheView(t *testing.T) {
	d := nation(3162)
	cluster, address := counting(t, d)
	browser := browsertest.New(t)
	browsertest.Do(t, browser, chromedp.Navigate("http://"+address+"/"))
	part(t, browser, "status", "Rows shown", has("Showing 1–25 of 3,162 districts"))
	part(t, browser, "group", "Page", has("Page 1 of 127"))
	press(t, browser, "link", "Next page")
	part(t, browser, "status", "Rows shown", has("Showing 26–50 of 3,162 districts"))
	press(t, browser, "link", "Last page")
	part(t, browser, "status", "Rows shown", has("Showing 3,151–3,162 of 3,162 districts"))
	rows := shownRows(t, browser, asAnswered(t, address, "page=127"))
	if last := rows[len(rows)-1][0]; len(rows) != 12 || last != "Malvern 243" {
		t.Errorf("%d rows, the last is %s", len(rows), last)
	}
	// The link has no target on the last page, and keeps the focus.
	if focused := browsertest.Evaluate[string](t, browser, `document.activeElement.textContent`); focused != "Last" {
		t.Errorf("the focus is on %q", focused)
	}
	press(t, browser, "link", "Next page")
	press(t, browser, "link", "Previous page")
	part(t, browser, "status", "Rows shown", has("Showing 3,126–3,150"))
	press(t, browser, "link", "First page")
	part(t, browser, "status", "Rows shown", has("Showing 1–25 of"))

	choose := func(size string) {
		t.Helper()
		id, _ := part(t, browser, "combobox", "Rows per page", has(""))
		if _, err := call(browser, id, `function() { this.value = "`+size+`"; this.dispatchEvent(new Event('change', { bubbles: true })); return "" }`); err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range []string{"10", "50", "100", "25"} {
		choose(size)
		part(t, browser, "status", "Rows shown", has("Showing 1–"+size+" of 3,162 districts"))
		shownRows(t, browser, asAnswered(t, address, "size="+size))
	}

	// By keyboard: search, move to a header with Tab, and press Enter.
	id, _ := part(t, browser, "searchbox", "Search districts and regions", has(""))
	if _, err := call(browser, id, `function() { this.focus(); return "" }`); err != nil {
		t.Fatal(err)
	}
	keys(t, browser, "zzz<b>")
	part(t, browser, "status", "Rows shown", has("No district matches “zzz<b>”."))
	keys(t, browser, strings.Repeat(kb.Backspace, 6)+"LÚTON avalon")
	part(t, browser, "status", "Rows shown", has("matching districts"))
	shownRows(t, browser, asAnswered(t, address, "q=luton+avalon"))
	keys(t, browser, kb.Tab+kb.Tab+kb.Tab+kb.Tab+kb.Tab+kb.Tab)
	if focused := browsertest.Evaluate[string](t, browser, `document.activeElement.textContent`); focused != "Votes" {
		t.Fatalf("the focus is on %q", focused)
	}
	keys(t, browser, kb.Enter)
	shownRows(t, browser, asAnswered(t, address, "q=luton+avalon&sort=votes"))

	// An update keeps the view, and a reload shows it again.
	id, _ = part(t, browser, "searchbox", "Search districts and regions", has(""))
	if _, err := call(browser, id, `function() { this.focus(); this.setSelectionRange(2, 4); document.querySelector('#locations .scroll').scrollLeft = 30; return "" }`); err != nil {
		t.Fatal(err)
	}
	position := `JSON.stringify([document.activeElement.id, document.activeElement.selectionStart, document.activeElement.value, scrollY, document.querySelector('#locations .scroll').scrollLeft])`
	before := browsertest.Evaluate[string](t, browser, position)
	shown := shownRows(t, browser, func([][]string) bool { return true })
	recount(t, cluster, d, 7_000)
	after := shownRows(t, browser, func(rows [][]string) bool { return rows[0][3] != shown[0][3] })
	shownRows(t, browser, asAnswered(t, address, "q=luton+avalon&sort=votes"))
	if len(after) != len(shown) {
		t.Errorf("%d rows, then %d", len(shown), len(after))
	}
	if now := browsertest.Evaluate[string](t, browser, position); now != before {
		t.Errorf("an update moved focus, selection, text or scroll from %s to %s", before, now)
	}
	if got := attribute(t, browser, "button", "Votes", "th", "aria-sort"); got != "descending" {
		t.Errorf("an update left the rows sorted %q", got)
	}
	browsertest.Do(t, browser, chromedp.Reload())
	shownRows(t, browser, asAnswered(t, address, "q=luton+avalon&sort=votes"))
	part(t, browser, "searchbox", "Search districts and regions", has(""))
	if value := browsertest.Evaluate[string](t, browser, `document.getElementById('locations-search').value`); value != "LÚTON avalon" {
		t.Errorf("after a reload the search is %q", value)
	}
}

func TestBrowserWithoutScripts(t *testing.T) {
	_, address := counting(t, nation(60))
	browser := browsertest.New(t)
	if _, err := chromedp.Call(browser, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	browsertest.Do(t, browser, chromedp.Navigate("http://"+address+"/"))
	part(t, browser, "heading", "Ann van der Meer leads", has("Ann"))
	part(t, browser, "group", "Key figures", has("Registered voters", "Turnout"))
	part(t, browser, "table", "Candidates", has("Ben Okafor"))
	part(t, browser, "table", "Turnout by age group", has("65+"))
	part(t, browser, "table", "Regions", has("North Avalon"))
	part(t, browser, "status", "Rows shown", has("Showing 1–25 of 60 districts"))
	screenshot(t, browser, "no-script")

	follow := func(role, name string, key string) {
		t.Helper()
		id, _ := part(t, browser, role, name, has(""))
		if _, err := call(browser, id, `function() { this.focus(); return "" }`); err != nil {
			t.Fatal(err)
		}
		keys(t, browser, key)
	}
	follow("link", "Next page", kb.Enter)
	part(t, browser, "status", "Rows shown", has("Showing 26–50 of 60 districts"))
	follow("button", "Votes", kb.Enter)
	shownRows(t, browser, asAnswered(t, address, "sort=votes"))
	follow("combobox", "Rows per page", kb.ArrowUp)
	follow("searchbox", "Search districts and regions", "town"+strings.Repeat(kb.Backspace, 4)+"o"+kb.Enter)
	part(t, browser, "status", "Rows shown", has("Showing 1–10 of", "matching districts"))
	shownRows(t, browser, asAnswered(t, address, "sort=votes&size=10&q=o"))
	follow("button", "Votes", kb.Enter)
	shownRows(t, browser, asAnswered(t, address, "sort=votes&dir=asc&size=10&q=o"))
	follow("link", "Last page", kb.Enter)
	part(t, browser, "group", "Page", has("Page 6 of 6"))
}

// TestBrowserDoesNotJump lets numbers grow by some digits. Nothing else on the page may move.
func TestBrowserDoesNotJump(t *testing.T) {
	d := nation(300)
	cluster, address := counting(t, d)
	browser := browsertest.New(t)
	browsertest.Prefer(t, browser, "light")
	for i, width := range []int64{1280, 360} {
		browsertest.Do(t, browser, chromedp.EmulateViewport(width, 800), chromedp.Navigate("http://"+address+"/"))
		part(t, browser, "status", "Connection", has("Live"))
		part(t, browser, "image", "Bar chart: turnout by age group. The table beside it has the same numbers.", has("65+"))
		_, before := part(t, browser, "group", "Count", has(""))
		heights := `JSON.stringify([...document.querySelectorAll('main > *, section')].map((e) => [e.getAttribute('aria-labelledby') || e.className, Math.round(e.getBoundingClientRect().top + scrollY), Math.round(e.getBoundingClientRect().height)]))`
		was := browsertest.Evaluate[string](t, browser, heights)
		recount(t, cluster, d, 4_000*int64(i+1))
		part(t, browser, "group", "Count", func(text string) bool { return text != before })
		shownRows(t, browser, asAnswered(t, address, ""))
		if is := browsertest.Evaluate[string](t, browser, heights); is != was {
			t.Errorf("at %d px the page moved from\n%s to\n%s", width, was, is)
		}
	}
}

// TestBrowserHeaderKeepsItsHeight changes the ages and times in the header, as each second does.
func TestBrowserHeaderKeepsItsHeight(t *testing.T) {
	_, address := counting(t, nation(60))
	browser := browsertest.New(t)
	browsertest.Do(t, browser, chromedp.Navigate("http://"+address+"/"))
	part(t, browser, "status", "Connection", has("Live"))
	for _, font := range []string{"system-ui", "monospace"} {
		for _, width := range []int64{360, 390, 430, 480, 540, 600, 700, 768, 900, 1024, 1280} {
			browsertest.Do(t, browser, chromedp.EmulateViewport(width, 800))
			heights := browsertest.Evaluate[[]float64](t, browser, fmt.Sprintf(`(() => {
				document.documentElement.style.fontFamily = %q;
				const heights = [];
				for (const age of ['', 'Newest vote recorded 1 s ago', 'Newest vote recorded under 1 s ago', 'Newest vote recorded 44 min ago']) {
					for (const updated of ['1 Jan, 11:11:11 UTC', '28 Nov, 20:48:00 UTC']) {
						document.getElementById('age').textContent = age;
						document.querySelector('[data-text=updated]').textContent = 'Last change ' + updated;
						heights.push(Math.round(document.querySelector('header').getBoundingClientRect().height));
					}
				}
				return heights;
			})()`, font))
			if slices.Min(heights) != slices.Max(heights) {
				t.Errorf("%s at %d px: the header is %v px high", font, width, heights)
			}
		}
	}
}

func TestBrowserSaysThatTheCountIsStale(t *testing.T) {
	d := nation(60)
	cluster, address := counting(t, d)
	browser := browsertest.New(t)
	browsertest.Do(t, browser, chromedp.Navigate("http://"+address+"/"))
	part(t, browser, "status", "Connection", has("Live"))
	produce(t, cluster, resultstest.Record{Topic: election.QueryStatusTopic, Key: election.QueryKey},
		resultstest.Record{Topic: election.VotesTopic, Key: "b", Value: []byte("a vote that nobody counts")})
	part(t, browser, "status", "Connection", has("Stale"))
	part(t, browser, "note", "Detail", has("There are votes, but the count has not started."))
	produce(t, cluster, resultstest.Status(election.QueryStatus{Run: 1, State: "running", UpdatedAt: time.Now(), Counted: map[string]int64{"0": votesCast + 1}}))
	part(t, browser, "status", "Connection", has("Live"))
}
