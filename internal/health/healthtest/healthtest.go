// Package healthtest asks a service for its health without a server.
package healthtest

import (
	"net/http"
	"net/http/httptest"

	"realtime-election/internal/health"
)

// Get is what the service answers under a path.
func Get(h *health.Service, path string) (status int, text string) {
	mux := http.NewServeMux()
	h.Register(mux)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

// Metrics are all that the service measures.
func Metrics(h *health.Service) string {
	_, text := Get(h, "/metrics")
	return text
}
