//go:build services

package connect_test

import (
	"testing"

	"realtime-election/local/localtest"
)

func TestMain(m *testing.M) { localtest.Main(m) }

// sparkServer returns the connection string of a running Spark Connect server.
func sparkServer(t *testing.T) string {
	t.Helper()
	return localtest.Spark(t)
}
