package terminal

import (
	"os"

	"golang.org/x/term"
)

// Is tells whether a person sits at the other end of a reader or writer.
func Is(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && file != nil && term.IsTerminal(int(file.Fd()))
}
