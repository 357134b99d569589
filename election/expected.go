package election

import "strings"

// Results are the values that the result topics must hold for a run, by topic and by natural key (the record's key without
// its run). A total of 0 has no record.
func (c *Count) Results(run int) map[string]map[string]Result {
	regions := make(map[RegionID]*Region)
	for i := range c.definition.Regions {
		regions[c.definition.Regions[i].ID] = &c.definition.Regions[i]
	}
	results := make(map[string]map[string]Result)
	put := func(a Aggregation, natural string, t *total) {
		r := Result{Run: run, TotalVotes: t.votes, NewestRecordAt: string(AppendTime(nil, t.newest))}
		values := strings.Split(natural, "/")
		for i, field := range a.Key {
			*fields[field].result(&r) = &values[i]
		}
		switch a.Topic { // fields of the definition
		case PerCandidateTopic:
			candidate := c.rules.candidates[CandidateID(natural)]
			r.CandidateName = &candidate.Name
			r.PartyAffiliation = &candidate.Party
			r.PhotoURL = &candidate.Photo
		case TurnoutByLocationTopic:
			region := regions[RegionID(natural)]
			r.RegionName = &region.Name
			if n := region.Registered(); n > 0 {
				r.RegisteredVoters = &n
			}
		}
		results[a.Topic][natural] = r
	}
	for _, a := range aggregations {
		results[a.Topic] = make(map[string]Result)
		if !a.OfRejected() {
			continue
		}
		for reason, t := range c.rejected {
			if reason != Duplicate && reason != Conflicting {
				put(a, string(reason), &t)
			}
		}
	}
	for _, of := range c.totals {
		for natural, t := range of.byKey {
			put(of.Aggregation, natural, t)
		}
	}
	return results
}
