package live

import (
	"fmt"
	"time"

	"realtime-election/internal/results"
)

// Patience is how long the query may be silent while votes wait to be counted, before the count is called stale.
const Patience = 10 * time.Second

// Backlog is what is known of votes that are not counted yet.
type Backlog struct {
	Uncounted bool      // the votes topic holds votes beyond what the query says it has counted
	Unknown   time.Time // since when Kafka has not said; zero while it does
}

// State is how a viewer may take the count.
type State string

// The states.
const (
	Waiting State = "waiting" // nothing to show yet
	Live    State = "live"    // as new as it can be
	Stale   State = "stale"   // there is more than is shown, and nobody counts it
)

// Status is how fresh the count is.
type Status struct {
	State  State
	Detail string        // one sentence for people, may be empty
	Age    time.Duration // since the newest vote counted was recorded; negative before the first
}

// Timeless is the status without what changes by the mere passing of time.
func (s Status) Timeless() Status { return Status{State: s.State, Detail: s.Detail} }

// judge is the rule. The snapshot is nil before the first; the clock has heard its report.
func judge(now time.Time, c clock, s *results.Snapshot, backlog Backlog) Status {
	status := Status{State: Live, Age: -1}
	if s != nil && !s.NewestRecordAt.IsZero() {
		status.Age = c.age(now, s.NewestRecordAt)
	}
	unknown := !backlog.Unknown.IsZero() && now.Sub(backlog.Unknown) > Patience
	switch {
	case s == nil && unknown:
		status.State, status.Detail = Waiting, "Kafka does not answer. The count appears as soon as it does."
	case s == nil:
		status.State, status.Detail = Waiting, "The results are being read."
	case unknown:
		status.State, status.Detail = Stale, "Kafka does not answer. This is the last count that was read."
	case s.Definition == nil:
		status.State, status.Detail = Waiting, "No election has been announced yet."
	case backlog.Uncounted && (s.Query == nil || c.silence(now) > Patience):
		status.State, status.Detail = Stale, silence(s)
	case s.Query != nil && s.Query.State != "running":
		status.Detail = fmt.Sprintf("The count is %s.", queryState(s.Query.State))
		if backlog.Uncounted && s.Query.State != "starting" {
			status.State, status.Detail = Stale, "There are uncounted votes. "+status.Detail
		}
	}
	return status
}

func silence(s *results.Snapshot) string {
	switch {
	case s.Query == nil:
		return "There are votes, but the count has not started."
	case s.Query.State != "running":
		return fmt.Sprintf("There are uncounted votes, and the count was %s when last heard of.", queryState(s.Query.State))
	}
	return "There are uncounted votes, and the count does not report."
}

// queryState says election.QueryStatus's state as the end of a sentence.
func queryState(state string) string {
	if state == "waiting" {
		return "waiting for Spark"
	}
	return state
}
