package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"realtime-election/election"
	"realtime-election/internal/postgres"
)

// WithKafka calls f with the address of DATA's Kafka: the one that runs, or one that is started for f and stopped
// after it. It returns f's error, or says why there is no Kafka.
func WithKafka(ctx context.Context, data string, f func(brokers string) error) error {
	return with(ctx, data, func(brokers string, _ bool) error { return f(brokers) })
}

// WithStores is WithKafka with PostgreSQL beside it, at the URL of the role that may only read.
func WithStores(ctx context.Context, data string, f func(brokers, postgres string) error) error {
	return with(ctx, data, func(brokers string, alone bool) error {
		record, running := Running(data, PostgreSQL)
		owner := record.Address
		switch {
		case !running && !alone:
			return fmt.Errorf("PostgreSQL of %s does not answer at the moment, and election up is about to start it again: try again in a few seconds", data)
		case !running:
			postgresql, err := StartPostgreSQL(ctx, Config{Data: data})
			if err != nil {
				return err
			}
			defer stopSoon(ctx, postgresql)
			owner = postgresql.Address()
		}
		passwords, err := rolePasswords(Config{Data: data})
		if err != nil {
			return err
		}
		known := addresses{postgres: owner, passwords: passwords}
		return f(brokers, known.as(postgres.ReaderRole))
	})
}

// with calls f with the Kafka of the up that runs there, or alone: with a Kafka that was started for f, and the folder's
// lock.
func with(ctx context.Context, data string, f func(brokers string, alone bool) error) error {
	if record, ok := Running(data, Kafka); ok {
		return f(record.Address, false)
	}
	if _, err := os.Stat(filepath.Join(data, Kafka, "data")); err != nil {
		return &election.Hint{Err: fmt.Errorf("there is no election in %s (%w)", data, err), Text: "name with {data} the folder that `election up` used"}
	}
	config := Config{Data: data}
	unlock, err := lock(config)
	if err != nil {
		return err
	}
	defer unlock()
	kafka, err := StartKafka(ctx, config)
	if err != nil {
		return err
	}
	defer stopSoon(ctx, kafka)
	return f(kafka.Address(), true)
}

// stopSoon stops a server; one that has to be killed recovers at its next start.
func stopSoon(ctx context.Context, server *Process) {
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	server.Stop(stopping)
}
