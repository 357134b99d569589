package producer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestPartitionsAreGivenUpAtRest holds a worker at the end of its work: nobody else may have its partition before.
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
		crew.begin(t.Context(), []int32{0, 1, 2})
		if took := time.Since(began); took > 0 {
			t.Errorf("a member is busy for %s when it is given partitions", took)
		}
		crew.end([]int32{0, 2, 7})
		if took := time.Since(began); took != ending || resting != [3]bool{true, false, true} {
			t.Errorf("after %s at rest are %v", took, resting)
		}
		crew.end([]int32{0, 2}) // again, when they are lost
		crew.end(crew.partitions())
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
		crew.begin(t.Context(), []int32{0, 1, 2})
		if err := <-crew.failed; !errors.Is(err, broken) {
			t.Errorf("it failed with %v", err)
		}
		crew.end(crew.partitions())
	})
}
