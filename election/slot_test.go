package election

import (
	"testing"
	"time"
)

// FuzzSlot checks that checkSlot accepts only minutes of the calendar, in one spelling.
func FuzzSlot(f *testing.F) {
	for _, text := range []string{"2026-03-18T08:01", "2024-02-29T23:59", "2025-02-30T12:00", "2025-13-01T12:00", "2025-02-+3T12:00", "2026-03-18T8:01", "2026-03-18T08:01Z", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := time.Parse("2006-01-02T15:04:05Z", text+":00Z")
		if valid := err == nil && len(text) == len(SlotLayout); (checkSlot(text) == nil) != valid {
			t.Errorf("%q is a minute: %t; it is %s", text, !valid, at)
		}
	})
}
