package election

import (
	"testing"
	"time"
)

func TestAgeGroupsMeetWithoutAGap(t *testing.T) {
	for years, want := range map[int]string{
		0: "", 17: "", 18: "18-24", 24: "18-24", 25: "25-34", 34: "25-34", 35: "35-44", 44: "35-44",
		45: "45-54", 54: "45-54", 55: "55-64", 64: "55-64", 65: "65+", 110: "65+",
	} {
		if got := AgeGroupOf(years); got != want {
			t.Errorf("somebody of %d is in %q, want %q", years, got, want)
		}
	}
}

func TestAgeRisesOnTheBirthday(t *testing.T) {
	for _, c := range []struct {
		day, birth string
		want       int
	}{
		{"2025-10-28", "2007-10-29", 17},
		{"2025-10-29", "2007-10-29", 18},
		{"2025-11-01", "2007-10-29", 18},
		{"2025-09-30", "2007-10-01", 17},
		{"2024-02-29", "2006-03-01", 17},
		{"2025-02-28", "2004-02-29", 20},
		{"2025-03-01", "2004-02-29", 21},
	} {
		if got := AgeOn(date(t, c.day), date(t, c.birth)); got != c.want {
			t.Errorf("born on %s, on %s: %d, want %d", c.birth, c.day, got, c.want)
		}
	}
}

func date(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
