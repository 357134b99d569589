package election

import "strings"

// Results are what the result topics must hold for a run: by topic and by natural key (the record's key without its
// run). Only votes and rejects that occurred have a record.
func (c *Count) Results(run int) map[string]map[string]Result {
	type regionCell struct {
		region    RegionID
		candidate CandidateID
	}
	candidates := make(map[CandidateID]tally)
	regions := make(map[RegionID]tally)
	locations := make(map[regionCell]tally)
	results := make(map[string]map[string]Result)
	for _, topic := range ResultTopics() {
		results[topic] = make(map[string]Result)
	}
	put := func(topic string, t tally, r Result, natural ...string) {
		r.Run, r.TotalVotes, r.NewestRecordAt = run, t.votes, string(AppendTime(nil, t.newest))
		results[topic][strings.Join(natural, "/")] = r
	}

	for cell, t := range c.districts {
		region := c.rules.districts[cell.district].ID
		merge(candidates, cell.candidate, t)
		merge(regions, region, t)
		merge(locations, regionCell{region, cell.candidate}, t)
		put(ByDistrictTopic, t, Result{DistrictID: text(cell.district), CandidateID: text(cell.candidate)},
			string(cell.district), string(cell.candidate))
	}
	for id, t := range candidates {
		candidate := c.rules.candidates[id]
		put(PerCandidateTopic, t, Result{
			CandidateID: text(id), CandidateName: &candidate.Name, PartyAffiliation: &candidate.Party, PhotoURL: &candidate.Photo,
		}, string(id))
	}
	for i := range c.definition.Regions {
		region := &c.definition.Regions[i]
		t, voted := regions[region.ID]
		if !voted {
			continue
		}
		r := Result{RegionID: text(region.ID), RegionName: &region.Name}
		if n := region.Registered(); n > 0 {
			r.RegisteredVoters = &n
		}
		put(TurnoutByLocationTopic, t, r, string(region.ID))
	}
	for cell, t := range locations {
		put(ByLocationTopic, t, Result{RegionID: text(cell.region), CandidateID: text(cell.candidate)},
			string(cell.region), string(cell.candidate))
	}
	for cell, t := range c.groups {
		put(ByDemographicTopic, t, Result{
			RegionID: text(cell.region), AgeGroup: &cell.age, Gender: &cell.gender, CandidateID: text(cell.candidate),
		}, string(cell.region), cell.age, cell.gender, string(cell.candidate))
	}
	for cell, t := range c.minutes {
		put(PerMinuteTopic, t, Result{RegionID: text(cell.region), Minute: &cell.minute, CandidateID: text(cell.candidate)},
			string(cell.region), cell.minute, string(cell.candidate))
	}
	for reason, t := range c.rejected {
		if reason != Duplicate && reason != Conflicting {
			put(PerReasonTopic, t, Result{Reason: &reason}, string(reason))
		}
	}
	return results
}

func text[T ~string](id T) *string {
	s := string(id)
	return &s
}
