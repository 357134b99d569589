package results

import (
	"fmt"

	"realtime-election/election"
	"realtime-election/internal/number"
)

// Impossible says what cannot be true of the count, whatever the query has counted: one sentence for each. Then somebody has
// written to the topics what the services do not write.
func (s *Snapshot) Impossible() []string {
	var says []string
	add := func(format string, args ...any) { says = append(says, fmt.Sprintf(format, args...)) }
	if s.Replaced {
		add("The topics name another definition than this page began with.")
	}
	if s.Skipped > 0 {
		add("Records in the topics that cannot be true, or cannot be read, are left out: %s.", number.Thousands(s.Skipped))
	}
	if s.Definition == nil {
		return says
	}
	if s.ExpectedVotes > 0 && s.TotalVotes > s.ExpectedVotes {
		add("More votes are counted than were cast: %s of %s.", number.Thousands(s.TotalVotes), number.Thousands(s.ExpectedVotes))
	}
	if s.Definition.Electorate == nil {
		return says // voters may register on the day
	}
	if s.TotalVotes > s.Registered && s.Registered > 0 {
		add("More votes are counted than voters are registered: %s of %s.", number.Thousands(s.TotalVotes), number.Thousands(s.Registered))
	}
	for _, r := range s.Regions {
		if r.Votes > r.Register {
			add("More votes are counted in %s than voters are registered there: %s of %s.", r.Name, number.Thousands(r.Votes), number.Thousands(r.Register))
			break // one is enough to see that the count is wrong
		}
	}
	for _, d := range s.Districts {
		if d.Votes > d.Registered {
			add("More votes are counted in %s than voters are registered there: %s of %s.", d.Name, number.Thousands(d.Votes), number.Thousands(d.Registered))
			break
		}
	}
	for _, a := range s.ByAge {
		if a.Registered > 0 && a.Votes > a.Registered {
			add("More votes of the age group %s are counted than voters of that age are registered: %s of %s.", a.Group, number.Thousands(a.Votes), number.Thousands(a.Registered))
			break
		}
	}
	return says
}

// Disagreement says which totals of the same votes differ, in one sentence, or that there are none where the query has counted.
// It is empty where nothing is wrong. Totals differ for a moment whenever the query writes those of a micro-batch, one after
// another, and until Spark is back where it died meanwhile.
func (s *Snapshot) Disagreement() string {
	if s.countedNothing() {
		return fmt.Sprintf("The query says that it has counted votes, and there is no total of run %d.", s.Run)
	}
	differ := func(what, one string, votes int64, other string, sum int64) string {
		return fmt.Sprintf("The totals of %s disagree: %s %s, %s %s.", what, number.Thousands(votes), one, number.Thousands(sum), other)
	}
	regions := make([]int64, len(s.Candidates))
	districts, slots := make([]int64, len(s.Candidates)), make([]int64, len(s.Candidates))
	inRegion := make(map[election.RegionID]int64)
	for _, r := range s.Regions {
		addTo(regions, r.ByCandidate)
	}
	for _, d := range s.Districts {
		addTo(districts, d.ByCandidate)
		inRegion[d.Region.ID] += d.Votes
	}
	for _, m := range s.Slots {
		addTo(slots, m.ByCandidate)
	}
	for i, c := range s.Candidates {
		switch {
		case c.Votes != regions[i]:
			return differ(c.Name, "votes in all", c.Votes, "in the regions", regions[i])
		case c.Votes != districts[i]:
			return differ(c.Name, "votes in all", c.Votes, "in the districts", districts[i])
		case c.Votes != slots[i]:
			return differ(c.Name, "votes in all", c.Votes, "by time slot", slots[i])
		}
	}
	for _, r := range s.Regions {
		sum := int64(0)
		for _, votes := range r.ByCandidate {
			sum += votes
		}
		switch {
		case r.Votes != sum:
			return differ(r.Name, "votes in all", r.Votes, "of the candidates", sum)
		case r.Votes != inRegion[r.ID]:
			return differ(r.Name, "votes in all", r.Votes, "in the districts", inRegion[r.ID])
		}
	}
	var ages int64
	for _, a := range s.ByAge {
		ages += a.Votes
	}
	if ages != s.TotalVotes {
		return differ("the age groups", "votes in all", s.TotalVotes, "in the groups", ages)
	}
	return ""
}

// countedNothing reports whether the query, of this run or an earlier one, has counted offsets and the run has no totals. That is
// also so where the offsets hold only ballots of transactions that were aborted, until the next ballot.
func (s *Snapshot) countedNothing() bool {
	if s.Definition == nil || s.Query == nil || s.Query.Run > s.Run || s.TotalVotes > 0 || s.RejectedRecords() > 0 {
		return false
	}
	for _, offset := range s.Query.Counted {
		if offset > 0 {
			return true
		}
	}
	return false
}

func addTo(sums, votes []int64) {
	for i, n := range votes {
		sums[i] += n
	}
}
