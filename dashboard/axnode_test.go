//go:build browser

package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"realtime-election/internal/browsertest"
)

// part finds the element that has this role and name for a screen reader. It waits until holds accepts the element's text.
func part(t *testing.T, browser context.Context, role, name string, holds func(text string) bool) (id cdp.BackendNodeID, text string) {
	t.Helper()
	deadline := time.After(testTimeout)
	again := time.NewTicker(25 * time.Millisecond)
	defer again.Stop()
	for {
		// A question may never be answered while the page reloads, so ask again.
		ask, cancel := context.WithTimeout(browser, 3*time.Second)
		id, text, err := find(ask, role, name)
		cancel()
		if err == nil && holds(text) {
			return id, text
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("%s %q: %v; last seen: %q", role, name, err, text)
		}
	}
}

// find is part without waiting.
func find(browser context.Context, role, name string) (cdp.BackendNodeID, string, error) {
	document, err := chromedp.Call(browser, dom.GetDocument, dom.GetDocumentParams{})
	if err != nil {
		return 0, "", err
	}
	found, err := chromedp.Call(browser, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{
		BackendNodeID: document.Root.BackendNodeID, Role: role, AccessibleName: name,
	})
	if err != nil {
		return 0, "", err
	}
	for _, node := range found.Nodes {
		if !node.Ignored {
			text, err := call(browser, node.BackendDOMNodeID, `function() { return this.innerText ?? this.textContent }`)
			return node.BackendDOMNodeID, text, err
		}
	}
	return 0, "", errors.New("the page has no such element")
}

// call calls a function that returns a string on an element.
func call(browser context.Context, id cdp.BackendNodeID, function string) (string, error) {
	object, err := chromedp.Call(browser, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: id})
	if err != nil {
		return "", err
	}
	result, err := chromedp.Call(browser, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: function, ObjectID: object.Object.ObjectID,
	})
	switch {
	case err != nil:
		return "", err
	case result.ExceptionDetails != nil:
		return "", errors.New(result.ExceptionDetails.Text)
	}
	var text string
	return text, json.Unmarshal(result.Result.Value, &text)
}

// press focuses and clicks a part without scrolling the page.
func press(t *testing.T, browser context.Context, role, name string) {
	t.Helper()
	id, _ := part(t, browser, role, name, has(""))
	if _, err := call(browser, id, `function() { this.focus({preventScroll: true}); this.click(); return "" }`); err != nil {
		t.Fatal(err)
	}
}

// attribute is an attribute of the nearest element that matches closest, from the part of a role and name upwards.
func attribute(t *testing.T, browser context.Context, role, name, closest, attribute string) string {
	t.Helper()
	id, _ := part(t, browser, role, name, has(""))
	value, err := call(browser, id, fmt.Sprintf(`function() { return this.closest(%q).getAttribute(%q) ?? "" }`, closest, attribute))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// keys types text into the element that has the focus.
func keys(t *testing.T, browser context.Context, text string) {
	t.Helper()
	browsertest.Do(t, browser, chromedp.KeyEvent(text))
}

func has(parts ...string) func(string) bool {
	return func(text string) bool {
		for _, p := range parts {
			if !strings.Contains(text, p) {
				return false
			}
		}
		return true
	}
}
