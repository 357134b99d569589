package web

import (
	"context"
	"errors"
	"math"
	"net/http"

	"realtime-election/internal/health"
)

// serveHealth serves the site's health: whether the results have been read, the number of viewers, and the age of the results.
// The metrics are updated at each request for them.
func (s Site) serveHealth(mux *http.ServeMux) {
	h := s.Health
	if h == nil {
		h = health.New("dashboard")
	}
	h.Needs(health.Need{What: "results", Check: func(context.Context) error {
		if s.Hub.Current() == nil {
			return errors.New(s.Hub.Status().Detail)
		}
		return nil
	}})
	viewers := h.Gauge("election_page_viewers", "Open event streams, one for each browser that looks at the page.")
	age := h.Gauge("election_result_age_seconds", "Since the newest vote counted was recorded; NaN before the first.")
	version := h.Gauge("election_result_version", "Version of the results that are shown, rising from 1 at the start of the process.")
	skipped := h.Gauge("election_result_records_skipped", "Malformed records of the result topics that were left out.")

	paths := http.NewServeMux()
	h.Register(paths)
	for _, path := range []string{"GET /healthz", "GET /readyz", "GET /version"} {
		mux.Handle(path, paths)
	}
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		viewers.Set(float64(s.Hub.Viewers()))
		age.Set(math.NaN())
		if status := s.Hub.Status(); status.Age >= 0 {
			age.Set(status.Age.Seconds())
		}
		if u := s.Hub.Current(); u != nil {
			version.Set(float64(u.Version))
			skipped.Set(float64(u.Snapshot.Skipped))
		}
		paths.ServeHTTP(w, r)
	})
}
