package connect_test

import (
	"strings"
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

func TestAnswersBeyondTheMessageSizeAreRefused(t *testing.T) {
	server, clock := connecttest.New(t), new(clock)
	server.Execute(connecttest.Reply(batch(t, 0, 7)), connecttest.Complete())
	session, err := connect.Dial(t.Context(), server.URL()+"/;grpc_max_message_size=200", connect.WithRetry(clock.policy()))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := collectNumbers(t, session); err == nil || !strings.Contains(err.Error(), "larger than max") || len(clock.waits) != 0 {
		t.Errorf("got %v after waits %v, expected the bound at once", err, clock.waits)
	}
}
