package results_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"realtime-election/election"
	"realtime-election/internal/results"
)

func TestACountThatAgreesIsNotDoubted(t *testing.T) {
	s := fold(t, append(everyTopic(1, 5), definition(), official(1))...).Snapshot()
	if says := s.Impossible(); len(says) > 0 {
		t.Errorf("impossible: %q", says)
	}
	if says := s.Disagreement(); says != "" {
		t.Error(says)
	}
}

// TestEachForgedTotalDisagrees raises one total after another.
func TestEachForgedTotalDisagrees(t *testing.T) {
	whole := append(everyTopic(1, 5), definition(), official(1))
	for _, forged := range everyTopic(1, 5) {
		if forged.topic == election.PerReasonTopic {
			continue // it stands alone
		}
		var r election.Result
		if err := json.Unmarshal(forged.value, &r); err != nil {
			t.Fatal(err)
		}
		r.TotalVotes += 3
		forged.value = encode(r)
		if says := fold(t, slices.Concat(whole, []record{forged})...).Snapshot().Disagreement(); !strings.Contains(says, "disagree") {
			t.Errorf("%s %s: %q", forged.topic, forged.key, says)
		}
	}
}

func TestWhatCannotBeIsSaid(t *testing.T) {
	whole := append(everyTopic(1, 5), definition(), official(1))
	another := changed(t, func(d *election.Definition) { d.Candidates[0].Name = "Anna" })
	electorate := changed(t, func(d *election.Definition) {
		d.Electorate, d.Source = &election.Electorate{}, nil
		d.Regions[1].Districts[0].Registered = 9
	})
	for says, records := range map[string][]record{
		"holds another definition":                            slices.Concat(whole, []record{another}),
		"cannot be read, are left out: 1":                     slices.Concat(whole, []record{{election.PerCandidateTopic, "1/ann", []byte("{}")}}),
		"left out: 1":                                         slices.Concat(whole, []record{{election.ElectionTopic, election.DefinitionKey, nil}}),
		"than were cast: 121 of 120":                          slices.Concat(whole, []record{perCandidate(1, "ann", 111)}),
		"than voters are registered: 170 of 159":              append(everyTopic(1, 5), electorate, official(1), perCandidate(1, "ann", 160)),
		"in South than voters are registered there: 10 of 9":  append(everyTopic(1, 5), electorate, official(1)),
		"in  than voters are registered there: 10 of 9":       append(everyTopic(1, 5), electorate, official(1)), // the district has no name
		"The topic election holds another definition than th": slices.Concat(whole, []record{{election.RunsTopic, election.OfficialRunKey, encode(election.OfficialRun{Run: 1, Fingerprint: "another"})}}),
	} {
		s := fold(t, records...).Snapshot()
		if all := strings.Join(s.Impossible(), " "); !strings.Contains(all, says) {
			t.Errorf("it does not say %q: %q", says, all)
		}
		if s.Candidates[0].Name != "Ann" {
			t.Errorf("%s: a candidate is called %s", says, s.Candidates[0].Name)
		}
	}
	if says := (&results.Snapshot{}).Impossible(); len(says) > 0 {
		t.Errorf("before an election: %q", says)
	}
}
