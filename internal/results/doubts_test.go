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
		"name another definition":                             slices.Concat(whole, []record{another}),
		"cannot be read, are left out: 1":                     slices.Concat(whole, []record{{election.PerCandidateTopic, "1/ann", []byte("{}")}}),
		"left out: 1":                                         slices.Concat(whole, []record{{election.ElectionTopic, election.DefinitionKey, nil}}),
		"than were cast: 121 of 120":                          slices.Concat(whole, []record{perCandidate(1, "ann", 111)}),
		"than voters are registered: 170 of 159":              append(everyTopic(1, 5), electorate, officialOf(electorate, 1), perCandidate(1, "ann", 160)),
		"in South than voters are registered there: 10 of 9":  append(everyTopic(1, 5), electorate, officialOf(electorate, 1)),
		"in  than voters are registered there: 10 of 9":       append(everyTopic(1, 5), electorate, officialOf(electorate, 1)), // the district has no name
		"The topics name another definition than this page b": slices.Concat(whole, []record{{election.RunsTopic, election.OfficialRunKey, encode(election.OfficialRun{Run: 1, Fingerprint: "another"})}}),
		"The topics name another definition than this page":   slices.Concat(whole, []record{{election.RunsTopic, election.OfficialRunKey, encode(election.OfficialRun{Run: 7})}}),
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

// TestCountWithoutATotalIsDoubted names a run that has counted nothing.
func TestCountWithoutATotalIsDoubted(t *testing.T) {
	counted := election.QueryStatus{Run: 1, State: "running", Counted: map[string]int64{"0": 0, "1": 3}}
	status := func(change func(*election.QueryStatus)) record {
		s := counted
		change(&s)
		return queryStatus(s)
	}
	same := func(*election.QueryStatus) {}
	const says = "The query says that it has counted votes, and there is no total of run 7."
	for name, test := range map[string]struct {
		records []record
		want    string
	}{
		"another run has totals": {append(everyTopic(1, 5), official(7), status(same)), says},
		"its own query":          {[]record{official(7), status(func(s *election.QueryStatus) { s.Run = 7 })}, says},
		"totals":                 {append(everyTopic(7, 5), official(7), status(same)), ""},
		"nothing but rejected": {[]record{official(7), status(same), result(election.PerReasonTopic,
			election.Result{Run: 7, Reason: ptr("malformed"), TotalVotes: 3}, "malformed")}, ""},
		"nothing counted":     {[]record{official(7), status(func(s *election.QueryStatus) { s.Counted = map[string]int64{"0": 0} })}, ""},
		"the next run counts": {[]record{official(7), status(func(s *election.QueryStatus) { s.Run = 8 })}, ""},
		"no run is official":  {[]record{status(same)}, ""},
		"no report":           {[]record{official(7)}, ""},
	} {
		if got := fold(t, append(test.records, definition())...).Snapshot().Disagreement(); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
