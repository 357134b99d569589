package live

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"realtime-election/internal/number"
	"realtime-election/internal/results"
)

const (
	// disagreeFor is how long totals of the same votes may differ before that is told, and disagreeCommits how many micro-batches
	// must have been committed since. The totals of one are not written at once.
	disagreeFor, disagreeCommits = 10 * time.Second, 3
	// fallFor is how long a total that has fallen is not shown. Spark writes smaller totals once more when it goes on from a
	// checkpoint, and Kafka may have deleted the greater ones meanwhile.
	fallFor = time.Minute
)

// doubts are what the hub has seen of totals that cannot be right.
type doubts struct {
	impossible []string

	disagreement string    // of the newest snapshot; empty if its totals agree
	since        time.Time // when they began to disagree
	commits      int       // micro-batches committed since
	counted      map[string]int64

	most      int64     // the greatest total that was shown
	election  string    // fingerprint of the definition of most
	fallSince time.Time // zero while the total is not less than most
	total     int64     // of the newest snapshot
	records   int64     // the same and the rejected records
}

// add notes a snapshot. It reports whether the snapshot is to be held back, because its total has fallen.
func (d *doubts) add(now time.Time, s *results.Snapshot) (hold bool) {
	d.impossible = s.Impossible()
	switch text := s.Disagreement(); {
	case text == "":
		d.disagreement = ""
	case d.disagreement == "":
		d.disagreement, d.since, d.commits = text, now, 0
	default:
		d.disagreement = text
	}
	if s.Query != nil && !maps.Equal(d.counted, s.Query.Counted) {
		d.counted = s.Query.Counted
		d.commits++
	}
	if d.election != s.Fingerprint {
		d.election, d.most = s.Fingerprint, 0
	}
	d.total, d.records = s.TotalVotes, s.TotalVotes+s.RejectedRecords()
	if d.total >= d.most {
		d.most, d.fallSince = d.total, time.Time{}
		return false
	}
	if d.fallSince.IsZero() {
		d.fallSince = now
	}
	return now.Sub(d.fallSince) < fallFor
}

// say is what viewers should know, empty where nothing is wrong.
func (d *doubts) say(now time.Time, backlog Backlog) string {
	says := slices.Clone(d.impossible)
	if d.disagreement != "" && now.Sub(d.since) >= disagreeFor && (d.commits >= disagreeCommits || backlog.None) {
		says = append(says, d.disagreement)
	}
	if !d.fallSince.IsZero() && now.Sub(d.fallSince) >= fallFor {
		says = append(says, fmt.Sprintf("The total has fallen from %s to %s.", number.Thousands(d.most), number.Thousands(d.total)))
	}
	if backlog.Invented {
		says = append(says, "The count reports more records than there are in the topic of votes.")
	}
	return strings.Join(says, " ")
}
