package main

import (
	"context"
	"log/slog"
	"time"

	"realtime-election/internal/health"
	"realtime-election/sparkjob"
)

type submitCommand struct {
	kafkaFlags
	healthFlags
	Postgres         string        `help:"PostgreSQL's URL, with user and password, of a role that may read the definition's tables: election_spark. Spark gets this URL. Of several submits, the one that holds a lock there acts." placeholder:"URL" env:"ELECTION_POSTGRES" required:""`
	Remote           string        `help:"The Spark Connect server: sc://host:port/;token=…" placeholder:"URL" env:"SPARK_REMOTE" required:""`
	PlainText        bool          `help:"Let the token of --remote travel without TLS: for a network that nobody else can read." env:"ELECTION_PLAIN_TEXT"`
	RemoteOfThisUser bool          `help:"Refuse a server at --remote, on this machine, that another user runs. Linux only." env:"ELECTION_REMOTE_OF_THIS_USER"`
	Checkpoints      string        `help:"URI of the folder for checkpoints, which Spark's driver and executors share." placeholder:"URI" env:"ELECTION_CHECKPOINTS" required:""`
	StatePartitions  int           `help:"Partitions of the query's state, fixed when a run begins." default:"${state_partitions}" env:"ELECTION_STATE_PARTITIONS"`
	SparkKafkaConfig string        `help:"The path, on the machines of Spark's driver and executors, of a file with the properties that --kafka-config has and Spark's own login. Default: the path of --kafka-config." placeholder:"FILE" env:"ELECTION_SPARK_KAFKA_CONFIG"`
	Trigger          time.Duration `help:"The shortest time from one micro-batch to the next." default:"${trigger}" env:"ELECTION_TRIGGER"`
}

func (c *submitCommand) Run(ctx context.Context, log *slog.Logger) error {
	cluster := c.cluster(log)
	return c.serveWithKafka(ctx, "submit", cluster, func(ctx context.Context, h *health.Service) error {
		return sparkjob.Run(ctx, sparkjob.Config{
			Kafka: cluster, Postgres: c.Postgres, Remote: sparkjob.Remote{URL: c.Remote, PlainText: c.PlainText, OfThisUser: c.RemoteOfThisUser}, Checkpoints: c.Checkpoints,
			StatePartitions: c.StatePartitions, Trigger: c.Trigger, SparkKafkaConfig: c.SparkKafkaConfig, Log: log, Health: h,
		})
	})
}
