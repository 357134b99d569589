package main

import (
	"context"
	"log/slog"
	"time"

	"realtime-election/internal/ballotkey"
	"realtime-election/internal/health"
	"realtime-election/producer"
)

type votesCommand struct {
	kafkaFlags
	healthFlags
	electorateFlags
	BallotKey string        `help:"The file of the secret ballot key that init made." placeholder:"FILE" env:"ELECTION_BALLOT_KEY" required:""`
	Rate      int           `help:"Votes a second, of all copies together; 0 means as fast as possible." default:"0" env:"ELECTION_RATE"`
	Speed     time.Duration `help:"Hold the polling day in this much time, such as 5m: votes arrive as they would over the day. Not with --rate." placeholder:"TIME" env:"ELECTION_SPEED"`
}

func (c *votesCommand) Run(ctx context.Context, log *slog.Logger) error {
	key, err := ballotkey.Open(c.BallotKey)
	if err != nil {
		return err
	}
	cluster := c.cluster(log)
	err = c.serveWithKafka(ctx, "votes", cluster, func(ctx context.Context, h *health.Service) error {
		return producer.Votes(ctx, producer.VotesConfig{Kafka: cluster, Key: key, Rate: c.Rate, Speed: c.Speed, Log: log, Health: h})
	})
	return c.end(err, log)
}
