package health_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"realtime-election/internal/health"
	"realtime-election/internal/health/healthtest"
)

func TestReadyNamesWhatIsMissing(t *testing.T) {
	h := health.New("votes")
	var missing error
	h.Needs(
		health.Need{What: "kafka", Check: func(context.Context) error { return nil }},
		health.Need{What: "postgresql", Check: func(context.Context) error { return missing }},
	)
	if code, body := healthtest.Get(h, "/readyz"); code != http.StatusOK || body != "kafka: ok\npostgresql: ok\n" {
		t.Errorf("all there: %d %q", code, body)
	}
	missing = errors.New("connection refused")
	if code, body := healthtest.Get(h, "/readyz"); code != http.StatusServiceUnavailable || body != "kafka: ok\npostgresql: connection refused\n" {
		t.Errorf("one missing: %d %q", code, body)
	}
	if code, _ := healthtest.Get(h, "/healthz"); code != http.StatusOK {
		t.Errorf("alive, but not ready: %d", code)
	}
}

func TestNotReadyBeforeTheNeedsAreDeclared(t *testing.T) {
	h := health.New("votes")
	if code, body := healthtest.Get(h, "/readyz"); code != http.StatusServiceUnavailable || body != "starting\n" {
		t.Errorf("it starts: %d %q", code, body)
	}
	if code, _ := healthtest.Get(h, "/healthz"); code != http.StatusOK {
		t.Errorf("alive, but not ready: %d", code)
	}
	h.Needs()
	if code, body := healthtest.Get(h, "/readyz"); code != http.StatusOK || body != "" {
		t.Errorf("it has started, and needs nothing: %d %q", code, body)
	}
}

func TestMetricsAndVersion(t *testing.T) {
	h := health.New("votes")
	h.Counter("election_votes_produced_total", "Ballots sent.").Add(7)
	body := healthtest.Metrics(h)
	for _, line := range []string{"election_votes_produced_total 7\n", `election_build_info{revision="`, "go_goroutines "} {
		if !strings.Contains(body, line) {
			t.Errorf("the metrics hold no %q", line)
		}
	}
	if _, body := healthtest.Get(h, "/version"); !strings.HasPrefix(body, "votes ") {
		t.Errorf("the version is %q", body)
	}
}

func TestNilServiceDoesNothing(t *testing.T) {
	var h *health.Service
	h.Needs(health.Need{What: "kafka"})
	h.Counter("a", "b").Add(1)
	h.Kafka("consumer")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Serve(ctx, "127.0.0.1:0", nil); err != nil {
		t.Error(err)
	}
}
