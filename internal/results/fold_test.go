package results_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"realtime-election/election"
	"realtime-election/internal/results"
)

var noon = time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC)

type record struct {
	topic, key string
	value      []byte
}

func (r record) applyTo(f *results.Fold) results.Effect {
	return f.Apply(r.topic, []byte(r.key), r.value, noon)
}

func fold(t *testing.T, records ...record) *results.Fold {
	t.Helper()
	var f results.Fold
	for _, r := range records {
		r.applyTo(&f)
	}
	return &f
}

func ptr[T any](v T) *T { return &v }

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func definition() record {
	return definitionOf(election.Definition{
		ID: "lakes", Name: "Lakes",
		Candidates: []election.Candidate{{ID: "ann", Name: "Ann"}, {ID: "ben", Name: "Ben"}, {ID: "cas", Name: "Cas"}},
		Regions: []election.Region{
			{ID: "north", Name: "North", Districts: []election.District{{ID: "n1", Registered: 100}, {ID: "n2", Registered: 50}}},
			{ID: "south", Name: "South", Districts: []election.District{{ID: "s1"}}},
		},
		Source: &election.Source{Votes: 120},
	})
}

func definitionOf(d election.Definition) record {
	return record{election.ElectionTopic, election.DefinitionKey, encode(election.Installation{Definition: d, Fingerprint: d.Fingerprint(), VotePartitions: 1})}
}

// changed is the definition with a change.
func changed(t *testing.T, change func(*election.Definition)) record {
	t.Helper()
	r := definition()
	var of election.Installation
	if err := json.Unmarshal(r.value, &of); err != nil {
		t.Fatal(err)
	}
	change(&of.Definition)
	return definitionOf(of.Definition)
}

// official names the official run of the definition.
func official(run int) record { return officialOf(definition(), run) }

// officialOf names the official run of the definition that a record announces.
func officialOf(announced record, run int) record {
	var of election.Installation
	if err := json.Unmarshal(announced.value, &of); err != nil {
		panic(err)
	}
	return record{election.RunsTopic, election.OfficialRunKey, encode(election.OfficialRun{Run: run, Fingerprint: of.Fingerprint})}
}

func queryStatus(s election.QueryStatus) record {
	return record{election.QueryStatusTopic, election.QueryKey, encode(s)}
}

func result(topic string, r election.Result, natural ...string) record {
	if r.NewestRecordAt == "" {
		r.NewestRecordAt = "2026-03-18T12:00:00.000Z"
	}
	return record{topic, election.ResultKey(r.Run, natural...), encode(r)}
}

func perCandidate(run int, candidate string, votes int64) record {
	return result(election.PerCandidateTopic, election.Result{Run: run, CandidateID: &candidate, TotalVotes: votes}, candidate)
}

// everyTopic are the records of all topics for a count of `votes` votes for each of ann and ben in n1 and s1.
func everyTopic(run int, votes int64) []record {
	var all []record
	for _, c := range []string{"ann", "ben"} {
		all = append(all, perCandidate(run, c, 2*votes))
		for _, d := range [][2]string{{"north", "n1"}, {"south", "s1"}} {
			region, district := &d[0], &d[1]
			all = append(all,
				result(election.ByLocationTopic, election.Result{Run: run, RegionID: region, CandidateID: &c, TotalVotes: votes}, *region, c),
				result(election.ByDistrictTopic, election.Result{Run: run, DistrictID: district, RegionID: region, CandidateID: &c, TotalVotes: votes}, *district, c),
				result(election.ByDemographicTopic, election.Result{Run: run, RegionID: region, AgeGroup: ptr("65+"), Gender: ptr(""), CandidateID: &c, TotalVotes: votes}, *region, "65+", "", c),
				result(election.PerSlotTopic, election.Result{Run: run, RegionID: region, Slot: ptr("2026-03-18T08:01"), CandidateID: &c, TotalVotes: votes}, *region, "2026-03-18T08:01", c),
			)
		}
	}
	for _, region := range []string{"north", "south"} {
		all = append(all, result(election.TurnoutByLocationTopic, election.Result{Run: run, RegionID: &region, TotalVotes: 2 * votes}, region))
	}
	return append(all, result(election.PerReasonTopic, election.Result{Run: run, Reason: ptr(string(election.Malformed)), TotalVotes: votes}, "malformed"))
}

func TestSnapshotWithoutDefinitionSaysSo(t *testing.T) {
	s := fold(t, everyTopic(1, 5)...).Snapshot()
	if s.Definition != nil || s.TotalVotes != 0 || len(s.Candidates) != 0 {
		t.Errorf("got %+v, want no definition and no totals", s)
	}
}

func TestUpdatedAtIsOfTheNewestResultRecord(t *testing.T) {
	var f results.Fold
	apply := func(r record, at time.Time) { f.Apply(r.topic, []byte(r.key), r.value, at) }
	apply(definition(), noon.Add(time.Hour))
	apply(perCandidate(1, "ann", 1), noon.Add(2*time.Second))
	apply(perCandidate(1, "ben", 1), noon.Add(time.Second))
	apply(record{election.PerCandidateTopic, "1/ann", []byte("{")}, noon.Add(time.Minute))
	if got := f.Snapshot().UpdatedAt; !got.Equal(noon.Add(2 * time.Second)) {
		t.Errorf("got %v", got)
	}
}

// partitioned is the definition with a number of partitions.
func partitioned(partitions int32) record {
	r := definition()
	r.value = bytes.Replace(r.value, []byte(`"vote_partitions":1`), fmt.Appendf(nil, `"vote_partitions":%d`, partitions), 1)
	return r
}

// TestFoldDoubtsTheTopics skips what nobody can have written by right.
func TestFoldDoubtsTheTopics(t *testing.T) {
	renamed := definition()
	renamed.value = bytes.Replace(renamed.value, []byte(`"Ann"`), []byte(`"Ben"`), 1)
	crowded := changed(t, func(d *election.Definition) { d.Regions[0].Districts[0].Registered = math.MaxInt64 - 100 })
	settings := func(e election.Electorate) record {
		return changed(t, func(d *election.Definition) { d.Electorate, d.Source = &e, nil })
	}
	for name, r := range map[string]record{
		"a definition with steps below 0":           settings(election.Electorate{MinimumCell: -3}),
		"a definition with steps of a million":      settings(election.Electorate{MinimumCell: 1_000_000}),
		"a definition with slots of -5 minutes":     settings(election.Electorate{SlotMinutes: -5}),
		"a definition without partitions":           partitioned(0),
		"a definition with partitions below 0":      partitioned(-1),
		"a definition with too many partitions":     partitioned(election.MostVotePartitions + 1),
		"a definition with another name":            renamed,
		"a definition with more voters than may be": crowded,
		"a run that no other can follow":            official(math.MaxInt64),
		"more votes than there may be":              perCandidate(1, "ann", math.MaxInt64),
	} {
		f := fold(t, append([]record{definition(), official(1)}, everyTopic(1, 5)...)...)
		before := f.Snapshot()
		if effect := f.Apply(r.topic, []byte(r.key), r.value, noon); effect != results.Skipped {
			t.Errorf("%s has the effect %v", name, effect)
		}
		if after := f.Snapshot(); after.Run != before.Run || after.TotalVotes != before.TotalVotes || after.Candidates[0].Name != before.Candidates[0].Name {
			t.Errorf("%s changes what is shown", name)
		}
	}
}

func TestReasonsAreInTheirOrder(t *testing.T) {
	records := []record{definition(), official(1)}
	all := append(election.Reasons(), "b new reason", "a new reason")
	for _, i := range rand.Perm(len(all)) {
		records = append(records, result(election.PerReasonTopic, election.Result{Run: 1, Reason: ptr(string(all[i])), TotalVotes: 1}, string(all[i])))
	}
	var got []election.Reason
	for _, r := range fold(t, records...).Snapshot().Rejected {
		got = append(got, r.Reason)
	}
	want := append(election.Reasons(), "a new reason", "b new reason")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnvotedCandidatesAndEmptyDistrictsArePresent(t *testing.T) {
	s := fold(t, definition(), official(1)).Snapshot()
	if len(s.Candidates) != 3 || len(s.Regions) != 2 || len(s.Districts) != 3 || len(s.Leaders()) != 0 {
		t.Errorf("got %d candidates, %d regions, %d districts, leaders %v", len(s.Candidates), len(s.Regions), len(s.Districts), s.Leaders())
	}
	if s.ExpectedVotes != 120 || !s.NewestRecordAt.IsZero() {
		t.Errorf("got expected %d, newest %v", s.ExpectedVotes, s.NewestRecordAt)
	}
}

func TestRegisterIsKnownWhereEveryDistrictHasOne(t *testing.T) {
	registers := func(change func(*election.Definition)) []int64 {
		t.Helper()
		s := fold(t, changed(t, change)).Snapshot()
		return []int64{s.Registered, s.Regions[0].Register, s.Regions[1].Register}
	}
	for name, test := range map[string]struct {
		change func(*election.Definition)
		want   []int64
	}{
		"a district has none":                   {func(*election.Definition) {}, []int64{0, 150, 0}},
		"every district has one":                {func(d *election.Definition) { d.Regions[1].Districts[0].Registered = 50 }, []int64{200, 150, 50}},
		"a district of nobody in an electorate": {func(d *election.Definition) { d.Electorate = &election.Electorate{} }, []int64{150, 150, 0}},
	} {
		if diff := cmp.Diff(test.want, registers(test.change)); diff != "" {
			t.Errorf("%s: all, north, south (-want +got):\n%s", name, diff)
		}
	}
}

func TestRegisteredVotersByAge(t *testing.T) {
	announced := changed(t, func(d *election.Definition) {
		d.Electorate = &election.Electorate{Ages: map[string]float64{"18-24": 0.2, "65+": 0.8}}
	})
	strange := result(election.ByDemographicTopic, election.Result{Run: 1, RegionID: ptr("north"), AgeGroup: ptr("17"), Gender: ptr(""), CandidateID: ptr("ann"), TotalVotes: 3}, "north", "17", "", "ann")
	s := fold(t, slices.Concat([]record{announced, officialOf(announced, 1), strange}, everyTopic(1, 5))...).Snapshot()
	want := []results.AgeVotes{
		{Group: "18-24", Registered: 30},
		{Group: "25-34"},
		{Group: "35-44"},
		{Group: "45-54"},
		{Group: "55-64"},
		{Group: "65+", Registered: 120, Votes: 20},
		{Votes: 3},
	}
	if diff := cmp.Diff(want, s.ByAge); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryTopicIsShown(t *testing.T) {
	s := fold(t, slices.Concat([]record{definition(), official(1)}, everyTopic(1, 5))...).Snapshot()
	got := map[string]any{
		"total": s.TotalVotes, "candidates": []int64{s.Candidates[0].Votes, s.Candidates[1].Votes, s.Candidates[2].Votes},
		"north": s.Regions[0].Votes, "north by candidate": s.Regions[0].ByCandidate,
		"n1": s.Districts[0].ByCandidate, "n2": s.Districts[1].ByCandidate, "s1": s.Districts[2].Votes,
		"minutes": s.Slots, "65+": s.ByAge[5], "rejected": s.Rejected, "leaders": s.Leaders(),
		"newest": s.NewestRecordAt,
	}
	want := map[string]any{
		"total": int64(20), "candidates": []int64{10, 10, 0},
		"north": int64(10), "north by candidate": []int64{5, 5, 0},
		"n1": []int64{5, 5, 0}, "n2": []int64{0, 0, 0}, "s1": int64(10),
		"minutes":  []results.SlotVotes{{Slot: "2026-03-18T08:01", ByCandidate: []int64{10, 10, 0}}},
		"65+":      results.AgeVotes{Group: "65+", Votes: 20},
		"rejected": []results.ReasonVotes{{Reason: election.Malformed, Records: 5}}, "leaders": []int{0, 1},
		"newest": noon,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
}

func TestAnyOrderAndRepetitionGivesTheSameSnapshot(t *testing.T) {
	start := []record{definition(), official(1)}
	var written []record
	for votes := range int64(20) {
		written = append(written, everyTopic(1, votes)...)
		written = append(written, everyTopic(2, votes/2)...)
	}
	// Only a broken or dying writer leaves these: equal totals with other times, and a malformed record.
	late := perCandidate(1, "cas", 7)
	later := result(election.PerCandidateTopic, election.Result{Run: 1, CandidateID: ptr("cas"), TotalVotes: 7, NewestRecordAt: "2026-03-18T12:00:09.000Z"}, "cas")
	written = append(written, late, later, record{election.PerCandidateTopic, "1/ann", []byte("{")})
	want := fold(t, append(start, written...)...).Snapshot()
	if want.TotalVotes != 19*4+7 {
		t.Fatalf("total %d", want.TotalVotes)
	}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		shuffled := slices.Clone(written)
		for range random.IntN(100) {
			shuffled = append(shuffled, written[random.IntN(len(written)-1)]) // all but the malformed one, which is counted
		}
		shuffled = append(shuffled, start...)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := cmp.Diff(want, fold(t, shuffled...).Snapshot()); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

func TestStaleAndRepeatedTotalsChangeNothing(t *testing.T) {
	f := fold(t, definition(), official(1), perCandidate(1, "ann", 10))
	before := f.Snapshot()
	for _, r := range []record{perCandidate(1, "ann", 10), perCandidate(1, "ann", 9), perCandidate(2, "ann", 99), official(1)} {
		if effect := r.applyTo(f); effect != results.Nothing {
			t.Errorf("%s %s: effect %d, want none", r.topic, r.key, effect)
		}
	}
	after := f.Snapshot()
	if after.TotalVotes != before.TotalVotes {
		t.Errorf("total %d, then %d", before.TotalVotes, after.TotalVotes)
	}
}

func TestOfficialRunSwitchesAllTotalsAtOnce(t *testing.T) {
	f := fold(t, slices.Concat([]record{definition(), official(1)}, everyTopic(1, 5), everyTopic(2, 6))...)
	if got := f.Snapshot().TotalVotes; got != 20 {
		t.Fatalf("run 1: total %d, want 20", got)
	}
	if effect := official(2).applyTo(f); effect != results.Switched {
		t.Errorf("effect %d, want Switched", effect)
	}
	for _, r := range everyTopic(1, 0) { // the old run is deleted
		record{r.topic, r.key, nil}.applyTo(f)
	}
	want := fold(t, slices.Concat([]record{definition(), official(2)}, everyTopic(2, 6))...).Snapshot()
	if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
		t.Errorf("run 2 (-want +got):\n%s", diff)
	}
}

func TestTombstoneRemovesAKey(t *testing.T) {
	f := fold(t, definition(), official(1), perCandidate(1, "ann", 10), perCandidate(1, "ben", 4))
	if effect := (record{election.PerCandidateTopic, "1/ann", nil}).applyTo(f); effect != results.Switched {
		t.Errorf("effect %d, want Switched", effect)
	}
	if s := f.Snapshot(); s.TotalVotes != 4 || s.Candidates[0].Votes != 0 {
		t.Errorf("total %d, ann %d", s.TotalVotes, s.Candidates[0].Votes)
	}
	perCandidate(1, "ann", 3).applyTo(f)
	if s := f.Snapshot(); s.TotalVotes != 7 {
		t.Errorf("total %d after ann came back with 3, want 7", s.TotalVotes)
	}
}

func TestMalformedRecordsAreCountedAndSkipped(t *testing.T) {
	valid := perCandidate(1, "ann", 10)
	for name, bad := range map[string]record{
		"no JSON":              {election.PerCandidateTopic, "1/ann", []byte("votes!")},
		"no run in the key":    {election.PerCandidateTopic, "ann", valid.value},
		"run 0":                {election.PerCandidateTopic, "0/ann", valid.value},
		"another run":          {election.PerCandidateTopic, "2/ann", valid.value},
		"negative total":       perCandidate(1, "ann", -1),
		"no candidate":         result(election.PerCandidateTopic, election.Result{Run: 1, TotalVotes: 1}, "ann"),
		"another candidate":    {election.PerCandidateTopic, "1/ben", valid.value},
		"another minute":       result(election.PerSlotTopic, election.Result{Run: 1, RegionID: ptr("north"), CandidateID: ptr("ann"), Slot: ptr("2026-03-18T08:01"), TotalVotes: 1}, "north", "2026-03-18T08:02", "ann"),
		"an hour of one digit": result(election.PerSlotTopic, election.Result{Run: 1, RegionID: ptr("north"), CandidateID: ptr("ann"), Slot: ptr("2026-03-18T8:01"), TotalVotes: 1}, "north", "2026-03-18T8:01", "ann"),
		"no region":            result(election.ByLocationTopic, election.Result{Run: 1, CandidateID: ptr("ann"), TotalVotes: 1}, "north", "ann"),
		"minute":               result(election.PerSlotTopic, election.Result{Run: 1, RegionID: ptr("north"), CandidateID: ptr("ann"), Slot: ptr("8:01"), TotalVotes: 1}, "north", "8:01", "ann"),
		"no day":               result(election.PerSlotTopic, election.Result{Run: 1, RegionID: ptr("north"), CandidateID: ptr("ann"), Slot: ptr("2025-03-32T08:01"), TotalVotes: 1}, "north", "2025-03-32T08:01", "ann"),
		"a day with a sign":    result(election.PerSlotTopic, election.Result{Run: 1, RegionID: ptr("north"), CandidateID: ptr("ann"), Slot: ptr("2025-02-+3T08:01"), TotalVotes: 1}, "north", "2025-02-+3T08:01", "ann"),
		"no such day":          result(election.PerSlotTopic, election.Result{Run: 1, RegionID: ptr("north"), CandidateID: ptr("ann"), Slot: ptr("2025-02-30T12:00"), TotalVotes: 1}, "north", "2025-02-30T12:00", "ann"),
		"no hour":              result(election.PerSlotTopic, election.Result{Run: 1, RegionID: ptr("north"), CandidateID: ptr("ann"), Slot: ptr("2025-02-28T24:01"), TotalVotes: 1}, "north", "2025-02-28T24:01", "ann"),
		"time":                 result(election.PerCandidateTopic, election.Result{Run: 1, CandidateID: ptr("ann"), NewestRecordAt: "today", TotalVotes: 1}, "ann"),
		"unknown topic":        {"aggregated_weather", "1/ann", valid.value},
		"definition":           {election.ElectionTopic, election.DefinitionKey, []byte("{}")},
		"official run":         {election.RunsTopic, election.OfficialRunKey, []byte(`{"run":-1}`)},
		"status":               {election.QueryStatusTopic, election.QueryKey, []byte(`[]`)},
		"state of free text":   queryStatus(election.QueryStatus{State: election.QueryState(strings.Repeat("vote! ", 1<<20))}),
		"no state":             queryStatus(election.QueryStatus{Run: 1}),
		"a long error":         queryStatus(election.QueryStatus{State: "failing", Error: strings.Repeat("x", election.MostErrorBytes+1)}),
		"counted in no place":  queryStatus(election.QueryStatus{State: "running", Counted: map[string]int64{"votes": 1}}),
		"counted before 0":     queryStatus(election.QueryStatus{State: "running", Counted: map[string]int64{"0": -1}}),
		"counted too far on":   queryStatus(election.QueryStatus{State: "running", Counted: map[string]int64{"1000": 1}}),
		"partition 0 as 000":   queryStatus(election.QueryStatus{State: "running", Counted: map[string]int64{"000": 1}}),
		"a run before 0":       queryStatus(election.QueryStatus{State: "running", Run: -1}),
		"progress":             {election.VotesProgressTopic, election.VotesProducer(0), []byte(`[]`)},
		"progress deleted":     {election.VotesProgressTopic, election.VotesProducer(0), nil},
		"more sent than all":   progressOf(0, election.Progress{NextSerial: 2, Size: 1}),
		"less sent than none":  progressOf(0, election.Progress{NextSerial: -1, Size: -1}),
		"all sent, too many":   progressOf(0, election.Progress{NextSerial: math.MaxInt64, Size: math.MaxInt64}),
		"10^12 + 1 sent":       progressOf(0, election.Progress{NextSerial: election.MostVoters + 1, Size: election.MostVoters + 1, Fingerprint: "f"}),
		"sent beyond int64":    {election.VotesProgressTopic, election.VotesProducer(0), []byte(`{"next_serial":9223372036854775808,"size":9223372036854775808,"fingerprint":"f"}`)},
		"null is sent":         {election.VotesProgressTopic, election.VotesProducer(0), []byte("null")},
		"of no election":       progressOf(0, election.Progress{NextSerial: 1, Size: 1}),
		"another producer":     {election.VotesProgressTopic, "cast", encode(election.Progress{NextSerial: 1, Size: 1, Fingerprint: "f"})},
		"no partition":         {election.VotesProgressTopic, "votes/x", encode(election.Progress{NextSerial: 1, Size: 1, Fingerprint: "f"})},
		"partition 0 as 00":    {election.VotesProgressTopic, "votes/00", encode(election.Progress{NextSerial: 1, Size: 1, Fingerprint: "f"})},
		"partition -1":         progressOf(-1, election.Progress{NextSerial: 1, Size: 1, Fingerprint: "f"}),
		"partition 1000":       progressOf(election.MostVotePartitions, election.Progress{NextSerial: 1, Size: 1, Fingerprint: "f"}),
		"empty, no tombstone":  {election.PerCandidateTopic, "1/ann", []byte{}},
	} {
		f := fold(t, definition(), official(1), valid)
		if effect := bad.applyTo(f); effect != results.Skipped {
			t.Errorf("%s: effect %d, want Skipped", name, effect)
		}
		if s := f.Snapshot(); s.TotalVotes != 10 || s.Skipped != 1 || s.Definition == nil {
			t.Errorf("%s: total %d, skipped %d", name, s.TotalVotes, s.Skipped)
		}
	}
}

func TestVotesForUnknownCandidatesAreNotInTheTotal(t *testing.T) {
	s := fold(t, definition(), official(1), perCandidate(1, "ann", 1), perCandidate(1, "zed", 5)).Snapshot()
	if s.TotalVotes != 1 {
		t.Errorf("total %d, want 1", s.TotalVotes)
	}
}

// TestLastStatusOfTheQueryIsKeptWhateverItsSendersClockSaid replaces a submit whose clock is five minutes ahead by one whose
// clock is right.
func TestLastStatusOfTheQueryIsKeptWhateverItsSendersClockSaid(t *testing.T) {
	f := fold(t, definition())
	report := func(topic, key string, status election.QueryStatus, kafkas time.Time) {
		t.Helper()
		if effect := f.Apply(topic, []byte(key), encode(status), kafkas); effect == results.Skipped {
			t.Errorf("%s %s: skipped", topic, key)
		}
	}
	report(election.QueryStatusTopic, election.QueryKey, election.QueryStatus{State: "waiting", UpdatedAt: noon.Add(5 * time.Minute)}, noon)
	report(election.QueryStatusTopic, election.QueryKey, election.QueryStatus{State: "running", UpdatedAt: noon.Add(time.Minute)}, noon.Add(time.Second))
	report(election.QueryStatusTopic, "another", election.QueryStatus{State: "another's"}, noon.Add(time.Minute))
	s := f.Snapshot()
	if s.Query == nil || s.Query.State != "running" || !s.QueryAt.Equal(noon.Add(time.Second)) {
		t.Errorf("got %+v, reported at %v; want the last record, and Kafka's time of it", s.Query, s.QueryAt)
	}
	f.Apply(election.QueryStatusTopic, []byte(election.QueryKey), nil, noon.Add(time.Hour))
	if s := f.Snapshot(); s.Query != nil || !s.QueryAt.IsZero() {
		t.Errorf("after a tombstone: %+v of %v", s.Query, s.QueryAt)
	}
}

func TestEveryStateOfTheQueryIsKept(t *testing.T) {
	for _, state := range election.QueryStates() {
		status := election.QueryStatus{Run: 1, State: state, Batch: -1, Error: strings.Repeat("x", election.MostErrorBytes), Counted: map[string]int64{"0": 0, "999": 1}}
		f := fold(t, definition(), queryStatus(status))
		if s := f.Snapshot(); s.Skipped != 0 || s.Query == nil || s.Query.State != state {
			t.Errorf("%s: skipped %d, %+v", state, s.Skipped, s.Query)
		}
	}
}

// TestFoldOfALargeElectionIsSmall bounds the memory for a total: 10,000 districts and 50 candidates have half a million of them,
// besides those per minute.
func TestFoldOfALargeElectionIsSmall(t *testing.T) {
	f := fold(t, definition(), official(1))
	const totals = 500 * 50
	if each := foldDistricts(f, 500) / totals; each > 300 {
		t.Errorf("%d bytes for each of %d totals", each, totals)
	}
	if n := f.Snapshot().TotalVotes; n != 0 { // the definition does not have these candidates
		t.Errorf("total %d", n)
	}
}

// foldDistricts applies the totals of districts with 50 candidates, and returns by how many bytes the heap has grown.
func foldDistricts(f *results.Fold, districts int) int64 {
	memory := func() int64 {
		var m runtime.MemStats
		for range 2 { // the second collection empties the pools of earlier tests
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := memory()
	for d := range districts {
		for c := range 50 {
			district, candidate := fmt.Sprintf("district-%05d", d), fmt.Sprintf("candidate-%03d", c)
			result(election.ByDistrictTopic, election.Result{Run: 1, DistrictID: &district, CandidateID: &candidate, TotalVotes: 1}, district, candidate).applyTo(f)
		}
	}
	return memory() - before
}

func BenchmarkFoldOfALargeElection(b *testing.B) {
	for b.Loop() {
		f := &results.Fold{}
		definition().applyTo(f)
		official(1).applyTo(f)
		b.ReportMetric(float64(foldDistricts(f, 10_000))/1e6, "MB")
		f.Snapshot()
	}
}

func FuzzApply(f *testing.F) {
	for _, r := range append(everyTopic(1, 5), definition(), official(1)) {
		f.Add(r.topic, r.key, r.value)
	}
	f.Fuzz(func(t *testing.T, topic, key string, value []byte) {
		s := fold(t, definition(), official(1), perCandidate(1, "ann", 10), record{topic, key, value}).Snapshot()
		if topic != election.ElectionTopic && topic != election.RunsTopic && value != nil && s.TotalVotes < 10 {
			t.Errorf("the total fell to %d", s.TotalVotes)
		}
	})
}

func ExampleFold() {
	var f results.Fold
	for _, r := range []record{definition(), official(1), perCandidate(1, "ben", 3), perCandidate(1, "ben", 2)} {
		f.Apply(r.topic, []byte(r.key), r.value, noon)
	}
	s := f.Snapshot()
	fmt.Println(s.Candidates[s.Leaders()[0]].Name, s.TotalVotes)
	// Output: Ben 3
}
