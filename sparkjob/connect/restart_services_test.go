//go:build services

package connect_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"realtime-election/local"
	"realtime-election/local/localtest"
	"realtime-election/sparkjob/connect"
)

// TestServerThatEndsDuringAQuery kills a server of its own twice while rows arrive. The first time it is started again.
func TestServerThatEndsDuringAQuery(t *testing.T) {
	ctx, config := testContext(t), local.Config{Data: t.TempDir(), SparkMemory: "1g"}
	policy := connect.DefaultRetry()
	policy.Retries, policy.Max = 100, time.Second
	rowsUntilKilled := func(again bool) error {
		server := must(local.StartSpark(ctx, config))(t)
		stop := func(server *local.Process) {
			late, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			server.Stop(late) // a server that was killed is gone all the same
		}
		defer stop(server)
		session := must(connect.Dial(ctx, server.Address(), connect.WithRetry(policy)))(t)
		defer session.Close()
		killed := false
		for _, err := range session.Range(0, 1<<40, 1).Rows(ctx) {
			if err != nil {
				return err
			}
			if killed {
				continue
			}
			killed = true
			must(0, must(os.FindProcess(server.PID()))(t).Kill())(t)
			<-server.Done()
			if again {
				next := must(local.StartSpark(ctx, config))(t)
				defer stop(next)
			}
		}
		return nil
	}
	if err := rowsUntilKilled(true); !errors.Is(err, connect.ErrSessionChanged) || !strings.Contains(err.Error(), "not sent again") {
		t.Errorf("a restart gave %v, expected ErrSessionChanged", err)
	}
	if err := rowsUntilKilled(false); err == nil || !strings.Contains(err.Error(), "may have died") || connect.Retryable(err) {
		t.Errorf("an end for good gave %v, expected to hear of it", err)
	}
}

func TestSparkWithoutTLSFailsAtOnce(t *testing.T) {
	began := time.Now()
	_, err := connect.Dial(testContext(t), localtest.Spark(t)+";use_ssl=true")
	if err == nil || !strings.Contains(err.Error(), "does not speak TLS") || time.Since(began) > time.Minute {
		t.Errorf("got %v after %s, expected at once to hear of TLS", err, time.Since(began))
	}
}
