package sparkjob

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strconv"

	"realtime-election/election"
	"realtime-election/spark"
)

var (
	//go:embed sql/ballots.sql
	ballotsSQL string
	//go:embed sql/totals.sql
	totalsSQL string
)

// query is the streaming query: its SQL, and Spark's settings and options for it. DESIGN.md has the measurements.
type query struct {
	ballots, totals string
	deduplicate     bool
	statePartitions int
	registerEnd     int64             // where ballot_commitments ends; 0 where the election has no register
	settings        map[string]string // of the session
	source, sink    map[string]string // options of Kafka's source and sink
	trigger         spark.Trigger
}

func newQuery(statePartitions int, registerEnd int64, trigger spark.Trigger) query {
	return query{
		ballots:         ballotsSQL,
		totals:          totalsSQL,
		deduplicate:     true,
		statePartitions: statePartitions,
		registerEnd:     registerEnd,
		trigger:         trigger,
		settings: map[string]string{
			"spark.sql.session.timeZone":   "UTC",
			"spark.sql.adaptive.enabled":   "false", // the cached register would not say how it is partitioned, and be shuffled in each micro-batch
			"spark.sql.shuffle.partitions": strconv.Itoa(statePartitions),
			// The ballots of a whole country do not fit in Java's heap.
			"spark.sql.streaming.stateStore.providerClass":                          "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
			"spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
			"spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows":         "false",
			"spark.sql.streaming.minBatchesToRetain":                                "10",
			"spark.sql.streaming.noDataMicroBatches.enabled":                        "false",
			"spark.sql.streaming.pollingDelay":                                      "5ms",
		},
		source: map[string]string{
			"kafka.isolation.level": "read_committed",
			"groupIdPrefix":         election.SparkGroups,
			"startingOffsets":       "earliest",
			"failOnDataLoss":        "true",
			// A bound lets totals appear every few seconds while a backlog is counted.
			"maxOffsetsPerTrigger": "500000",
			// Kafka's defaults make many small fetches, which cost the broker and the reader more than the votes do.
			"kafka.max.partition.fetch.bytes": "8388608",
			"kafka.max.poll.records":          "10000",
			"kafka.receive.buffer.bytes":      "1048576",
		},
		sink: map[string]string{
			"kafka.compression.type": "none", // the broker would unpack it: see election.Topics
			"kafka.linger.ms":        "20",
		},
	}
}

// fingerprint is a hash of the settings that may change without a new checkpoint. A query that runs with other settings is
// started again, not adopted. PostgreSQL's URL, which holds a password, is not part of the hash.
func (q query) fingerprint(c Config) string {
	sum := sha256.Sum256(fmt.Append(nil, q.settings, q.source, q.sink, c.Trigger, c.Kafka.Brokers, c.Kafka.Security.SparkOptions(c.SparkKafkaConfig), c.Checkpoints))
	return hex.EncodeToString(sum[:8])
}

// start defines the query in a session and starts it from the run's checkpoint.
func (q query) start(ctx context.Context, session *spark.Session, c Config, installation *election.Installation, run run) (*spark.StreamingQuery, error) {
	for key, value := range q.settings {
		if err := session.Config().Set(ctx, key, value); err != nil {
			return nil, fmt.Errorf("configure the session: %w", err)
		}
	}
	if err := cacheTables(ctx, session, c.Postgres); err != nil {
		return nil, err
	}
	if err := q.cacheRegister(ctx, session, c); err != nil {
		return nil, err
	}
	security := c.Kafka.Security.SparkOptions(c.SparkKafkaConfig)
	votes := session.ReadStream().Format("kafka").Options(q.source).Options(security).
		Option("kafka.bootstrap.servers", c.Kafka.String()).Option("subscribe", election.VotesTopic).Load()
	if err := votes.CreateOrReplaceTempView(ctx, "votes"); err != nil {
		return nil, fmt.Errorf("read the votes: %w", err)
	}
	ballots, err := q.classified(ctx, session, installation)
	if err != nil {
		return nil, err
	}
	if q.deduplicate {
		ballots = ballots.DropDuplicates("dedup_key")
	}
	if err := ballots.CreateOrReplaceTempView(ctx, "ballots"); err != nil {
		return nil, fmt.Errorf("drop duplicates: %w", err)
	}
	totals, err := session.SQL(ctx, q.totals, spark.Args{"run": int64(run.Run), "has_register": q.registerEnd > 0})
	if err != nil {
		return nil, fmt.Errorf("read totals.sql: %w", err)
	}
	// Spark keeps a producer for as long as queries with the same options use it. A new query's own reads the certificates and
	// the login anew, so that it can write where the one before it failed.
	return totals.WriteStream().Format("kafka").Options(q.sink).Options(security).
		Option("kafka.client.id", "election-"+string(session.ID())).
		Option("kafka.bootstrap.servers", c.Kafka.String()).
		Option("checkpointLocation", run.checkpoint(c.Checkpoints)).
		OutputMode(spark.OutputUpdate).
		QueryName(election.QueryKey).
		Trigger(q.trigger).
		Start(ctx)
}

// classified is the result of ballots.sql on the view votes.
func (q query) classified(ctx context.Context, session *spark.Session, installation *election.Installation) (*spark.DataFrame, error) {
	ballots, err := session.SQL(ctx, q.ballots, spark.Args{
		"grammar":      election.Grammar,
		"partitions":   int64(installation.VotePartitions),
		"opens":        string(election.AppendTime(nil, installation.Definition.Polling.Opens)),
		"closes":       string(election.AppendTime(nil, installation.Definition.Polling.Closes)),
		"has_register": q.registerEnd > 0,
		"fingerprint":  installation.Fingerprint,
	})
	if err != nil {
		return nil, fmt.Errorf("read ballots.sql: %w", err)
	}
	return ballots, nil
}
