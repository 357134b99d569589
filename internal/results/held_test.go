package results

import (
	"testing"
	"time"
)

// TestChangesAreShownWhenQuietAndAtTheLatestAfterThreeSeconds lets a change come every so often, for ten seconds.
func TestChangesAreShownWhenQuietAndAtTheLatestAfterThreeSeconds(t *testing.T) {
	began := time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC)
	for every, want := range map[time.Duration]time.Duration{
		100 * time.Millisecond: 3 * time.Second,        // it never becomes quiet
		249 * time.Millisecond: 3 * time.Second,        // nor so
		time.Second:            250 * time.Millisecond, // after each change
	} {
		h := held{interval: 250 * time.Millisecond}
		if h.due(began) {
			t.Error("there is something to show before the first change")
		}
		var first time.Time // change that is held
		for now := began; now.Sub(began) < 10*time.Second; now = now.Add(time.Millisecond) {
			if now.Sub(began)%every == 0 {
				if !h.any {
					first = now
				}
				h.more(now)
			}
			if h.due(now) {
				if got := now.Sub(first); got != want {
					t.Errorf("a change every %v is shown after %v, want %v", every, got, want)
				}
				h.any = false
			}
		}
		if shown := first.After(began); !shown {
			t.Errorf("a change every %v: nothing was shown", every)
		}
	}
}

// TestFirstReadingIsShownAtItsEnd: changes before the first snapshot do not hold it back.
func TestFirstReadingIsShownAtItsEnd(t *testing.T) {
	h := held{interval: 250 * time.Millisecond, any: true}
	now := time.Now()
	h.more(now)
	if !h.due(now) {
		t.Errorf("it is held until %v", h.until)
	}
}
