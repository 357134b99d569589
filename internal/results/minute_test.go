package results

import (
	"testing"
	"time"
)

// FuzzMinuteOf: what is taken for a minute is spelled as one, and is one that the votes' grammar lets through.
func FuzzMinuteOf(f *testing.F) {
	for _, text := range []string{"2026-03-18T08:01", "2025-02-30T12:00", "2024-02-31T23:59", "2025-02-32T12:00", "2025-13-01T12:00", "2025-02-+3T12:00", "8:01", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		minute, err := minuteOf(text)
		if err != nil {
			return
		}
		at, err := time.Parse(MinuteLayout, minute)
		if err != nil || at.Format(MinuteLayout) != minute {
			t.Fatalf("%q is %q: %v", text, minute, err)
		}
		if len(text) != len(minute) || text[:5] != minute[:5] && text[5:7] != "12" || text[10:] != minute[10:] {
			t.Errorf("%q is %q", text, minute)
		}
	})
}
