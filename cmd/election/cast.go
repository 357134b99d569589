package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"realtime-election/election"
	"realtime-election/internal/ballotkey"
	"realtime-election/internal/kafka"
	"realtime-election/local"
	"realtime-election/producer"
)

type castCommand struct {
	lookFlags
	District  string    `help:"The district's id." required:""`
	Candidate string    `help:"The candidate's id." required:""`
	AgeGroup  string    `help:"18-24, 25-34, 35-44, 45-54, 55-64 or 65+. Without it, that of some voter; in a replay, not known." placeholder:"AGES"`
	Gender    string    `help:"female, male or other. Without it, that of some voter; in a replay, not known."`
	BallotKey string    `help:"The file of the secret ballot key that init made. Without it, that of the folder. A replay needs none." placeholder:"FILE" env:"ELECTION_BALLOT_KEY"`
	Time      time.Time `help:"When it is cast, such as 2025-10-29T12:00:00Z. Without it, when the newest ballots were." placeholder:"TIME"`
}

// Run prints the ballot and its position, as tail does.
func (c *castCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	key, err := c.key()
	if err != nil {
		return err
	}
	return c.kafka(ctx, log, func(cluster kafka.Cluster) error {
		ballot, err := producer.Cast(ctx, producer.CastConfig{
			Kafka: cluster, Key: key, District: election.DistrictID(c.District), Candidate: election.CandidateID(c.Candidate),
			AgeGroup: c.AgeGroup, Gender: c.Gender, Time: c.Time, Log: log,
		})
		if wrong, ok := errors.AsType[*election.Wrong](err); ok {
			wrong.Text += map[string]string{
				"district":  "; `election results --by district` lists the districts",
				"candidate": "; `election results` lists the candidates",
			}[wrong.Setting]
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(at.Out, "%s %d:%d  %s\n", election.VotesTopic, ballot.Partition, ballot.Offset, ballot.Line)
		return err
	})
}

// key is the ballot key, or nil if there is none: a replay has none.
func (c *castCommand) key() (*election.BallotKey, error) {
	path := c.BallotKey
	if folder := c.folder(); path == "" && folder != "" {
		path = local.BallotKeyFile(folder)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	return openKey(path)
}

// openKey reads a ballot key. It is nil for no path.
func openKey(path string) (*election.BallotKey, error) {
	if path == "" {
		return nil, nil
	}
	key, err := ballotkey.Open(path)
	return &key, err
}
