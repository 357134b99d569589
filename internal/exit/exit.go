// Package exit has the exit codes of the program, and their meaning for the person or script that started it.
package exit

import (
	"fmt"
	"strings"
)

// Exit codes.
const (
	Done        = 0
	Failed      = 1   // something went wrong; trying again may help
	Input       = 2   // a flag, a file or a definition must be corrected first; also the code of a Go program that panics
	Disagree    = 3   // the audit has found differences
	Interrupted = 130 // stopped by Ctrl-C or SIGTERM before it had finished
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
