package live

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"realtime-election/election"
	"realtime-election/internal/results"
)

// counting is a count with one candidate and no regions, so that its totals disagree, or with nobody, so that they agree.
func counting(total, counted int64, agrees bool) *results.Snapshot {
	s := &results.Snapshot{
		Definition: &election.Definition{ID: "e"}, Fingerprint: "f", TotalVotes: total,
		ByAge: []results.AgeVotes{{Votes: total}},
		Query: &election.QueryStatus{State: "running", Counted: map[string]int64{"0": counted}}, QueryAt: noon,
	}
	if !agrees {
		s.ByAge[0].Votes++
	}
	return s
}

// stepped is a hub whose clock step moves.
func stepped() (hub *Hub, step func(time.Duration)) {
	now := noon
	return NewHub(numbered, func() time.Time { return now }), func(d time.Duration) { now = now.Add(d) }
}

func TestTotalsThatDisagreeForAMicroBatchAreNotDoubted(t *testing.T) {
	hub, step := stepped()
	for n := range int64(20) {
		hub.Publish(counting(100+n, n, false))
		step(5 * time.Second)
		hub.Publish(counting(100+n, n, true))
		if got := hub.Status(); got.State != Live {
			t.Fatalf("after %d: %+v", n, got)
		}
	}
}

func TestTotalsThatDisagreeOverMicroBatchesAreDoubted(t *testing.T) {
	hub, step := stepped()
	hub.Publish(counting(100, 1, true))
	for n := range int64(disagreeCommits) {
		hub.Publish(counting(100, 1+n, false))
		step(disagreeFor)
		if got := hub.Status(); got.State != Live {
			t.Fatalf("after %d micro-batches: %+v", n, got)
		}
	}
	hub.Publish(counting(100, 1+disagreeCommits, false))
	if got := hub.Status(); got.State != Wrong || !strings.Contains(got.Detail, "disagree") {
		t.Errorf("got %+v", got)
	}
	hub.Publish(counting(101, 9, true))
	if got := hub.Status(); got.State != Live {
		t.Errorf("once they agree: %+v", got)
	}
}

// TestTotalsThatDisagreeAreDoubtedWhereAllIsCounted lets Spark die while it writes, and come back, in another hub.
func TestTotalsThatDisagreeAreDoubtedWhereAllIsCounted(t *testing.T) {
	for backlog, want := range map[Backlog]State{{None: true}: Wrong, {Uncounted: true}: Live, {}: Live} {
		hub, step := stepped()
		hub.SetBacklog(backlog)
		hub.Publish(counting(100, 1, false))
		step(disagreeFor - time.Second)
		if got := hub.Status(); got.State != Live {
			t.Errorf("%+v, soon: %+v", backlog, got)
		}
		step(time.Second)
		hub.clock.report(hub.now(), hub.now())
		if got := hub.Status(); got.State != want {
			t.Errorf("%+v: got %+v, want %s", backlog, got, want)
		}
	}
}

// TestDoubtsAreAboutExactTotals has totals that agree, and would not if the districts were rounded first.
func TestDoubtsAreAboutExactTotals(t *testing.T) {
	d := &election.Definition{
		ID: "e", Electorate: &election.Electorate{}, Candidates: []election.Candidate{{ID: "ann"}},
		Regions: []election.Region{{ID: "north", Districts: []election.District{{ID: "n1", Registered: 30}}}},
	}
	exact := func(inDistrict int64) *results.Snapshot {
		s := counting(19, 1, true)
		s.Definition = d
		s.Candidates = []results.CandidateVotes{{Candidate: &d.Candidates[0], Votes: 19}}
		s.Regions = []results.RegionVotes{{Region: &d.Regions[0], Register: 30, Votes: 19, ByCandidate: []int64{19}}}
		s.Districts = []results.DistrictVotes{{DistrictIn: d.Districts()[0], Votes: inDistrict, ByCandidate: []int64{inDistrict}}}
		s.Slots = []results.SlotVotes{{Slot: "2026-03-18T08:00", ByCandidate: []int64{19}}}
		return s
	}
	for inDistrict, want := range map[int64]State{19: Live, 10: Wrong, 12: Wrong} {
		hub, step := stepped()
		hub.SetBacklog(Backlog{None: true})
		hub.Publish(exact(inDistrict))
		step(disagreeFor)
		if got := hub.Status(); got.State != want {
			t.Errorf("%d in the district: %+v, want %s", inDistrict, got, want)
		}
		if s := hub.Current().Snapshot; s.DistrictStep != 10 || s.Districts[0].Votes != 10 || s.Districts[0].ByCandidate[0] != 10 || s.Regions[0].Votes != 19 {
			t.Errorf("%d in the district: step %d, district %+v, region %+v", inDistrict, s.DistrictStep, s.Districts[0], s.Regions[0])
		}
	}
}

func TestTotalThatHasFallenIsHeldBackAndThenDoubted(t *testing.T) {
	hub, step := stepped()
	hub.Publish(counting(100, 1, true))
	shows := func(after string, total int64, want State) {
		t.Helper()
		if got, status := hub.Current().Snapshot.TotalVotes, hub.Status(); got != total || status.State != want {
			t.Errorf("%s: %d votes, %+v; want %d, %s", after, got, status, total, want)
		}
	}
	fallen := counting(90, 2, true)
	fallen.Query.State = "starting"
	hub.Publish(fallen)
	shows("a fall", 100, Live)
	if state := hub.Current().Snapshot.Query.State; state != "starting" {
		t.Errorf("the query is said to be %s", state)
	}
	step(fallFor - time.Second)
	hub.Publish(counting(99, 3, true))
	shows("a minute", 100, Live)
	hub.Publish(counting(101, 4, true))
	shows("Spark is back", 101, Live)
	hub.Publish(counting(90, 5, true))
	step(fallFor)
	hub.Publish(counting(91, 6, true))
	shows("a minute of another fall", 91, Wrong)
	other := counting(5, 1, true)
	other.Fingerprint = "g"
	hub.Publish(other)
	shows("another election", 5, Live)
}

func TestImpossibleCountsAndReportsAreDoubted(t *testing.T) {
	hub, _ := stepped()
	s := counting(100, 1, true)
	s.Skipped = 3
	hub.Publish(s)
	if got := hub.Status(); got.State != Wrong || !strings.Contains(got.Detail, "left out: 3") {
		t.Errorf("got %+v", got)
	}
	hub.Publish(counting(100, 1, true))
	hub.SetBacklog(Backlog{Invented: true})
	if got := hub.Status(); got.State != Wrong || !strings.Contains(got.Detail, "more records than there are") {
		t.Errorf("got %+v", got)
	}
}

// TestMoreRecordsThanThereAreAreDoubted has 10 offsets in two partitions.
func TestMoreRecordsThanThereAreAreDoubted(t *testing.T) {
	rejecting := func(total, rejected int64) *results.Snapshot {
		s := counting(total, 1, true)
		s.Rejected = []results.ReasonVotes{{Reason: election.Malformed, Records: rejected}}
		return s
	}
	for name, test := range map[string]struct {
		snapshots []*results.Snapshot
		meanwhile *results.Snapshot // comes while Kafka is asked for the ends
		want      State
	}{
		"as many":           {[]*results.Snapshot{rejecting(7, 3)}, nil, Live},
		"rejected":          {[]*results.Snapshot{rejecting(7, 4)}, nil, Wrong},
		"votes":             {[]*results.Snapshot{rejecting(11, 0)}, nil, Wrong},
		"the total is held": {[]*results.Snapshot{rejecting(11, 0), rejecting(5, 0)}, nil, Live},
		"more have come":    {[]*results.Snapshot{rejecting(7, 3)}, rejecting(8, 3), Live},
	} {
		synctest.Test(t, func(t *testing.T) {
			hub := NewHub(numbered, time.Now)
			for _, s := range test.snapshots {
				hub.Publish(s)
			}
			ends := func(context.Context) (map[int32]int64, error) {
				if test.meanwhile != nil {
					hub.Publish(test.meanwhile)
				}
				return map[int32]int64{0: 6, 1: 4}, nil
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- hub.watchBacklog(ctx, ends, time.Second) }()
			synctest.Wait()
			if got := hub.Status(); got.State != test.want {
				t.Errorf("%s: %+v, want %s", name, got, test.want)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOffsetsBeyondTheEndsAreInvented(t *testing.T) {
	for name, test := range map[string]struct {
		offsets, ends map[int32]int64
		want          bool
	}{
		"counted":     {map[int32]int64{0: 5}, map[int32]int64{0: 5, 1: 3}, false},
		"not counted": {map[int32]int64{0: 4}, map[int32]int64{0: 5}, false},
		"beyond":      {map[int32]int64{0: 6}, map[int32]int64{0: 5}, true},
		"nowhere":     {map[int32]int64{7: 1}, map[int32]int64{0: 5}, true},
	} {
		if got := beyond(test.offsets, test.ends); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
