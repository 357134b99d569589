package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/memory"
	"realtime-election/producer"
	"realtime-election/setup"
	"realtime-election/sparkjob"
)

// secretsFlags say where the secrets of the containers are, and whom they are for.
type secretsFlags struct {
	Folder     string         `arg:"" help:"The folder of secrets, a volume."`
	Groups     map[string]int `help:"The group that may read the secrets of a service, such as ledger=10003." placeholder:"SERVICE=GID;…"`
	KafkaAt    string         `help:"Kafka's host:port." default:"kafka:9092"`
	PostgresAt string         `help:"PostgreSQL's host:port/database." default:"postgres:5432/election"`
	SparkAt    string         `help:"Spark Connect's host:port." default:"spark-connect:15002"`
}

func (f *secretsFlags) secrets() setup.Secrets {
	return setup.Secrets{Folder: f.Folder, Groups: f.Groups, Kafka: f.KafkaAt, Postgres: f.PostgresAt, Spark: f.SparkAt}
}

// prepareCommand is the first container of docker compose up.
type prepareCommand struct {
	electionFlags
	secretsFlags
	Memory          memory.Size    `help:"Memory that all containers need together." default:"0" env:"ELECTION_MEMORY"`
	Limits          []memory.Limit `help:"Java heaps, each with the memory limit of its container: NAME=SIZE,NAME=SIZE;…" sep:";" placeholder:"LIMIT"`
	Partitions      int32          `help:"As in init." default:"${partitions}" env:"ELECTION_PARTITIONS"`
	StatePartitions int            `help:"As in submit." default:"${state_partitions}" env:"ELECTION_STATE_PARTITIONS"`
	Trigger         time.Duration  `help:"As in submit." default:"${trigger}" env:"ELECTION_TRIGGER"`
	WorkerCores     int            `help:"Tasks that a Spark worker runs at once." default:"2" env:"SPARK_WORKER_CORES"`
	VotersRate      int            `help:"As in voters." default:"0" env:"ELECTION_VOTERS_RATE"`
	Rate            int            `help:"As in votes." default:"0" env:"ELECTION_RATE"`
	Speed           time.Duration  `help:"As in votes." default:"0s" env:"ELECTION_SPEED"`
	Seed            uint64         `help:"As in voters." default:"${seed}" env:"ELECTION_SEED"`
}

// Help is part of prepare --help.
func (*prepareCommand) Help() string {
	return "It checks the settings of all services before any service starts, so that one line says what is wrong. Then it makes the secrets that are missing."
}

func (c *prepareCommand) Run(log *slog.Logger) error {
	d, err := c.read()
	if err != nil {
		return err
	}
	if err := c.validate(); err != nil {
		return err
	}
	if has, err := memory.OfMachine(); err == nil && has < c.Memory {
		return &election.InputError{Text: fmt.Sprintf("there are %d MiB of memory for containers, and the election needs %d: give Docker more (Docker Desktop: Settings, Resources), or lower the memory of Spark and Kafka in .env, and then ELECTION_MEMORY",
			has>>20, c.Memory>>20)}
	}
	if err := c.secrets().Make(); err != nil {
		return err
	}
	log.Info("settings are checked and secrets made", "election", d.Name)
	return nil
}

// validate lets each service check its settings. The addresses of the servers are not among them.
func (c *prepareCommand) validate() error {
	cluster := kafka.Cluster{Brokers: []string{c.KafkaAt}}
	if c.Partitions < 1 || c.Partitions > election.MostVotePartitions {
		return &election.Wrong{Setting: "partitions", Value: c.Partitions, Text: fmt.Sprintf("choose 1 to %d", election.MostVotePartitions)}
	}
	if c.WorkerCores < 1 {
		return &election.Wrong{Setting: "worker-cores", Value: c.WorkerCores, Text: "choose 1 or more"}
	}
	for _, service := range []struct {
		name     string
		settings interface{ Validate() error }
	}{
		{"voters", producer.VotersConfig{Kafka: cluster, Rate: c.VotersRate, Seed: c.Seed}},
		{"votes", producer.VotesConfig{Kafka: cluster, Rate: c.Rate, Speed: c.Speed}},
		{"submit", sparkjob.Config{
			Kafka: cluster, Postgres: "postgres://spark@" + c.PostgresAt, Remote: sparkjob.Remote{URL: "sc://" + c.SparkAt}, Checkpoints: "file:///checkpoints",
			StatePartitions: c.StatePartitions, Trigger: c.Trigger,
		}},
	} {
		err := service.settings.Validate()
		if wrong, ok := errors.AsType[*election.Wrong](err); ok && service.name == "voters" && wrong.Setting == "rate" {
			wrong.Setting = "voters-rate"
		}
		if err != nil {
			return fmt.Errorf("%s: %w", service.name, err)
		}
	}
	return nil
}
