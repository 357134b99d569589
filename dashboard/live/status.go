package live

import (
	"fmt"
	"time"

	"realtime-election/election"
	"realtime-election/internal/results"
)

// MaxSilence is how long the query may report nothing, or count nothing, while votes are uncounted, before the count is stale.
const MaxSilence = 10 * time.Second

// Backlog says whether there are votes that are not counted yet.
type Backlog struct {
	Uncounted bool      // the votes topic has records beyond the offsets that the query has reported
	Since     time.Time // since when votes are uncounted and none has been counted; zero if that is not known
	None      bool      // it is known to have none
	Invented  bool      // the query has reported offsets beyond the ends of the votes topic, or the totals have more records
	Unknown   time.Time // since when Kafka has not answered; zero while it does
}

// State says how far a viewer may rely on the count.
type State string

// The states.
const (
	Waiting State = "waiting" // nothing to show yet
	Live    State = "live"    // all votes are counted, or being counted
	Stale   State = "stale"   // there may be uncounted votes, and the count does not progress
	Wrong   State = "wrong"   // the topics say what cannot be true
)

// Status is how fresh the count is.
type Status struct {
	State  State
	Detail string        // a sentence for people; may be empty
	Age    time.Duration // since the newest vote counted was recorded; negative before the first
}

// Timeless is the status without its age.
func (s Status) Timeless() Status { return Status{State: s.State, Detail: s.Detail} }

// statusOf decides the status. The snapshot is nil before the first. The clock has the report of the snapshot, and doubts what
// is wrong with it.
func statusOf(now time.Time, c clock, s *results.Snapshot, backlog Backlog, doubts string) Status {
	status := Status{State: Live, Age: -1}
	if s != nil && !s.NewestRecordAt.IsZero() {
		status.Age = c.age(now, s.NewestRecordAt)
	}
	unknown := !backlog.Unknown.IsZero() && now.Sub(backlog.Unknown) > MaxSilence
	stuck := backlog.Uncounted && !backlog.Since.IsZero() && now.Sub(backlog.Since) > MaxSilence
	switch {
	case s == nil && unknown:
		status.State, status.Detail = Waiting, "Kafka does not answer. The count appears as soon as it does."
	case s == nil:
		status.State, status.Detail = Waiting, "The results are being read."
	case doubts != "":
		status.State, status.Detail = Wrong, doubts
	case unknown:
		status.State, status.Detail = Stale, "Kafka does not answer. This is the last count that was read."
	case s.Definition == nil:
		status.State, status.Detail = Waiting, "No election has been announced yet."
	case backlog.Uncounted && (s.Query == nil || c.silence(now) > MaxSilence):
		status.State, status.Detail = Stale, silenceDetail(s)
	case s.Query != nil && s.Query.State != election.QueryRunning:
		status.Detail = fmt.Sprintf("The count is %s.", queryState(s.Query.State))
		if backlog.Uncounted && s.Query.State != election.QueryStarting || stuck {
			status.State, status.Detail = Stale, "There are uncounted votes. "+status.Detail
		}
	case stuck:
		status.State, status.Detail = Stale, "There are uncounted votes, and the count does not progress."
	}
	return status
}

func silenceDetail(s *results.Snapshot) string {
	switch {
	case s.Query == nil:
		return "There are votes, but the count has not started."
	case s.Query.State != election.QueryRunning:
		return fmt.Sprintf("There are uncounted votes, and the count was %s when last heard of.", queryState(s.Query.State))
	}
	return "There are uncounted votes, and the count does not report."
}

// queryState is a state of election.QueryStatus as the end of a sentence.
func queryState(state election.QueryState) string {
	if state == election.QueryWaiting {
		return "waiting for Spark"
	}
	return string(state)
}
