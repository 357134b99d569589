//go:build services

package sparkjob

import (
	"context"
	"fmt"
	"strings"

	"realtime-election/election"
	"realtime-election/spark"
)

// Rejected is the reason for which Spark's SQL rejects a record of votes_topic, by partition:offset. It has no entry for a
// record that is a vote.
func Rejected(ctx context.Context, c Config, installation *election.Installation) (map[string]election.Reason, error) {
	session, err := spark.Dial(ctx, c.Remote.URL)
	if err != nil {
		return nil, err
	}
	defer session.Release(ctx)
	if err := cacheTables(ctx, session, c.Postgres); err != nil {
		return nil, err
	}
	votes := session.Read().Format("kafka").
		Options(c.Kafka.Security.SparkOptions("")).Option("kafka.bootstrap.servers", strings.Join(c.Kafka.Brokers, ",")).Option("subscribe", election.VotesTopic).Load()
	if err := votes.CreateOrReplaceTempView(ctx, "votes"); err != nil {
		return nil, err
	}
	ballots, err := newQuery(1, 0, spark.Trigger{}).classified(ctx, session, installation)
	if err != nil {
		return nil, err
	}
	rows, err := ballots.Where("reason IS NOT NULL").Collect(ctx)
	if err != nil {
		return nil, err
	}
	reasons := make(map[string]election.Reason)
	for _, row := range rows {
		key, _ := row.Get("dedup_key")
		reason, _ := row.Get("reason")
		at, found := strings.CutPrefix(string(key.([]byte)), "not a ballot id: ")
		if !found {
			return nil, fmt.Errorf("the key for deduplication is %q", key)
		}
		reasons[at] = election.Reason(reason.(string))
	}
	return reasons, nil
}

// PlanOfACount is the plan of the query's last micro-batch, of a count of its own.
func PlanOfACount(ctx context.Context, c Config) (string, error) {
	installation, err := c.Kafka.Election(ctx)
	if err != nil {
		return "", err
	}
	_, end, err := c.Kafka.Commitments(ctx, installation)
	if err != nil {
		return "", err
	}
	session, err := spark.Dial(ctx, c.Remote.URL)
	if err != nil {
		return "", err
	}
	defer session.Release(context.WithoutCancel(ctx))
	streaming, err := newQuery(c.StatePartitions, end, spark.AvailableNow()).start(ctx, session, c, installation, run{Run: 1000})
	if err != nil {
		return "", err
	}
	if err := streaming.AwaitTermination(ctx); err != nil {
		return "", err
	}
	return streaming.Explain(ctx, false)
}
