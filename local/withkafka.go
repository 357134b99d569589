package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"realtime-election/election"
	"realtime-election/internal/postgres"
)

// WithKafka calls f with the address of DATA's Kafka. If none runs, WithKafka starts it before f and stops it after.
// The error is f's, or says why there is no Kafka.
func WithKafka(ctx context.Context, data string, f func(brokers string) error) error {
	return useKafka(ctx, data, func(brokers string, _ bool) error { return f(brokers) })
}

// WithStores is like WithKafka, and also gives f the URL of DATA's PostgreSQL, for the role that may only read.
func WithStores(ctx context.Context, data string, f func(brokers, postgres string) error) error {
	return useKafka(ctx, data, func(brokers string, started bool) error {
		record, running := Running(data, PostgreSQL)
		owner := record.Address
		switch {
		case !running && !started:
			return fmt.Errorf("PostgreSQL of %s does not answer at the moment, and election up is about to start it again: try again in a few seconds", data)
		case !running:
			postgresql, err := StartPostgreSQL(ctx, Config{Data: data})
			if err != nil {
				return err
			}
			defer stopServer(ctx, postgresql)
			owner = postgresql.Address()
		}
		passwords, err := rolePasswords(Config{Data: data})
		if err != nil {
			return err
		}
		addresses := addresses{postgres: owner, passwords: passwords}
		return f(brokers, addresses.postgresURL(postgres.ReaderRole))
	})
}

// useKafka calls f with the Kafka of the up that runs in the folder. If none runs, it takes the folder's lock, and
// starts a Kafka for f.
func useKafka(ctx context.Context, data string, f func(brokers string, started bool) error) error {
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
	defer stopServer(ctx, kafka)
	return f(kafka.Address(), true)
}

// stopServer stops a server. A server that has to be killed recovers when it starts again.
func stopServer(ctx context.Context, server *Process) {
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	server.Stop(stopping)
}
