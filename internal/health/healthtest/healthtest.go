// Package healthtest asks a service for its health without a server.
package healthtest

import (
	"net/http"
	"net/http/httptest"

	"realtime-election/internal/health"
)

// Get returns the service's answer to a request for a path.
func Get(h *health.Service, path string) (status int, text string) {
	mux := http.NewServeMux()
	h.Register(mux)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

// Metrics is the text of all metrics.
func Metrics(h *health.Service) string {
	_, text := Get(h, "/metrics")
	return text
}
