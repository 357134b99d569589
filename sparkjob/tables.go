package sparkjob

import (
	"context"
	"fmt"
	"net/url"

	"golang.org/x/sync/errgroup"

	"realtime-election/election"
	"realtime-election/spark"
)

// cacheTables caches the definition's tables, which the first micro-batch then reads. Without that, Spark would ask PostgreSQL
// in every micro-batch, and stop counting while PostgreSQL is away.
func cacheTables(ctx context.Context, session *spark.Session, postgres string) error {
	jdbc, err := jdbcOptions(postgres)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, table := range []string{"candidates", "regions", "districts"} {
		group.Go(func() error {
			source := session.Read().Format("jdbc").Options(jdbc).Option("dbtable", table).Load()
			if err := source.CreateOrReplaceTempView(ctx, table+"_in_postgresql"); err != nil {
				return fmt.Errorf("read table %s: %w", table, err)
			}
			if _, err := session.SQL(ctx, fmt.Sprintf("CACHE LAZY TABLE %s AS SELECT * FROM %[1]s_in_postgresql", table)); err != nil {
				return fmt.Errorf("cache table %s: %w", table, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// cacheRegister makes the table register, of the commitments to the ballots that the register allows. It is partitioned like
// the ballots after copies are dropped, and sorted. Without a register the table is empty.
func (q query) cacheRegister(ctx context.Context, session *spark.Session, c Config) error {
	if q.registerEnd == 0 {
		empty, err := session.SQL(ctx, "SELECT X'' AS commitment WHERE FALSE")
		if err == nil {
			err = empty.CreateOrReplaceTempView(ctx, "register")
		}
		if err != nil {
			return fmt.Errorf("make the empty table register: %w", err)
		}
		return nil
	}
	source := session.Read().Format("kafka").Options(c.Kafka.Security.SparkOptions(c.SparkKafkaConfig)).
		Option("kafka.bootstrap.servers", c.Kafka.String()).Option("subscribe", election.BallotCommitmentsTopic).
		Option("kafka.isolation.level", "read_committed").Option("groupIdPrefix", election.SparkGroups).
		Option("endingOffsets", fmt.Sprintf(`{%q:{"0":%d}}`, election.BallotCommitmentsTopic, q.registerEnd)).Load()
	if err := source.CreateOrReplaceTempView(ctx, "register_in_kafka"); err != nil {
		return fmt.Errorf("read %s: %w", election.BallotCommitmentsTopic, err)
	}
	_, err := session.SQL(ctx, fmt.Sprintf(`CACHE LAZY TABLE register AS
		SELECT /*+ REPARTITION(%d, commitment) */ commitment FROM (
			SELECT substr(value, start, 16) AS commitment FROM (
				SELECT value, explode(sequence(1, length(value), 16)) AS start FROM register_in_kafka))
		SORT BY commitment`, q.statePartitions))
	if err != nil {
		return fmt.Errorf("cache table register: %w", err)
	}
	return nil
}

// jdbcOptions turns a PostgreSQL URL into options of Spark's JDBC source. Parameters such as sslmode are passed on, because
// the driver has the same names for them as libpq.
func jdbcOptions(postgres string) (map[string]string, error) {
	u, err := url.Parse(postgres)
	if err != nil || u.Host == "" || u.User == nil {
		return nil, errPostgresURL()
	}
	password, _ := u.User.Password()
	location := url.URL{Scheme: "jdbc:postgresql", Host: u.Host, Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
	return map[string]string{
		"url":      location.String(),
		"user":     u.User.Username(),
		"password": password,
		"driver":   "org.postgresql.Driver",
	}, nil
}

// errPostgresURL does not repeat the URL, which holds a password.
func errPostgresURL() error {
	return &election.Wrong{Setting: "postgres", Text: "must be a URL with user and host, such as postgres://user:password@127.0.0.1:5432/election"}
}
