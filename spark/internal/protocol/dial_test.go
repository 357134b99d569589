package protocol_test

import (
	"strings"
	"testing"
	"time"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

func TestTimesOfZeroAreTheDefaults(t *testing.T) {
	for _, d := range []time.Duration{0, -time.Second} {
		server := sparktest.New(t)
		policy := new(scripted.Clock).Policy()
		policy.Retries = 1
		session := scripted.Dial(t, server, spark.WithCallTimeout(d), spark.WithSilence(d), spark.WithRetry(policy))
		server.Execute(sparktest.Reply(scripted.Batch(t, 0, 7)), sparktest.Complete())
		numbers, err := collectNumbers(t, session)
		if err != nil || len(numbers) != 1 || len(scripted.OperationIDs(server)) != 1 || len(sparktest.Sent[*wire.ReattachExecuteRequest](server)) != 0 {
			t.Errorf("%s: got %v and %v, expected the answer in one stream", d, numbers, err)
		}
	}
}

func TestAnswersBeyondTheMessageSizeAreRefused(t *testing.T) {
	server, clock := sparktest.New(t), new(scripted.Clock)
	server.Execute(sparktest.Reply(scripted.Batch(t, 0, 7)), sparktest.Complete())
	session, err := spark.Dial(t.Context(), server.URL()+"/;grpc_max_message_size=200", spark.WithRetry(clock.Policy()))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := collectNumbers(t, session); err == nil || !strings.Contains(err.Error(), "larger than max") || len(clock.Waits) != 0 {
		t.Errorf("got %v after waits %v, expected the bound at once", err, clock.Waits)
	}
}
