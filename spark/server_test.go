//go:build services

package spark_test

import (
	"os"
	"testing"

	"realtime-election/local/localtest"
)

// serversZone is the time zone of the server, and so that of a session that sets none.
const serversZone = "Asia/Tokyo"

// inServersZone is whether sessions are left in the zone of the server. TestCutConnections sets it for its first round, so that every
// test of a real server runs in two zones; else sessions are in UTC.
var inServersZone bool

func TestMain(m *testing.M) {
	os.Setenv("TZ", serversZone)
	localtest.Main(m)
}

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
