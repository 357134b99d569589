package main

import (
	"context"
	"log/slog"

	"realtime-election/internal/health"
	"realtime-election/ledger"
)

type ledgerCommand struct {
	kafkaFlags
	healthFlags
	Postgres string `help:"PostgreSQL's URL, with user and password, of a role that may write the ledger's tables: election_ledger." placeholder:"URL" env:"ELECTION_POSTGRES" required:""`
}

func (c *ledgerCommand) Run(ctx context.Context, log *slog.Logger) error {
	cluster := c.cluster(log)
	return c.serveWithKafka(ctx, "ledger", cluster, func(ctx context.Context, h *health.Service) error {
		return ledger.Run(ctx, ledger.Config{Kafka: cluster, Postgres: c.Postgres, Log: log, Health: h})
	})
}
