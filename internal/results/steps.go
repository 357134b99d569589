package results

import (
	"slices"
)

// pollsClosed reports whether `votes` has sent all ballots and the districts of the snapshot count as many. Ballots that `cast`
// has added are among those that are counted.
func (f *Fold) pollsClosed(s *Snapshot) bool {
	var ballots, counted int64
	for partition := range f.installation.VotePartitions {
		all, ended := f.sent[partition]
		if !ended || all.fingerprint != s.Fingerprint {
			return false
		}
		ballots += all.ballots
	}
	for _, d := range s.Districts {
		counted += d.Votes
	}
	return counted >= ballots
}

// ForViewers is the snapshot as everybody may see it. While the polls are open, the votes of districts are rounded down to
// multiples of the definition's MinimumCell, so that whoever knows when somebody in a small district voted does not see that
// ballot arrive. Whether totals can be true must be asked of the exact snapshot.
func (s *Snapshot) ForViewers() *Snapshot {
	shown := *s
	shown.DistrictStep = 1
	if s.Definition == nil || s.PollsClosed {
		return &shown
	}
	shown.DistrictStep = int64(s.Definition.MinimumCell())
	shown.Districts = slices.Clone(s.Districts)
	for i := range shown.Districts {
		d := &shown.Districts[i]
		d.Votes -= d.Votes % shown.DistrictStep
		d.ByCandidate = slices.Clone(d.ByCandidate)
		for c, votes := range d.ByCandidate {
			d.ByCandidate[c] -= votes % shown.DistrictStep
		}
	}
	return &shown
}
