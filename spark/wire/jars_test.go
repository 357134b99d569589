package wire_test

import (
	"log/slog"
	"testing"

	"realtime-election/local/maven"
)

// sparkJars returns the folder with the jars of the Spark that the messages are for.
func sparkJars(t *testing.T) string {
	t.Helper()
	folder, err := maven.Fetch(t.Context(), slog.New(slog.DiscardHandler), maven.Spark)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}
