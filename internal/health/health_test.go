package health_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

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

// TestConnectionsAreBounded opens more connections than there may be, and asks nothing on them.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- health.New("x").Serve(ctx, address, slog.New(slog.DiscardHandler)) }()
	dial := func() net.Conn {
		for {
			conn, err := net.Dial("tcp", address)
			if err == nil {
				t.Cleanup(func() { conn.Close() })
				return conn
			}
			select {
			case err := <-ended:
				t.Fatalf("ended with %v", err)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	const more = 20
	var all []net.Conn
	for range 100 + more {
		all = append(all, dial())
	}
	closed := 0
	for _, conn := range all {
		conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			closed++
		}
	}
	if closed != more {
		t.Errorf("%d connections are closed, want %d", closed, more)
	}
	for _, conn := range all {
		conn.Close()
	}
	for {
		response, err := http.Get("http://" + address + "/healthz")
		if err == nil {
			response.Body.Close()
			break
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
