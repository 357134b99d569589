// Package number writes numbers for people, in a terminal and on the page alike.
package number

import "strconv"

// Thousands writes 1234567 as 1,234,567.
func Thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
