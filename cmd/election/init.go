package main

import (
	"context"
	"log/slog"

	"realtime-election/election"
	"realtime-election/internal/ballotkey"
	"realtime-election/internal/postgres"
	"realtime-election/setup"
)

type initCommand struct {
	kafkaFlags
	Postgres string `help:"PostgreSQL's URL, with user and password, of a role that may make tables and roles." placeholder:"URL" env:"ELECTION_POSTGRES" required:""`
	electionFlags
	Partitions     int32  `help:"Partitions of votes_topic, fixed when the election begins." default:"${partitions}" env:"ELECTION_PARTITIONS"`
	BallotKey      string `help:"The file of the secret ballot key, for a definition with an electorate. It is made if it does not exist." placeholder:"FILE" env:"ELECTION_BALLOT_KEY"`
	Principals     string `help:"A folder of logins to Kafka. Each principal gets the password that is there, and the rights that its work needs; docs/security.md lists them. Whoever --kafka-config names must be a super user." placeholder:"DIR" env:"ELECTION_PRINCIPALS"`
	LedgerPassword string `help:"Password of the role election_ledger. Without one a role cannot log in. Arguments can be read by every user of the machine: use the environment." placeholder:"SECRET" env:"ELECTION_LEDGER_PASSWORD"`
	SparkPassword  string `help:"Password of the role election_spark, for submit." placeholder:"SECRET" env:"ELECTION_SPARK_PASSWORD"`
	ReaderPassword string `help:"Password of the role election_reader, for audit and for people." placeholder:"SECRET" env:"ELECTION_READER_PASSWORD"`
}

func (c *initCommand) Run(ctx context.Context, log *slog.Logger) error {
	d, err := c.read()
	if err != nil {
		return err
	}
	var fingerprint string
	if d.Electorate != nil {
		if c.BallotKey == "" {
			return &election.Wrong{Setting: "ballot-key", Text: "is missing; the definition has an electorate, whose ballots need a secret key: name a file for it, which is made if it does not exist"}
		}
		key, err := ballotkey.OpenOrMake(c.BallotKey)
		if err != nil {
			return err
		}
		fingerprint = key.Fingerprint()
	}
	cluster := c.cluster(log)
	return explained(cluster, setup.Run(ctx, setup.Config{
		Kafka: cluster, Postgres: c.Postgres, Definition: d, Partitions: c.Partitions, BallotKeyFingerprint: fingerprint,
		Passwords: map[postgres.Role]string{
			postgres.LedgerRole: c.LedgerPassword, postgres.SparkRole: c.SparkPassword, postgres.ReaderRole: c.ReaderPassword,
		},
		Logins: c.Principals, Log: log,
	}))
}
