//go:build services

package sparkjob_test

import (
	"strings"
	"testing"

	"realtime-election/internal/scenario"
	"realtime-election/local/localtest"
	"realtime-election/local/securedtest"
	"realtime-election/sparkjob"
)

// TestSparkLogsInToKafka counts at a Kafka that asks who its clients are, in each way to log in.
func TestSparkLogsInToKafka(t *testing.T) {
	k := securedtest.New(t)
	remote := localtest.Spark(t)
	var counting scenario.Scenario
	for _, s := range scenario.All(t) {
		if s.Name == "counting" {
			counting = s
		}
	}
	for listener, lines := range map[string][]string{
		"SCRAM":  securedtest.Login("SASL_PLAINTEXT", "SCRAM-SHA-512", securedtest.ScramModule, "votes", "hunter2"),
		"PLAIN":  k.Trust("ca.pem", securedtest.Login("SASL_SSL", "PLAIN", securedtest.PlainModule, "votes", "hunter2")...),
		"MUTUAL": k.Keys("votes.pem", k.Trust("ca.pem", "security.protocol=SSL")...),
		"OAUTH":  k.OAuth("hunter2"),
	} {
		t.Run(listener, func(t *testing.T) {
			c := newElectionAt(t, k.Cluster(t, listener, lines...), remote, counting.Definition, counting.Partitions)
			produce(t, c, counting.Votes)
			awaitCounted(t, c, submit(t, c))
			wantExact(t, c, counting.Definition, counting.Partitions, 1)
			plan, err := sparkjob.Plan(t.Context(), c.Kafka, c.Remote, true)
			if err != nil || strings.Contains(plan, "hunter2") {
				t.Errorf("Spark's plan tells the password, or there is none: %v\n%s", err, plan)
			}
		})
	}
}
