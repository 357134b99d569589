package web

import (
	"context"
	"errors"
	"math"

	"realtime-election/internal/health"
)

// declareHealth declares that the site needs results, and what it measures: the number of viewers, and the age of the results.
func (s Site) declareHealth() {
	s.Health.Needs(health.Need{What: "results", Check: func(context.Context) error {
		if s.Hub.Current() == nil {
			return errors.New(s.Hub.Status().Detail)
		}
		return nil
	}})
	s.Health.GaugeOf("election_page_viewers", "Open event streams, one for each browser that looks at the page.",
		func() float64 { return float64(s.Hub.Viewers()) })
	s.Health.GaugeOf("election_result_age_seconds", "Since the newest vote counted was recorded; NaN before the first.", func() float64 {
		if status := s.Hub.Status(); status.Age >= 0 {
			return status.Age.Seconds()
		}
		return math.NaN()
	})
	s.Health.GaugeOf("election_result_version", "Version of the results that are shown, rising from 1 at the start of the process.", func() float64 {
		if u := s.Hub.Current(); u != nil {
			return float64(u.Version)
		}
		return 0
	})
	s.Health.GaugeOf("election_result_records_skipped", "Malformed records of the result topics that were left out.", func() float64 {
		if u := s.Hub.Current(); u != nil {
			return float64(u.Snapshot.Skipped)
		}
		return 0
	})
}
