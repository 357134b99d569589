package web_test

import (
	"cmp"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"realtime-election/dashboard/live"
	"realtime-election/dashboard/web"
)

// target is the address of a link or a form of the page, as a browser without JavaScript follows it.
func target(t *testing.T, page, what string) string {
	t.Helper()
	if m := regexp.MustCompile(`<a aria-label="` + what + `" href="([^"]*)">`).FindStringSubmatch(page); m != nil {
		return strings.TrimSuffix(html.UnescapeString(m[1]), "#locations")
	}
	m := regexp.MustCompile(`<form class="sort" method="get" action="/#locations">((?:<input[^>]*>)*)<button type="submit">(?:<span[^>]*></span>)?<bdi>` + what + `</bdi>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("the page has no link and no button %q", what)
	}
	values := url.Values{}
	for _, input := range regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(m[1], -1) {
		values.Add(input[1], html.UnescapeString(input[2]))
	}
	return "/?" + values.Encode()
}

func TestTableWorksByFormsAndLinks(t *testing.T) {
	s := newSite(t, country(60))
	first := func(page string) string {
		return regexp.MustCompile(`<th scope="row"><bdi>(County [^<]*)`).FindStringSubmatch(page)[1]
	}
	_, page := s.get(t, "/?q=county+%26+&size=10")
	if !strings.Contains(page, "No district matches “<bdi>county &amp; </bdi>”.") {
		t.Error("the page does not say that nothing matches")
	}
	_, page = s.get(t, "/?q=county&size=10")
	if !strings.Contains(page, "Showing 1–10 of 60 matching districts") || !strings.Contains(page, `<option value="10" selected>`) || !strings.Contains(page, `value="county"`) {
		t.Error("the form's view is not shown")
	}
	_, page = s.get(t, target(t, page, "Next page"))
	if !strings.Contains(page, "Showing 11–20 of 60 matching districts") {
		t.Error("the next page is not the second")
	}
	_, page = s.get(t, target(t, page, "Last page"))
	if !strings.Contains(page, "Showing 51–60 of 60 matching districts") || !strings.Contains(page, `<a aria-label="Next page" role="link" aria-disabled="true" tabindex="0">`) {
		t.Error("the last page is not the sixth, or has a next")
	}
	ascending := first(page)
	_, page = s.get(t, target(t, page, "Votes"))
	if !strings.Contains(page, `<th scope="col" class="n" aria-sort="descending">`) || !strings.Contains(page, "Showing 1–10 of 60 matching districts") {
		t.Error("a press on Votes does not sort by votes, greatest first, from the first page")
	}
	_, page = s.get(t, target(t, page, "Votes"))
	if !strings.Contains(page, `<th scope="col" class="n" aria-sort="ascending">`) {
		t.Error("another press does not turn the order round")
	}
	_, page = s.get(t, target(t, page, "District"))
	_, page = s.get(t, target(t, page, "District"))
	if !strings.Contains(page, `<th scope="col" aria-sort="descending">`) || first(page) < ascending {
		t.Errorf("by name, descending: first %q", first(page))
	}
	_, page = s.get(t, target(t, page, regexp.QuoteMeta(html.EscapeString(hostile))))
	if strings.Count(page, `aria-sort="descending"`) != 1 || strings.Contains(page, hostile) {
		t.Error("a candidate with a hostile name has no proper column")
	}
}

func TestSearchIsEchoedAsText(t *testing.T) {
	s := newSite(t, country(5))
	for _, search := range []string{hostile, `"><img src=x onerror=alert(1)>`, `__f__alert(1)__f__`, `' autofocus onfocus=alert(1) x='`, "\u202eabc", `{{.}}`} {
		for _, path := range []string{"/?q=", "/locations?q=", "/?size=10&page=2&q="} {
			_, page := s.get(t, path+url.QueryEscape(search))
			if !strings.Contains(html.UnescapeString(page), "No district matches “<bdi>"+search+"</bdi>”.") {
				t.Errorf("%s%s is not echoed", path, search)
			}
			if inline := regexp.MustCompile(`(?i)<script(>| [^>]*>[^<])|<img src=x|<[^>"]*("[^"]*"[^>"]*)*\son[a-z]+=`).FindString(page); inline != "" {
				t.Errorf("%s%s became %q", path, search, inline)
			}
		}
	}
}

func TestEventsDoNotCarryTheDistricts(t *testing.T) {
	size := func(districts int) int {
		hub := live.NewHub(web.Portraits{}.Event, func() time.Time { return noon })
		hub.Publish(country(districts))
		return len(hub.Current().Event())
	}
	if small, large := size(51), size(3162); large > small+4096 {
		t.Errorf("an event of 51 districts has %d bytes, of 3,162 districts %d", small, large)
	}
}

func BenchmarkLocations(b *testing.B) {
	hub := live.NewHub(web.Portraits{}.Event, time.Now)
	hub.Publish(country(3162))
	handler := web.Site{Hub: hub, Now: time.Now}.Handler()
	for _, query := range []string{"", "sort=turnout&page=40", "sort=leader&size=100", "q=county+1"} {
		b.Run(cmp.Or(query, "default"), func(b *testing.B) {
			for b.Loop() {
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, httptest.NewRequest("GET", "/locations?"+query, nil))
				if answer.Code != http.StatusOK {
					b.Fatal(answer.Code)
				}
			}
		})
	}
}
