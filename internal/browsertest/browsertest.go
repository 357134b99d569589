// Package browsertest opens pages in a real, headless browser for tests.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// answerTimeout is how long an answer of the browser may take.
const answerTimeout = 30 * time.Second

// New starts a browser with a profile of its own, for chromedp. The test fails if there is no browser, or if the page does
// something wrong.
func New(t *testing.T) context.Context {
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

	mistakes, err := listen(browser)
	t.Cleanup(func() {
		closeTab()
		stopAllocator()
		cancel()
		for _, mistake := range mistakes() {
			t.Error(mistake)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(browser, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	// The first use starts the browser, so its context must last as long as the browser.
	if err := chromedp.Do(browser, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatal(err)
	}
	return browser
}

// listen collects what a page does wrong: what its policy has blocked, what a script has thrown, and dialogs of injected code.
func listen(browser context.Context) (mistakes func() []string, err error) {
	var mu sync.Mutex
	var all []string
	add := func(mistake string) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, mistake)
	}
	err = chromedp.Listen(browser, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Source != log.EntrySourceNetwork { // a dashboard that was stopped is not the page's fault
				add("console: " + e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			add("thrown: " + e.ExceptionDetails.Text)
		case *page.EventJavascriptDialogOpening:
			add("injected code ran: " + e.Message)
		}
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}, err
}

// Do carries out actions.
func Do(t *testing.T, browser context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	browser, cancel := context.WithTimeout(browser, answerTimeout)
	defer cancel()
	if err := chromedp.Do(browser, actions...); err != nil {
		t.Fatal(err)
	}
}

// Evaluate returns the value of a JavaScript expression in the page.
func Evaluate[T any](t *testing.T, browser context.Context, expression string) T {
	t.Helper()
	browser, cancel := context.WithTimeout(browser, answerTimeout)
	defer cancel()
	value, err := chromedp.Run(browser, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Charts is the number of charts that the dashboard has drawn.
func Charts(t *testing.T, browser context.Context) int {
	t.Helper()
	return Evaluate[int](t, browser, `document.querySelectorAll('.chart:not([hidden]) :is(svg, canvas)').length`)
}

// Prefer sets the colour scheme, and turns animations off, so that a screenshot shows their end.
func Prefer(t *testing.T, browser context.Context, scheme string) {
	t.Helper()
	if _, err := chromedp.Call(browser, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}); err != nil {
		t.Fatal(err)
	}
}

// Screenshot writes a picture of the whole page as PNG.
func Screenshot(t *testing.T, browser context.Context, path string) {
	t.Helper()
	browser, cancel := context.WithTimeout(browser, answerTimeout)
	defer cancel()
	png, err := chromedp.Run(browser, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, png, 0o644); err != nil {
		t.Fatal(err)
	}
}
