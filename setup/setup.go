// Package setup prepares Kafka and PostgreSQL for an election: the topics, the tables, the roles that may use them, and
// the definition in both. It may run any number of times. It checks what exists already, and refuses another election.
package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/postgres"
	"realtime-election/internal/principals"
)

// Config is what Run needs.
type Config struct {
	Kafka      kafka.Cluster
	Postgres   string // URL
	Definition *election.Definition
	Partitions int32 // of votes_topic and voters_topic
	// BallotKeyFingerprint identifies the ballot key. It is used if the definition has an electorate.
	BallotKeyFingerprint string
	Passwords            map[postgres.Role]string // a role without one cannot log in
	// Logins is the folder of the principals' logins, if Kafka is to give them passwords and rights.
	Logins string
	Log    *slog.Logger
}

// Run prepares Kafka and PostgreSQL, and returns when both are ready. It may be run again. The error is an
// *election.InputError where these servers hold another election, and an *election.Wrong where a setting is wrong.
func Run(ctx context.Context, c Config) error {
	if c.Partitions < 1 || c.Partitions > election.MostVotePartitions {
		return &election.Wrong{Setting: "partitions", Value: c.Partitions, Text: fmt.Sprintf("choose 1 to %d", election.MostVotePartitions)}
	}
	installation := election.Installation{Definition: *c.Definition, Fingerprint: c.Definition.Fingerprint(), VotePartitions: c.Partitions}
	if c.Definition.Electorate != nil {
		installation.BallotKeyFingerprint = c.BallotKeyFingerprint
	}
	if _, err := installation.Encode(); err != nil { // before anything is created: a register may have been scaled after Check, and take more bytes
		return err
	}
	cl, err := c.Kafka.NewClient(kgo.ProducerBatchMaxBytes(election.MaxRecordBytes))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := c.Kafka.CheckVersion(ctx, cl); err != nil {
		return err
	}
	existing, err := c.Kafka.Election(ctx)
	switch {
	case errors.Is(err, kafka.ErrNoElection):
	case err != nil:
		return err
	case existing.Fingerprint != installation.Fingerprint:
		return &election.InputError{Text: fmt.Sprintf("the topics already hold another election, %q; begin this one elsewhere (in another folder, or on another Kafka), or remove the old one first (election reset, or docker compose down --volumes)",
			existing.Definition.Name)}
	case existing.BallotKeyFingerprint != installation.BallotKeyFingerprint:
		return &election.InputError{Text: fmt.Sprintf("the ballots of %q are drawn with the ballot key %s, and the key given is %s: voters would get a second ballot; "+
			"give the key that the election began with, or begin anew with empty topics and tables",
			existing.Definition.Name, orNone(existing.BallotKeyFingerprint), orNone(installation.BallotKeyFingerprint))}
	case existing.VotePartitions != c.Partitions:
		return &election.Wrong{Setting: "partitions", Value: c.Partitions, Text: fmt.Sprintf("%q began with %d partitions, which no election can change: give %[2]d, or begin anew with empty topics and tables",
			existing.Definition.Name, existing.VotePartitions)}
	}
	preparing, cancelled := errgroup.WithContext(ctx)
	preparing.Go(func() error {
		err := kafka.EnsureTopics(cancelled, cl, election.Topics(installation.VotePartitions))
		if err == nil && c.Logins != "" {
			err = principals.Grant(cancelled, cl, c.Logins)
		}
		return err
	})
	preparing.Go(func() error { return prepareDatabase(cancelled, c, existing == nil) })
	if err := preparing.Wait(); err != nil {
		return err
	}
	if existing != nil {
		c.Log.Info("the election is prepared already", "election", installation.Definition.Name)
		return nil
	}
	topics, err := kadm.NewClient(cl).ListTopics(ctx, election.VotesTopic)
	if err != nil {
		return fmt.Errorf("ask Kafka for the id of %s: %w", election.VotesTopic, err)
	}
	installation.VotesTopicID = topics[election.VotesTopic].ID.String()
	value, err := installation.Encode()
	if err != nil {
		return err
	}
	published := &kgo.Record{Topic: election.ElectionTopic, Key: []byte(election.DefinitionKey), Value: value}
	if err := cl.ProduceSync(ctx, published).FirstErr(); err != nil {
		return fmt.Errorf("publish the definition: %w", err)
	}
	c.Log.Info("prepared the election", "election", installation.Definition.Name, "partitions", installation.VotePartitions)
	return nil
}

// prepareDatabase makes the tables and the roles, and fills the definition's tables. It refuses a database with the
// votes of another election, if the election is new.
func prepareDatabase(ctx context.Context, c Config, isNew bool) error {
	conn, err := postgres.Connect(ctx, c.Postgres)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := postgres.Migrate(ctx, conn); err != nil {
		return err
	}
	if isNew {
		var used bool
		const query = `SELECT EXISTS (SELECT FROM ledger_offsets WHERE next_offset > 0) OR EXISTS (SELECT FROM votes) OR EXISTS (SELECT FROM voters)`
		if err := conn.QueryRow(ctx, query).Scan(&used); err != nil {
			return fmt.Errorf("look for votes in PostgreSQL: %w", err)
		}
		if used {
			return &election.Wrong{Setting: "postgres", Text: "is a database with voters or votes, and Kafka holds no election that they could be of; give an empty database"}
		}
	}
	if err := postgres.EnsureRoles(ctx, conn, c.Passwords); err != nil {
		return err
	}
	return fillTables(ctx, conn, c.Definition)
}

// orNone is a fingerprint, or a word for none.
func orNone(fingerprint string) string { return cmp.Or(fingerprint, "(none)") }

// fillTables replaces the rows of the definition's tables, in one transaction.
func fillTables(ctx context.Context, conn *pgx.Conn, d *election.Definition) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM districts; DELETE FROM regions; DELETE FROM candidates`); err != nil {
			return fmt.Errorf("empty the definition's tables: %w", err)
		}
		var candidates, regions, districts [][]any
		for _, x := range d.Candidates {
			candidates = append(candidates, []any{string(x.ID), x.Name, x.Party, x.Biography, x.Platform, x.Photo})
		}
		for i := range d.Regions {
			x := &d.Regions[i]
			regions = append(regions, []any{string(x.ID), x.Name, orNull(x.Registered())})
		}
		for _, x := range d.Districts() {
			districts = append(districts, []any{string(x.ID), x.Name, string(x.Region.ID), orNull(x.Registered)})
		}
		for _, table := range []struct {
			name    string
			columns []string
			rows    [][]any
		}{
			{"candidates", []string{"candidate_id", "candidate_name", "party_affiliation", "biography", "campaign_platform", "photo_url"}, candidates},
			{"regions", []string{"region_id", "region_name", "registered_voters"}, regions},
			{"districts", []string{"district_id", "district_name", "region_id", "registered_voters"}, districts},
		} {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{table.name}, table.columns, pgx.CopyFromRows(table.rows)); err != nil {
				return fmt.Errorf("fill table %s: %w", table.name, err)
			}
		}
		return nil
	})
}

// orNull is a number of registered voters as the tables hold it: null if the number is not known.
func orNull(registered int64) *int64 {
	if registered == 0 {
		return nil
	}
	return &registered
}
