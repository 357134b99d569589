package main

import (
	"context"
	"log/slog"

	"realtime-election/internal/health"
	"realtime-election/producer"
)

type votersCommand struct {
	kafkaFlags
	healthFlags
	electorateFlags
	Rate int    `help:"Voters a second; 0 means as fast as possible." default:"0" env:"ELECTION_VOTERS_RATE"`
	Seed uint64 `help:"Seed from which the voters are generated." default:"${seed}" env:"ELECTION_SEED"`
}

func (c *votersCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	cluster := c.cluster(log)
	err := c.serveWithKafka(ctx, "voters", cluster, func(ctx context.Context, h *health.Service) error {
		return producer.Voters(ctx, producer.VotersConfig{Kafka: cluster, Rate: c.Rate, Seed: c.Seed, Log: log, Out: at.Err, Health: h})
	})
	return c.end(err, log)
}
