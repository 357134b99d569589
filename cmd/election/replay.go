package main

import (
	"context"
	"log/slog"

	"realtime-election/internal/health"
	"realtime-election/producer"
)

type replayCommand struct {
	kafkaFlags
	healthFlags
	File    string   `arg:"" help:"The result file: CSV with the columns region,district_id,district,candidate,party,votes."`
	Regions []string `help:"Only these regions." env:"ELECTION_REGIONS"`
	Rate    int      `help:"Votes a second; 0 means as fast as possible." default:"0" env:"ELECTION_RATE"`
	Seed    uint64   `help:"Seed of the order of the votes and of their ballot ids." default:"${seed}" env:"ELECTION_SEED"`
}

func (c *replayCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	cluster := c.cluster(log)
	return c.serveWithKafka(ctx, "replay", cluster, func(ctx context.Context, h *health.Service) error {
		return producer.Replay(ctx, producer.ReplayConfig{
			Kafka: cluster, File: c.File, Regions: c.Regions, Rate: c.Rate, Seed: c.Seed, Log: log, Out: at.Err, Health: h,
		})
	})
}
