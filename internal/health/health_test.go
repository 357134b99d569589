package health_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"realtime-election/internal/health"
)

func get(t *testing.T, h *health.Service, path string) (int, string) {
	t.Helper()
	mux := http.NewServeMux()
	h.Register(mux)
	server := httptest.NewServer(mux)
	defer server.Close()
	response, err := http.Get(server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestReadyNamesWhatIsMissing(t *testing.T) {
	h := health.New("votes")
	var missing error
	h.Needs(
		health.Need{What: "kafka", Check: func(context.Context) error { return nil }},
		health.Need{What: "postgresql", Check: func(context.Context) error { return missing }},
	)
	if code, body := get(t, h, "/readyz"); code != http.StatusOK || body != "kafka: ok\npostgresql: ok\n" {
		t.Errorf("all there: %d %q", code, body)
	}
	missing = errors.New("connection refused")
	if code, body := get(t, h, "/readyz"); code != http.StatusServiceUnavailable || body != "kafka: ok\npostgresql: connection refused\n" {
		t.Errorf("one missing: %d %q", code, body)
	}
	if code, _ := get(t, h, "/healthz"); code != http.StatusOK {
		t.Errorf("alive, but not ready: %d", code)
	}
}

func TestNotReadyBeforeTheNeedsAreDeclared(t *testing.T) {
	h := health.New("votes")
	if code, body := get(t, h, "/readyz"); code != http.StatusServiceUnavailable || body != "starting\n" {
		t.Errorf("it starts: %d %q", code, body)
	}
	if code, _ := get(t, h, "/healthz"); code != http.StatusOK {
		t.Errorf("alive, but not ready: %d", code)
	}
	h.Needs()
	if code, body := get(t, h, "/readyz"); code != http.StatusOK || body != "" {
		t.Errorf("it has started, and needs nothing: %d %q", code, body)
	}
}

func TestMetricsAndVersion(t *testing.T) {
	h := health.New("votes")
	h.Counter("election_votes_produced_total", "Ballots sent.").Add(7)
	_, body := get(t, h, "/metrics")
	for _, line := range []string{"election_votes_produced_total 7\n", `election_build_info{revision="`, "go_goroutines "} {
		if !strings.Contains(body, line) {
			t.Errorf("the metrics hold no %q", line)
		}
	}
	if _, body := get(t, h, "/version"); !strings.HasPrefix(body, "votes ") {
		t.Errorf("the version is %q", body)
	}
}

func TestNobodyIsTold(t *testing.T) {
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
