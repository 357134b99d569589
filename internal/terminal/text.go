// Package terminal prints names and records that others have written, so that they can neither control a terminal nor break the
// columns of a table.
//
//	err := terminal.Table(os.Stdout, [][]string{{"candidate", "votes"}, {name, "12"}}, terminal.Right(1))
package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Joiners are invisible, and change the shape of the letters and emoji beside them.
const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

func harmless(r rune) bool {
	return r == zeroWidthNonJoiner || r == zeroWidthJoiner || unicode.IsPrint(r)
}

// Printable is the text on one line, with Go's escapes for characters that are not printable: \n, \x1b, \u202e. Backslashes stay as
// they are, since the result is for people, and no program parses it.
func Printable(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || !harmless(r) }) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case harmless(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		text = text[size:]
	}
	return b.String()
}

// JSON is a compact JSON text with a \u escape for each character that is not printable. Its value is the same.
func JSON(text []byte) []byte {
	escaped := make([]byte, 0, len(text))
	for _, r := range string(text) {
		switch {
		case harmless(r):
			escaped = utf8.AppendRune(escaped, r)
		case r < 0x10000:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		default:
			r -= 0x10000
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
	}
	return escaped
}

// isolate keeps a name that is written from right to left from reversing the text beside it.
func isolate(text string) string {
	const firstStrongIsolate, popDirectionalIsolate = "\u2068", "\u2069"
	if strings.ContainsFunc(text, rightToLeft) {
		return firstStrongIsolate + text + popDirectionalIsolate
	}
	return text
}

func rightToLeft(r rune) bool {
	return r >= 0x0590 && (r <= 0x08ff || r >= 0xfb1d && r <= 0xfdff || r >= 0xfe70 && r <= 0xfeff ||
		r >= 0x10800 && r <= 0x10fff || r >= 0x1e800 && r <= 0x1efff)
}
