package connect_test

import (
	"testing"
	"time"

	"realtime-election/sparkjob/connect"
	"realtime-election/sparkjob/connect/connecttest"
	"realtime-election/sparkjob/connect/wire"
)

func TestTimesOfZeroAreTheDefaults(t *testing.T) {
	for _, d := range []time.Duration{0, -time.Second} {
		server := connecttest.New(t)
		policy := new(clock).policy()
		policy.Retries = 1
		session := dial(t, server, connect.WithCallTimeout(d), connect.WithSilence(d), connect.WithRetry(policy))
		server.Execute(connecttest.Reply(batch(t, 0, 7)), connecttest.Complete())
		numbers, err := collectNumbers(t, session)
		if err != nil || len(numbers) != 1 || len(operationIDs(server)) != 1 || len(connecttest.Sent[*wire.ReattachExecuteRequest](server)) != 0 {
			t.Errorf("%s: got %v and %v, expected the answer in one stream", d, numbers, err)
		}
	}
}
