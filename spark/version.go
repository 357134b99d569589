package spark

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"realtime-election/spark/wire"
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
func (s *Session) Version(ctx context.Context) (string, error) {
	request := s.analyzeRequest()
	request.Analyze = &wire.AnalyzePlanRequest_SparkVersion_{SparkVersion: &wire.AnalyzePlanRequest_SparkVersion{}}
	response := &wire.AnalyzePlanResponse{}
	if err := s.call(ctx, "AnalyzePlan", request, response); err != nil {
		return "", fmt.Errorf("ask for the Spark version: %w", err)
	}
	return response.GetSparkVersion().GetVersion(), nil
}

// needs compares with the version of when the session was dialled: a server that changed it has restarted, which is another session.
func (s *Session) needs(feature string, major, minor int) error {
	serverMajor, rest, _ := strings.Cut(s.version, ".")
	serverMinor, _, _ := strings.Cut(rest, ".")
	gotMajor, _ := strconv.Atoi(serverMajor) // what is no number is 0, too old
	gotMinor, _ := strconv.Atoi(serverMinor)
	if gotMajor > major || gotMajor == major && gotMinor >= minor {
		return nil
	}
	return &VersionError{Feature: feature, Needs: fmt.Sprintf("%d.%d", major, minor), Server: s.version}
}
