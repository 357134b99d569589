//go:build services

package spark_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"realtime-election/local"
	"realtime-election/local/localtest"
	"realtime-election/spark"
)

// killDuringAQuery kills a server of its own while rows arrive, calls after with its configuration, and returns the error
// with which the rows end. There are many partitions, since Spark sends the rows of one when it has all of them.
func killDuringAQuery(t *testing.T, after func(context.Context, local.Config, *local.Process)) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // two servers start
	defer cancel()
	config := local.Config{Data: t.TempDir(), SparkMemory: "1g"}
	server := startServer(ctx, t, config)
	policy := spark.DefaultRetry()
	policy.Retries, policy.Max = 100, time.Second
	session := must(spark.Dial(ctx, server.Address(), spark.WithRetry(policy)))(t)
	defer session.Close()
	killed := false
	for _, err := range must(session.SQL(ctx, "SELECT id FROM range(0, 1000000000, 1, 100000)"))(t).Rows(ctx) {
		if err != nil {
			if !killed {
				t.Fatalf("%v, before any row", err)
			}
			return err
		}
		if !killed {
			killed = true
			must(0, must(os.FindProcess(server.PID()))(t).Kill())(t)
			<-server.Done()
			after(ctx, config, server)
		}
	}
	t.Fatal("all rows have arrived from a server that was killed")
	return nil
}

func startServer(ctx context.Context, t *testing.T, config local.Config) *local.Process {
	t.Helper()
	server := must(local.StartSpark(ctx, config))(t)
	t.Cleanup(func() {
		late, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		server.Stop(late) // a server that was killed is gone all the same
	})
	return server
}

func TestServerThatDiesDuringAQuery(t *testing.T) {
	err := killDuringAQuery(t, func(context.Context, local.Config, *local.Process) {})
	if !strings.Contains(err.Error(), "may have died") || spark.Retryable(err) {
		t.Errorf("got %v, expected to hear that the server may have died", err)
	}
}

// TestServerThatIsRestartedDuringAQuery starts another server on the same port and data.
func TestServerThatIsRestartedDuringAQuery(t *testing.T) {
	err := killDuringAQuery(t, func(ctx context.Context, config local.Config, killed *local.Process) {
		if next := startServer(ctx, t, config); next.Address() != killed.Address() {
			t.Fatalf("the next server listens at %s, the one before at %s", next.Address(), killed.Address())
		}
	})
	if !errors.Is(err, spark.ErrSessionChanged) || spark.Retryable(err) || !strings.Contains(err.Error(), "not sent again") {
		t.Errorf("got %v, expected ErrSessionChanged, and that the query is not sent again", err)
	}
}

func TestSparkWithoutTLSFailsAtOnce(t *testing.T) {
	began := time.Now()
	_, err := spark.Dial(testContext(t), localtest.Spark(t)+";use_ssl=true")
	if err == nil || !strings.Contains(err.Error(), "does not speak TLS") || time.Since(began) > time.Minute {
		t.Errorf("got %v after %s, expected at once to hear of TLS", err, time.Since(began))
	}
}
