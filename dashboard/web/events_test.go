package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"realtime-election/dashboard/charts"
	"realtime-election/dashboard/live"
	"realtime-election/dashboard/web"
)

// testTimeout is how long a test waits. Only a failure takes that long.
const testTimeout = 30 * time.Second

type event struct{ id, name, data, comment string }

// stream opens /events.
func stream(t *testing.T, s site) (*http.Response, func() event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	return response, func() event {
		t.Helper()
		var e event
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if value != "" {
					e.comment = value
					continue
				}
				if e != (event{}) {
					return e
				}
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return e
	}
}

// named is the next event with a name.
func named(next func() event, name string) event {
	for {
		if e := next(); e.name == name {
			return e
		}
	}
}

func TestFirstEventComesAtOnce(t *testing.T) {
	response, next := stream(t, newSite(t, counted()))
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("type %q", got)
	}
	e := named(next, "results")
	var data struct {
		Version uint64
		Texts   map[string]string
		Charts  []struct{ ID string }
		Order   []string
	}
	if err := json.Unmarshal([]byte(e.data), &data); err != nil {
		t.Fatal(err)
	}
	if e.id != "1" || data.Version != 1 || data.Texts["headline"] != "Ann de Wit leads" || data.Order[0] != "ann" {
		t.Errorf("id %s, %+v", e.id, data)
	}
	var want []struct{ ID string }
	for _, chart := range charts.All(counted()) {
		want = append(want, struct{ ID string }{chart.ID})
	}
	if diff := cmp.Diff(want, data.Charts); diff != "" {
		t.Errorf("charts (-want +got):\n%s", diff)
	}
	if strings.Contains(e.data, "<script") {
		t.Error("the event holds a tag")
	}
	if status := next(); status.name != "status" || !strings.Contains(status.data, `"age_seconds":5`) {
		t.Errorf("after the first results comes %+v, want the status", status)
	}
}

func TestStreamWithoutResultsSaysSo(t *testing.T) {
	s := newSite(t)
	_, next := stream(t, s)
	if e := next(); e.name != "status" || !strings.Contains(e.data, `"state":"waiting"`) || !strings.Contains(e.data, `"age_seconds":null`) {
		t.Errorf("got %+v", e)
	}
	s.hub.Publish(counted())
	if e := named(next, "results"); e.id != "1" {
		t.Errorf("got %+v", e)
	}
}

func TestUpdatesComeInOrderAndPaced(t *testing.T) {
	const pace = 50 * time.Millisecond
	s := serve(t, web.Site{Pace: pace}, counted())
	_, next := stream(t, s)
	named(next, "results")
	begin, seen, updates := time.Now(), 1, 0
	for range 200 {
		s.hub.Publish(counted())
	}
	for seen < 201 {
		version, err := strconv.Atoi(named(next, "results").id)
		if err != nil || version <= seen {
			t.Fatalf("version %d after %d: %v", version, seen, err)
		}
		seen = version
		updates++
	}
	if most := int(time.Since(begin)/pace) + 1; updates > most {
		t.Errorf("%d updates in %v, want at most %d", updates, time.Since(begin), most)
	}
}

func TestQuietStreamHasHeartbeats(t *testing.T) {
	_, next := stream(t, serve(t, web.Site{Heartbeat: 10 * time.Millisecond}, counted()))
	for range 3 {
		for next().comment != "heartbeat" {
		}
	}
}

// TestStreamOutlivesTheTimeForARequest keeps a stream open for longer than the server's time limit for a request.
func TestStreamOutlivesTheTimeForARequest(t *testing.T) {
	s := serve(t, web.Site{Heartbeat: 20 * time.Millisecond}, counted())
	server := httptest.NewUnstartedServer(s.Config.Handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	_, next := stream(t, site{server, s.hub})
	for range 10 {
		for next().comment != "heartbeat" {
		}
	}
}

// TestCountIsSentOnceThoughItsStatusChanges checks that a new status does not send the count again, which may be large.
func TestCountIsSentOnceThoughItsStatusChanges(t *testing.T) {
	s := newSite(t, counted())
	_, next := stream(t, s)
	named(next, "results")
	named(next, "status")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.hub.Watch(ctx) }()
	s.hub.SetBacklog(live.Backlog{Uncounted: true})
	for {
		e := next()
		if e.name == "results" {
			t.Error("the same count was sent again")
		}
		if strings.Contains(e.data, `"stale"`) {
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestSlowBrowserIsCutOffAndHoldsUpNobody(t *testing.T) {
	s := serve(t, web.Site{WriteTimeout: 200 * time.Millisecond, Pace: time.Microsecond}, counted())
	open(t, s.Server, "/events") // from here on this browser does not read

	_, next := stream(t, s)
	named(next, "results")
	deadline := time.Now().Add(testTimeout)
	for version := 2; ; version++ {
		s.hub.Publish(counted())
		if got := named(next, "results").id; got != strconv.Itoa(version) {
			t.Fatalf("the quick browser got version %s, want %d", got, version)
		}
		// Once the buffers are full and the time is over, the server ends the slow browser's connection.
		if s.hub.Viewers() == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the slow browser is still served")
		}
	}
}

// TestTooManyViewersAreRefused opens as many streams as one address may have, and as many as there may be in all.
func TestTooManyViewersAreRefused(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]web.Site{
		"of an address": {MaxViewers: 9, MaxViewersOfAddress: 2},
		"in all":        {MaxViewers: 2, MaxViewersOfAddress: 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, limits, counted())
			first, next := stream(t, s)
			named(next, "results")
			_, next = stream(t, s)
			named(next, "results")
			if r, body := s.get(t, "/events"); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "15" || !strings.HasPrefix(body, "Too many") {
				t.Errorf("the third stream: %s, %v, %q", r.Status, r.Header, body)
			}
			if r, _ := s.get(t, "/"); r.StatusCode != http.StatusOK {
				t.Errorf("the page: %s", r.Status)
			}
			first.Body.Close()
			deadline := time.Now().Add(testTimeout)
			for {
				again, next := stream(t, s)
				if again.StatusCode == http.StatusOK {
					named(next, "results")
					return
				}
				if time.Now().After(deadline) {
					t.Fatal("when one is closed, another is refused still: ", again.Status)
				}
				again.Body.Close()
				s.hub.Publish(counted()) // the server learns that a browser is gone when it writes to it
			}
		})
	}
}
