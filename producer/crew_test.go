package producer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestPartitionsAreGivenUpAtRest has workers that take some time to end. No other copy may have their partitions
// before.
func TestPartitionsAreGivenUpAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ending = 3 * time.Second
		var resting [3]bool
		crew := &crew{workers: make(map[int32]*worker), failed: make(chan error, 1), produce: func(ctx context.Context, partition int32) error {
			<-ctx.Done()
			<-time.After(ending)
			resting[partition] = true
			return ctx.Err()
		}}
		began := time.Now()
		crew.start(t.Context(), []int32{0, 1, 2})
		if took := time.Since(began); took > 0 {
			t.Errorf("a member is busy for %s when it is given partitions", took)
		}
		crew.stop([]int32{0, 2, 7})
		if took := time.Since(began); took != ending || resting != [3]bool{true, false, true} {
			t.Errorf("after %s at rest are %v", took, resting)
		}
		crew.stop([]int32{0, 2}) // again, when they are lost
		crew.stop(crew.partitions())
		if resting != [3]bool{true, true, true} || len(crew.failed) > 0 {
			t.Errorf("at rest are %v, and %d failed", resting, len(crew.failed))
		}
	})
}

func TestFirstFailureOfACrewIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		crew := &crew{workers: make(map[int32]*worker), failed: make(chan error, 1), produce: func(_ context.Context, partition int32) error {
			if partition == 0 {
				return nil
			}
			return broken
		}}
		crew.start(t.Context(), []int32{0, 1, 2})
		if err := <-crew.failed; !errors.Is(err, broken) {
			t.Errorf("it failed with %v", err)
		}
		crew.stop(crew.partitions())
	})
}
