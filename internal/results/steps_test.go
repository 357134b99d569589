package results_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"realtime-election/election"
	"realtime-election/internal/results"
)

// polled is the definition with an electorate, and votes_topic with two partitions.
func polled(t *testing.T, minimumCell int) (r record, fingerprint string) {
	t.Helper()
	r = changed(t, func(d *election.Definition) {
		d.Electorate, d.Source = &election.Electorate{MinimumCell: minimumCell}, nil
	})
	var of election.Installation
	if err := json.Unmarshal(r.value, &of); err != nil {
		t.Fatal(err)
	}
	of.VotePartitions = 2
	r.value = encode(of)
	return r, of.Fingerprint
}

func progressOf(partition int32, p election.Progress) record {
	return record{election.VotesProgressTopic, election.VotesProducer(partition), encode(p)}
}

// TestPollsAreClosedWhenAllBallotsAreCounted goes through a polling day of 20 ballots.
func TestPollsAreClosedWhenAllBallotsAreCounted(t *testing.T) {
	announced, fingerprint := polled(t, 0)
	sent := func(partition int32, next, size int64) []record {
		return []record{progressOf(partition, election.Progress{NextSerial: next, Size: size, Fingerprint: fingerprint})}
	}
	f := fold(t, announced, officialOf(announced, 1))
	for _, step := range []struct {
		what    string
		records []record
		closed  bool
		effect  results.Effect // of the last record
	}{
		{"before a producer begins", nil, false, results.Nothing},
		{"one has begun", sent(0, 0, 17), false, results.Nothing},
		{"the other has sent all", sent(1, 3, 3), false, results.Changed},
		{"one of them is not done", everyTopic(1, 5), false, results.Changed},
		{"another election's", []record{progressOf(0, election.Progress{NextSerial: 1, Size: 1, Fingerprint: "f"})}, false, results.Changed},
		{"all are sent, and three of the last run count", slices.Concat(everyTopic(1, 4), sent(0, 17, 17)), true, results.Changed},
		{"said again", sent(0, 17, 17), true, results.Nothing},
		{"taken back", sent(0, 16, 17), true, results.Nothing},
		{"malformed", []record{{election.VotesProgressTopic, election.VotesProducer(0), nil}, {election.VotesProgressTopic, election.VotesProducer(0), []byte("null")}}, true, results.Skipped},
		{"of no partition of this election", sent(2, 10, 10), true, results.Changed},
		{"of the commitments", []record{{election.VotesProgressTopic, election.CommitmentsProducer, encode(election.Progress{NextSerial: 9, Size: 9, Fingerprint: fingerprint})}}, true, results.Nothing},
		{"the next run has not counted all", append(everyTopic(2, 4), officialOf(announced, 2)), false, results.Switched},
		{"it has", everyTopic(2, 5), true, results.Changed},
		{"and ballots that were cast by hand", everyTopic(2, 6), true, results.Changed},
	} {
		effect := results.Nothing
		for _, r := range step.records {
			if e := r.applyTo(f); e != results.Nothing {
				effect = e
			}
		}
		if s := f.Snapshot(); s.PollsClosed != step.closed || effect != step.effect && step.records != nil {
			t.Errorf("%s: closed %t, effect %v", step.what, s.PollsClosed, effect)
		}
	}
}

// TestLastBallotsAreCountedBeforeThePollsAreClosed has the candidates' totals before those of the districts.
func TestLastBallotsAreCountedBeforeThePollsAreClosed(t *testing.T) {
	announced, fingerprint := polled(t, 0)
	f := fold(t, append(everyTopic(1, 4), announced, officialOf(announced, 1),
		progressOf(0, election.Progress{NextSerial: 17, Size: 17, Fingerprint: fingerprint}), progressOf(1, election.Progress{Fingerprint: fingerprint}))...)
	perCandidate(1, "ann", 9).applyTo(f)
	if s := f.Snapshot(); s.PollsClosed || s.TotalVotes != 17 {
		t.Errorf("closed %t with %d votes, of which the districts have 16", s.PollsClosed, s.TotalVotes)
	}
}

func TestViewersSeeDistrictsInSteps(t *testing.T) {
	for _, test := range []struct {
		minimumCell, votes int // votes for each of ann and ben in n1 and s1
		step               int64
		of, each           int64 // what is shown of n1, and of each of the two
	}{
		{0, 4, 10, 0, 0},
		{0, 5, 10, 10, 0},
		{0, 9, 10, 10, 0},
		{0, 10, 10, 20, 10},
		{0, 19, 10, 30, 10},
		{0, 20, 10, 40, 20},
		{3, 5, 3, 9, 3},
		{1, 19, 1, 38, 19},
	} {
		announced, _ := polled(t, test.minimumCell)
		f := fold(t, append(everyTopic(1, int64(test.votes)), announced, officialOf(announced, 1))...)
		exact := f.Snapshot()
		shown := exact.ForViewers()
		want := f.Snapshot()
		want.DistrictStep = test.step
		for _, d := range []int{0, 2} {
			want.Districts[d].Votes, want.Districts[d].ByCandidate = test.of, []int64{test.each, test.each, 0}
		}
		if diff := cmp.Diff(want, shown, cmpopts.EquateComparable()); diff != "" {
			t.Errorf("%d votes, step %d (-want +shown):\n%s", test.votes, test.step, diff)
		}
		if diff := cmp.Diff(f.Snapshot(), exact); diff != "" {
			t.Errorf("the exact snapshot was changed:\n%s", diff)
		}
		if diff := cmp.Diff(shown, shown.ForViewers()); diff != "" {
			t.Errorf("shown again it differs:\n%s", diff)
		}
	}
}

// TestViewersSeeExactDistricts once the polls are closed, and of a replay.
func TestViewersSeeExactDistricts(t *testing.T) {
	announced, fingerprint := polled(t, 0)
	whole := everyTopic(1, 19)
	for name, s := range map[string]*results.Snapshot{
		"closed": fold(t, append(whole, announced, officialOf(announced, 1), progressOf(0, election.Progress{NextSerial: 76, Size: 76, Fingerprint: fingerprint}),
			progressOf(1, election.Progress{Fingerprint: fingerprint}))...).Snapshot(),
		"a replay": fold(t, append(whole, definition(), official(1))...).Snapshot(),
	} {
		if shown := s.ForViewers(); shown.DistrictStep != 1 || shown.Districts[0].Votes != 38 || shown.Districts[0].ByCandidate[0] != 19 {
			t.Errorf("%s: step %d, %+v", name, shown.DistrictStep, shown.Districts[0])
		}
	}
	if shown := (&results.Snapshot{}).ForViewers(); shown.DistrictStep != 1 {
		t.Errorf("before an election: step %d", shown.DistrictStep)
	}
}
