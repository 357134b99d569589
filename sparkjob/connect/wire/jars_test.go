package wire_test

import (
	"os"
	"testing"
)

// sparkJars returns the folder with the jars of the Spark that the messages are for.
func sparkJars(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("ELECTION_SPARK_JARS")
	if folder == "" {
		t.Fatal("no Spark jars to compare the messages with: set ELECTION_SPARK_JARS to their folder")
	}
	return folder
}
