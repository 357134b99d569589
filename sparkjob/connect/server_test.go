//go:build services

package connect_test

import (
	"os"
	"testing"
)

// sparkServer returns the connection string of a running Spark Connect server.
func sparkServer(t *testing.T) string {
	t.Helper()
	url := os.Getenv("ELECTION_TEST_REMOTE")
	if url == "" {
		t.Fatal("no Spark Connect server to test against: set ELECTION_TEST_REMOTE to its address, such as sc://127.0.0.1:15002")
	}
	return url
}
