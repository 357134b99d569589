package scenario_test

import (
	"testing"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/scenario"
)

func TestReferenceCountNamesWhatIsHostile(t *testing.T) {
	for _, hasRegister := range []bool{false, true} {
		wantReasons(t, hasRegister)
	}
}

func wantReasons(t *testing.T, hasRegister bool) {
	t.Helper()
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	if !hasRegister {
		d.Electorate = nil
	}
	const partitions, each = 3, 5
	count := election.NewCount(d, partitions)
	kinds := make(map[string]int)
	for _, h := range scenario.Hostiles(d, partitions, each) {
		if got := count.Add(h.VoteRecord); got != h.Reason {
			t.Errorf("%s is %q, want %q: %.200q", h.Kind, got, h.Reason, h.Value)
		}
		if h.Reason != "" {
			kinds[h.Kind]++
		}
	}
	for _, kind := range scenario.HostileKinds() {
		if kinds[kind] != each && !(hasRegister && kinds[kind] == 2*each) {
			t.Errorf("of kind %q there are %d records, want %d", kind, kinds[kind], each)
		}
	}
}
