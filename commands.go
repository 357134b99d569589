package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/health"
	"realtime-election/producer"
	"realtime-election/setup"
	"realtime-election/sparkjob"
)

// kafkaFlags say where Kafka is.
type kafkaFlags struct {
	Brokers []string `help:"Kafka's bootstrap servers." default:"${brokers}" env:"ELECTION_BROKERS"`
}

// postgresFlags say where PostgreSQL is.
type postgresFlags struct {
	Postgres string `help:"PostgreSQL's URL, with user and password." placeholder:"URL" env:"ELECTION_POSTGRES" required:""`
}

// electionFlags choose the election.
type electionFlags struct {
	Definition string   `help:"A definition file; election definition prints one to start from. Without it and without --replay, the default definition." placeholder:"FILE" xor:"election"`
	Replay     string   `help:"A result file to derive the definition from: CSV with the columns region,district_id,district,candidate,party,votes." placeholder:"FILE" xor:"election"`
	Regions    []string `help:"Only these regions of the result file." env:"ELECTION_REGIONS"`
}

func (f electionFlags) read() (*election.Definition, error) {
	switch {
	case f.Replay != "":
		file, err := definition.ReadResultFile(f.Replay, f.Regions)
		if err != nil {
			return nil, err
		}
		return file.Definition, nil
	case len(f.Regions) > 0:
		return nil, &election.InputError{Text: "--regions chooses from a result file; name it with --replay"}
	case f.Definition != "":
		return definition.ReadYAML(f.Definition)
	}
	return definition.Default()
}

type initCommand struct {
	kafkaFlags
	postgresFlags
	electionFlags
	Partitions int32 `help:"Partitions of votes_topic, where it does not exist yet." default:"4" env:"ELECTION_PARTITIONS"`
}

func (c *initCommand) Run(ctx context.Context, log *slog.Logger) error {
	d, err := c.read()
	if err != nil {
		return err
	}
	return setup.Run(ctx, setup.Config{Brokers: c.Brokers, Postgres: c.Postgres, Definition: d, Partitions: c.Partitions, Log: log})
}

type replayCommand struct {
	kafkaFlags
	File    string   `arg:"" help:"The result file: CSV with the columns region,district_id,district,candidate,party,votes."`
	Regions []string `help:"Only these regions." env:"ELECTION_REGIONS"`
	Rate    int      `help:"Votes a second; 0 is as fast as possible." default:"0" env:"ELECTION_RATE"`
	Seed    uint64   `help:"Of the order of the votes and their ballot ids." default:"1" env:"ELECTION_SEED"`
}

func (c *replayCommand) Run(ctx context.Context, log *slog.Logger) error {
	return producer.Replay(ctx, producer.ReplayConfig{
		Brokers: c.Brokers, File: c.File, Regions: c.Regions, Rate: c.Rate, Seed: c.Seed, Log: log, Out: os.Stderr,
	})
}

type submitCommand struct {
	kafkaFlags
	postgresFlags
	Remote          string        `help:"The Spark Connect server: sc://host:port/;token=…" placeholder:"URL" env:"SPARK_REMOTE" required:""`
	Checkpoints     string        `help:"URI of the folder for checkpoints, which Spark's driver and executors share." placeholder:"URI" env:"ELECTION_CHECKPOINTS" required:""`
	StatePartitions int           `help:"Partitions of the query's state, fixed when a run begins." default:"2" env:"ELECTION_STATE_PARTITIONS"`
	Trigger         time.Duration `help:"The least time from one micro-batch to the next." default:"1s" env:"ELECTION_TRIGGER"`
}

func (c *submitCommand) Run(ctx context.Context, log *slog.Logger) error {
	return sparkjob.Run(ctx, sparkjob.Config{
		Brokers: c.Brokers, Postgres: c.Postgres, Remote: c.Remote, Checkpoints: c.Checkpoints,
		Partitions: c.StatePartitions, Trigger: c.Trigger, Log: log,
	})
}

type definitionCommand struct{}

func (*definitionCommand) Run() error {
	_, err := os.Stdout.Write(definition.DefaultText())
	return err
}

type versionCommand struct{}

func (*versionCommand) Run() error {
	_, err := fmt.Println("election", health.Version())
	return err
}

type auditCommand struct {
	kafkaFlags
	Data   string `help:"The folder of an election up: its Kafka and its page are used, and started for the audit where they do not run." placeholder:"DIR"`
	Page   string `help:"The page's URL, to compare its API as well." placeholder:"URL"`
	Expect int64  `help:"How many votes must be counted. Without it, as many as the definition promises." default:"-1"`
}

func (c *auditCommand) Run(ctx context.Context, log *slog.Logger) error {
	check := func(brokers []string, page string) error {
		return audit.Run(ctx, audit.Config{Brokers: brokers, Page: page, Expect: c.Expect, Out: os.Stdout, Log: log})
	}
	if c.Data == "" {
		return check(c.Brokers, c.Page)
	}
	return withKafka(ctx, c.Data, log, func(brokers []string) error {
		if c.Page != "" {
			return check(brokers, c.Page)
		}
		return withPage(ctx, c.Data, brokers, log, func(page string) error { return check(brokers, page) })
	})
}
