package results

import (
	"testing"
	"time"
)

// TestChangesAreShownWhenQuietAndAtTheLatestAfterThreeSeconds adds a change at regular times, for ten seconds.
func TestChangesAreShownWhenQuietAndAtTheLatestAfterThreeSeconds(t *testing.T) {
	began := time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC)
	for every, want := range map[time.Duration]time.Duration{
		100 * time.Millisecond: 3 * time.Second,        // changes never pause for an interval
		249 * time.Millisecond: 3 * time.Second,        // nor here
		time.Second:            250 * time.Millisecond, // after each change
	} {
		changes := pendingChanges{interval: 250 * time.Millisecond}
		if changes.due(began) {
			t.Error("there is something to show before the first change")
		}
		var first time.Time // time of the first pending change
		for now := began; now.Sub(began) < 10*time.Second; now = now.Add(time.Millisecond) {
			if now.Sub(began)%every == 0 {
				if !changes.any {
					first = now
				}
				changes.add(now)
			}
			if changes.due(now) {
				if got := now.Sub(first); got != want {
					t.Errorf("a change every %v is shown after %v, want %v", every, got, want)
				}
				changes.any = false
			}
		}
		if shown := first.After(began); !shown {
			t.Errorf("a change every %v: nothing was shown", every)
		}
	}
}

// TestFirstReadingIsShownAtItsEnd checks that changes before the first snapshot do not delay it.
func TestFirstReadingIsShownAtItsEnd(t *testing.T) {
	changes := pendingChanges{interval: 250 * time.Millisecond, any: true}
	now := time.Now()
	changes.add(now)
	if !changes.due(now) {
		t.Errorf("the changes are pending until %v", changes.until)
	}
}
