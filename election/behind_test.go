package election_test

import (
	"testing"

	"realtime-election/election"
)

// TestPartitionAheadDoesNotLowerBehind has a reader whose offset is beyond an end, as after a topic was created anew. That
// does not make up for the other partitions.
func TestPartitionAheadDoesNotLowerBehind(t *testing.T) {
	ends := map[int32]int64{0: 10, 1: 10, 2: 5}
	for _, test := range []struct {
		read map[string]int64
		want int64
	}{
		{map[string]int64{"0": 10, "1": 10, "2": 5}, 0},
		{map[string]int64{"0": 13, "1": 7, "2": 5}, 3},
		{map[string]int64{"0": 15, "1": 10}, 5},
		{nil, 25},
	} {
		if got := election.Behind(ends, test.read); got != test.want {
			t.Errorf("read to %v: behind by %d, want %d", test.read, got, test.want)
		}
	}
}
