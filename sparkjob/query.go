package sparkjob

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"realtime-election/election"
	"realtime-election/sparkjob/connect"
)

var (
	//go:embed sql/ballots.sql
	ballotsSQL string
	//go:embed sql/totals.sql
	totalsSQL string
)

// queryName is the query's name in Spark, and the key of its status in pipeline_status.
const queryName = "submit"

// settings are Spark's, for the session of the query. DESIGN.md has the measurements behind them.
func settings(partitions int) map[string]string {
	return map[string]string{
		"spark.sql.session.timeZone":   "UTC",
		"spark.sql.shuffle.partitions": strconv.Itoa(partitions),
		// The ballots of a whole country do not fit in Java's heap.
		"spark.sql.streaming.stateStore.providerClass":                          "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
		"spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
		"spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows":         "false",
		"spark.sql.streaming.minBatchesToRetain":                                "10",
		"spark.sql.streaming.noDataMicroBatches.enabled":                        "false",
		"spark.sql.streaming.pollingDelay":                                      "5ms",
	}
}

// maxOffsetsPerTrigger bounds a micro-batch, so that totals appear a few times a minute while catching up.
const maxOffsetsPerTrigger = 500_000

// start defines the query in a session and starts it from the run's checkpoint.
func start(ctx context.Context, session *connect.Session, c Config, record *election.Record, run run) (*connect.StreamingQuery, error) {
	for key, value := range settings(run.Partitions) {
		if err := session.Config().Set(ctx, key, value); err != nil {
			return nil, fmt.Errorf("configure the session: %w", err)
		}
	}
	if err := cacheTables(ctx, session, c.Postgres); err != nil {
		return nil, err
	}
	votes := session.ReadStream().Format("kafka").Options(map[string]string{
		"kafka.bootstrap.servers": strings.Join(c.Brokers, ","),
		"kafka.isolation.level":   "read_committed",
		"subscribe":               election.VotesTopic,
		"startingOffsets":         "earliest",
		"failOnDataLoss":          "true",
		"maxOffsetsPerTrigger":    strconv.Itoa(maxOffsetsPerTrigger),
		// Kafka's defaults make many small fetches, which cost broker and reader more than the votes.
		"kafka.max.partition.fetch.bytes": "8388608",
		"kafka.max.poll.records":          "10000",
		"kafka.receive.buffer.bytes":      "1048576",
	}).Load()
	if err := votes.CreateOrReplaceTempView(ctx, "votes"); err != nil {
		return nil, fmt.Errorf("read the votes: %w", err)
	}
	ballots, err := session.SQL(ctx, ballotsSQL, connect.Args{
		"grammar":    election.Grammar,
		"partitions": int64(record.VotePartitions),
		"opens":      string(election.AppendTime(nil, record.Definition.Polling.Opens)),
		"closes":     string(election.AppendTime(nil, record.Definition.Polling.Closes)),
	})
	if err != nil {
		return nil, fmt.Errorf("read ballots.sql: %w", err)
	}
	if err := ballots.DropDuplicates("dedup_key").CreateOrReplaceTempView(ctx, "ballots"); err != nil {
		return nil, fmt.Errorf("drop duplicates: %w", err)
	}
	totals, err := session.SQL(ctx, totalsSQL, connect.Args{"run": int64(run.Run)})
	if err != nil {
		return nil, fmt.Errorf("read totals.sql: %w", err)
	}
	return totals.WriteStream().Format("kafka").
		Option("kafka.bootstrap.servers", strings.Join(c.Brokers, ",")).
		Option("kafka.compression.type", "lz4").
		Option("kafka.linger.ms", "20").
		Option("checkpointLocation", run.checkpoint(c.Checkpoints)).
		OutputMode(connect.OutputUpdate).
		QueryName(queryName).
		Trigger(connect.ProcessingTime(c.Trigger)).
		Start(ctx)
}

// cacheTables reads the definition's tables once. Uncached, Spark would ask PostgreSQL again in every micro-batch, and
// stop counting while it is away.
func cacheTables(ctx context.Context, session *connect.Session, postgres string) error {
	jdbc, err := jdbcOptions(postgres)
	if err != nil {
		return err
	}
	for _, table := range []string{"candidates", "regions", "districts"} {
		source := session.Read().Format("jdbc").Options(jdbc).Option("dbtable", table).Load()
		if err := source.CreateOrReplaceTempView(ctx, table+"_in_postgresql"); err != nil {
			return fmt.Errorf("read table %s: %w", table, err)
		}
		if _, err := session.SQL(ctx, fmt.Sprintf("CACHE TABLE %s AS SELECT * FROM %[1]s_in_postgresql", table)); err != nil {
			return fmt.Errorf("cache table %s: %w", table, err)
		}
	}
	return nil
}

// jdbcOptions turns a PostgreSQL URL into what Spark's JDBC source wants.
func jdbcOptions(postgres string) (map[string]string, error) {
	u, err := url.Parse(postgres)
	if err != nil || u.Host == "" || u.User == nil {
		// The URL holds a password, so it is not repeated here.
		return nil, &election.InputError{Text: "--postgres must be a URL with user and host, such as postgres://user:password@127.0.0.1:5432/election"}
	}
	password, _ := u.User.Password()
	return map[string]string{
		"url":      "jdbc:postgresql://" + u.Host + u.Path,
		"user":     u.User.Username(),
		"password": password,
		"driver":   "org.postgresql.Driver",
	}, nil
}
