package main

import (
	"testing"

	"realtime-election/internal/exit"
	"realtime-election/internal/shipped"
)

func TestLicensesArePrinted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"licenses", "licences", "notices"} {
		if code, stdout, _ := command(t, name); code != exit.Done || stdout != shipped.Licenses {
			t.Errorf("%s: exit code %d, %d bytes", name, code, len(stdout))
		}
	}
}
