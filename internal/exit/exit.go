// Package exit says with which codes the program ends, and what each means to the person or script that started it.
package exit

import (
	"fmt"
	"strings"
)

// Exit codes.
const (
	Done        = 0
	Failed      = 1   // something went wrong; trying again may help
	Input       = 2   // a flag, a file or a definition must be corrected first; a Go program that panics ends so as well
	Disagree    = 3   // the audit was carried out and found differences
	Interrupted = 130 // stopped by Ctrl-C or SIGTERM before it was done
)

// Help explains the codes in a line of text.
func Help() string {
	var meanings []string
	for _, code := range []struct {
		code    int
		meaning string
	}{
		{Done, "done"},
		{Failed, "failed, or for status that nothing runs"},
		{Input, "wrong flags, file, definition or server, to be corrected first"},
		{Disagree, "the audit found differences"},
		{Interrupted, "interrupted"},
	} {
		meanings = append(meanings, fmt.Sprintf("%d %s", code.code, code.meaning))
	}
	return "Exit codes: " + strings.Join(meanings, "; ") + "."
}
