//go:build services

package spark_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"realtime-election/local"
	"realtime-election/local/localtest"
	"realtime-election/spark"
)

// TestServerThatDiesDuringAQuery kills a server of its own while rows arrive.
func TestServerThatDiesDuringAQuery(t *testing.T) {
	ctx := testContext(t)
	server := must(local.StartSpark(ctx, local.Config{Data: t.TempDir(), SparkMemory: "1g"}))(t)
	defer func() {
		late, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		server.Stop(late) // a server that was killed is gone all the same
	}()
	policy := spark.DefaultRetry()
	policy.Retries, policy.Max = 100, time.Second
	session := must(spark.Dial(ctx, server.Address(), spark.WithRetry(policy)))(t)
	defer session.Close()
	var last error
	killed := false
	for _, err := range session.Range(0, 1<<40, 1).Rows(ctx) {
		if last = err; err == nil && !killed {
			killed = true
			must(0, must(os.FindProcess(server.PID()))(t).Kill())(t)
			<-server.Done()
		}
	}
	if last == nil || !strings.Contains(last.Error(), "may have died") || spark.Retryable(last) {
		t.Errorf("got %v, expected to hear that the server may have died", last)
	}
}

func TestSparkWithoutTLSFailsAtOnce(t *testing.T) {
	began := time.Now()
	_, err := spark.Dial(testContext(t), localtest.Spark(t)+";use_ssl=true")
	if err == nil || !strings.Contains(err.Error(), "does not speak TLS") || time.Since(began) > time.Minute {
		t.Errorf("got %v after %s, expected at once to hear of TLS", err, time.Since(began))
	}
}
