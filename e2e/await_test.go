//go:build e2e

package e2e

import (
	"testing"
	"time"
)

// patience is how long anything may take to come true.
const patience = 3 * time.Minute

// await waits until something holds. Where it does not come to hold, more says why.
func await(t *testing.T, what string, holds func() bool, more ...func() string) {
	t.Helper()
	awaitFor(t, patience, what, holds, more...)
}

// awaitFast is await for what may be over soon.
func awaitFast(t *testing.T, what string, holds func() bool) {
	t.Helper()
	awaitEvery(t, 5*time.Millisecond, patience, what, holds)
}

func awaitFor(t *testing.T, patience time.Duration, what string, holds func() bool, more ...func() string) {
	t.Helper()
	awaitEvery(t, 200*time.Millisecond, patience, what, holds, more...)
}

func awaitEvery(t *testing.T, interval, patience time.Duration, what string, holds func() bool, more ...func() string) {
	t.Helper()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	limit := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			for _, why := range more {
				what += "\n" + why()
			}
			t.Fatalf("it did not come to pass that %s", what)
		}
	}
}
