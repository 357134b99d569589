package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/postgres"
	"realtime-election/internal/principals"
)

// WithKafka calls f with DATA's Kafka, for a principal. If none runs, WithKafka starts it before f and stops it after.
// The error is f's, or says why there is no Kafka.
func WithKafka(ctx context.Context, config Config, as principals.Principal, f func(kafka.Cluster) error) error {
	return useKafka(ctx, config, as, func(cluster kafka.Cluster, _ bool) error { return f(cluster) })
}

// WithStores is like WithKafka, for the principal and the role that may only read. It also gives f the URL of DATA's PostgreSQL.
func WithStores(ctx context.Context, config Config, f func(cluster kafka.Cluster, postgres string) error) error {
	return useKafka(ctx, config, principals.Reader, func(cluster kafka.Cluster, started bool) error {
		record, running := Running(config.Data, PostgreSQL)
		owner := record.Address
		switch {
		case !running && !started:
			return fmt.Errorf("PostgreSQL of %s does not answer at the moment, and election up is about to start it again: try again in a few seconds", config.Data)
		case !running:
			postgresql, err := StartPostgreSQL(ctx, config)
			if err != nil {
				return err
			}
			defer stopServer(ctx, postgresql)
			owner = postgresql.Address()
		}
		passwords, err := rolePasswords(config)
		if err != nil {
			return err
		}
		addresses := addresses{postgres: owner, passwords: passwords}
		return f(cluster, addresses.postgresURL(postgres.ReaderRole))
	})
}

// useKafka calls f with the Kafka of the up that runs in the folder. If none runs, it takes the folder's lock, and
// starts a Kafka for f.
func useKafka(ctx context.Context, config Config, as principals.Principal, f func(cluster kafka.Cluster, started bool) error) error {
	cluster, running, err := KafkaAs(config, as)
	switch {
	case err != nil:
		return err
	case running:
		return f(cluster, false)
	}
	if _, err := os.Stat(filepath.Join(config.Data, Kafka, "data")); err != nil {
		return &election.Hint{Err: fmt.Errorf("there is no election in %s (%w)", config.Data, err), Text: "name with {data} the folder that `election up` used"}
	}
	unlock, err := lock(config)
	if err != nil {
		return err
	}
	defer unlock()
	server, err := StartKafka(ctx, config)
	if err != nil {
		return err
	}
	defer stopServer(ctx, server)
	cluster, err = kafkaAs(config, server.Address(), as)
	if err != nil {
		return err
	}
	return f(cluster, true)
}

// stopServer stops a server. A server that has to be killed recovers when it starts again.
func stopServer(ctx context.Context, server *Process) {
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	server.Stop(stopping)
}
