package exit

import "testing"

// TestCodesStayWhatScriptsKnow fixes the codes, since scripts that run the program compare them.
func TestCodesStayWhatScriptsKnow(t *testing.T) {
	want := "Exit codes: 0 done; 1 failed, or for status that nothing runs; " +
		"2 wrong flags, file, definition or server, to be corrected first; 3 the audit found differences; 130 interrupted."
	if got := Help(); got != want {
		t.Errorf("the help is %q, want %q", got, want)
	}
}
