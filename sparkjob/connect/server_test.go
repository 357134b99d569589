//go:build services

package connect_test

import (
	"testing"

	"realtime-election/local/localtest"
)

func TestMain(m *testing.M) { localtest.Main(m) }

// throughProxy is the connection string of a proxy for the tests that TestCutConnections runs.
var throughProxy string

// sparkServer returns the connection string of a running Spark Connect server, or of a proxy before it.
func sparkServer(t *testing.T) string {
	t.Helper()
	if throughProxy != "" {
		return throughProxy
	}
	return localtest.Spark(t)
}
