package audit

import (
	"context"
	"slices"
	"time"

	"realtime-election/election"
)

// districtStep is the step in which the page must show the votes of districts. They are exact once `votes` has sent all ballots
// and they are counted.
func districtStep(ctx context.Context, c Config, count *election.Count, installation *election.Installation) (int64, error) {
	step := int64(installation.Definition.MinimumCell())
	if step == 1 {
		return 1, nil
	}
	var ballots int64
	for partition := range installation.VotePartitions {
		progress, found, err := readProgress(ctx, c.Kafka, installation.Fingerprint, election.VotesProducer(partition), ignore)
		if err != nil {
			return 0, err
		}
		if !found || !progress.Finished(election.VotesProducer(partition), installation.Fingerprint) {
			return step, nil
		}
		ballots += progress.Size
	}
	if count.Votes() < ballots {
		return step, nil
	}
	return 1, nil
}

// pageExpectation is what the page must show of a run, with the votes of districts in that step. It names everything in the
// definition, with 0 where nobody voted.
func pageExpectation(count *election.Count, installation *election.Installation, run int, step int64) page {
	d := &installation.Definition
	results := count.Results(run)
	p := page{
		Election:   &pageElection{d.ID, d.Name, installation.Fingerprint, d.Polling.Opens, d.Polling.Closes},
		Run:        run,
		TotalVotes: count.Votes(), ExpectedVotes: d.ExpectedVotes(), NewestRecordAt: newest(results),
		Rejected: make(map[string]int64), DistrictStep: step,
	}
	for reason, rejected := range results[election.PerReasonTopic] {
		p.Rejected[reason] = rejected.TotalVotes
	}
	for _, c := range d.Candidates {
		votes := results[election.PerCandidateTopic][string(c.ID)].TotalVotes
		shown := pageCandidate{ID: string(c.ID), Name: c.Name, Party: c.Party, Photo: c.Photo, Votes: votes}
		if p.TotalVotes > 0 {
			shown.Share = float64(votes) / float64(p.TotalVotes)
		}
		p.Candidates = append(p.Candidates, shown)
	}
	p.Leader, p.Tie = leader(p.Candidates)
	known := true
	for i := range d.Regions {
		region := &d.Regions[i]
		shown := pageRegion{ID: string(region.ID), Name: region.Name, Candidates: make(map[string]int64)}
		shown.Votes = results[election.TurnoutByLocationTopic][shown.ID].TotalVotes
		for _, c := range p.Candidates {
			shown.Candidates[c.ID] = results[election.ByLocationTopic][shown.ID+"/"+c.ID].TotalVotes
		}
		// Without an electorate, a district with no voters is one whose number of voters is not known.
		unknown := func(x election.District) bool { return x.Registered == 0 }
		if d.Electorate != nil || !slices.ContainsFunc(region.Districts, unknown) {
			shown.Registered = region.Registered()
		} else {
			known = false
		}
		p.Registered += shown.Registered
		p.Regions = append(p.Regions, shown)
		for _, x := range region.Districts {
			in := pageDistrict{ID: string(x.ID), RegionID: shown.ID, Candidates: make(map[string]int64)}
			for _, c := range p.Candidates {
				votes := results[election.ByDistrictTopic][in.ID+"/"+c.ID].TotalVotes
				in.Candidates[c.ID] = votes / step * step
				in.Votes += votes
			}
			in.Votes = in.Votes / step * step
			p.Districts = append(p.Districts, in)
		}
	}
	if !known {
		p.Registered = 0
	}
	p.AgeGroups = ages(d, results[election.ByDemographicTopic])
	return p
}

// leader is the candidate with the most votes. There is none before the first vote, and in a tie.
func leader(candidates []pageCandidate) (id *string, tie bool) {
	var most int64
	for i := range candidates {
		switch c := &candidates[i]; {
		case c.Votes > most:
			most, id, tie = c.Votes, &c.ID, false
		case c.Votes == most && most > 0:
			id, tie = nil, true
		}
	}
	return id, tie
}

// ages are the totals of the age groups, and at the end that of ballots without an age group, if there are any.
func ages(d *election.Definition, demographics map[string]election.Result) []pageAge {
	votes := make(map[string]int64)
	for _, r := range demographics {
		votes[*r.AgeGroup] += r.TotalVotes
	}
	registered := d.RegisteredByAge()
	var all []pageAge
	for i, group := range election.AgeGroups() {
		age := pageAge{AgeGroup: group, Votes: votes[group]}
		if registered != nil {
			age.Registered = registered[i]
		}
		all = append(all, age)
	}
	var without int64
	if registered != nil {
		without = registered[len(all)]
	}
	if votes[""] > 0 || without > 0 {
		all = append(all, pageAge{Registered: without, Votes: votes[""]})
	}
	return all
}

// newest is the newest time of all results, or nil if there is no result.
func newest(results map[string]map[string]election.Result) *time.Time {
	var last string
	for _, topic := range results {
		for _, r := range topic {
			last = max(last, r.NewestRecordAt)
		}
	}
	at, err := time.Parse(election.TimeLayout, last)
	if err != nil {
		return nil
	}
	return &at
}
