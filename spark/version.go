package spark

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// VersionError refuses what the server is too old for, where an old server would do something else without a word.
type VersionError struct {
	Feature string // what was asked for
	Needs   string // the oldest version of Spark that has it, such as "4.2"
	Server  string // the version the server said it has
}

// Error names the feature and both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("%s needs a server of Spark %s or later, and this one is %q", e.Feature, e.Needs, e.Server)
}

// Version asks the server for Spark's version.
func (s *Session) Version(ctx context.Context) (string, error) { return s.conn.AskVersion(ctx) }

// requireVersion returns a *VersionError if the server is too old. It compares with the version that the server had when it was dialled:
// a server that changed its version has restarted, which is another session.
func (s *Session) requireVersion(feature string, major, minor int) error {
	serverMajor, rest, _ := strings.Cut(s.conn.Version(), ".")
	serverMinor, _, _ := strings.Cut(rest, ".")
	gotMajor, _ := strconv.Atoi(serverMajor) // what is no number is 0, too old
	gotMinor, _ := strconv.Atoi(serverMinor)
	if gotMajor > major || gotMajor == major && gotMinor >= minor {
		return nil
	}
	return &VersionError{Feature: feature, Needs: fmt.Sprintf("%d.%d", major, minor), Server: s.conn.Version()}
}
