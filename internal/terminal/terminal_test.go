package terminal

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
)

func TestPrintableControlsNoTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"Ana":                     "Ana",
		`a\b "c"`:                 `a\b "c"`,
		"\x1b[2J\x07\r\n\t\x00":   `\x1b[2J\x07\r\n\t\x00`,
		"\u009b31m":               `\u009b31m`, // CSI in one character
		"\xff\xfe":                `\xff\xfe`,
		"abc\u202edef":            `abc\u202edef`,
		"\u2069x":                 `\u2069x`,
		"\U000e0041":              `\U000e0041`,
		"👩\u200d🚀 é מירי":         "👩\u200d🚀 é מירי",
		"\ufffd":                  "\ufffd",
		"</script>":               "</script>",
		"a\u2028b\u00a0c\u007f":   `a\u2028b\u00a0c\x7f`,
		strings.Repeat("x", 1000): strings.Repeat("x", 1000),
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q is printed as %q, want %q", text, got, want)
		}
	}
}

func TestJSONMeansTheSame(t *testing.T) {
	text, err := json.Marshal("a\u009b\u202e\U000e0041\x7f👩\u200d🚀 é")
	if err != nil {
		t.Fatal(err)
	}
	escaped := JSON(text)
	if got, want := string(escaped), `"a\u009b\u202e\udb40\udc41\u007f👩`+"\u200d"+`🚀 é"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var before, after string
	if err := json.Unmarshal(text, &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(escaped, &after); err != nil || before != after {
		t.Errorf("%q became %q (%v)", before, after, err)
	}
}

func TestTableKeepsItsColumns(t *testing.T) {
	var out strings.Builder
	names := []string{"Ana", "李小龙", "👩\u200d🚀 Eva", "José", "e\u0301", "\x1b[2J", "a\nb", "</script>"}
	rows := [][]string{{"name", "votes", "party"}}
	for _, name := range names {
		rows = append(rows, []string{name, "12", "P"})
	}
	if err := Table(&out, rows, Right(1)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != len(rows) {
		t.Fatalf("%d lines for %d rows:\n%s", len(lines), len(rows), out.String())
	}
	for _, line := range lines[1:] {
		before, _, _ := strings.Cut(line, "12  P")
		if width := uniseg.StringWidth(before); width != 14 {
			t.Errorf("%q begins its number at %d, want 14", line, width)
		}
	}
	if lines[0] != "name       votes  party" {
		t.Errorf("the header is %q", lines[0])
	}
}

func TestTableIsolatesWhatIsWrittenFromRightToLeft(t *testing.T) {
	var out strings.Builder
	if err := Table(&out, [][]string{{"מירי", "Labour (12)"}, {"Ana", "Red"}}); err != nil {
		t.Fatal(err)
	}
	if want := "\u2068מירי\u2069  Labour (12)\nAna   Red\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}
