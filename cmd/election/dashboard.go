package main

import (
	"context"
	"log/slog"
	"net"

	"realtime-election/dashboard"
	"realtime-election/internal/definition"
	"realtime-election/internal/health"
)

type dashboardCommand struct {
	kafkaFlags
	Listen string `help:"Where the page is served, and its health: host:port; port 0 takes a free one." default:"${host}:${port}" env:"ELECTION_LISTEN"`
}

func (c *dashboardCommand) Run(ctx context.Context, log *slog.Logger) error {
	config := dashboard.Config{
		Kafka: c.cluster(log), Listen: c.Listen, Portraits: definition.Portraits(), Log: log, Health: health.New("dashboard"),
		Ready: func(at net.Addr) { log.Info("the page is served", "address", "http://"+at.String()) },
	}
	return dashboard.Run(ctx, config)
}
