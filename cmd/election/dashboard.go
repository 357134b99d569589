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
	Listen              string `help:"Where the page is served, and its health: host:port; port 0 takes a free one." default:"${host}:${port}" env:"ELECTION_LISTEN"`
	MaxViewers          int    `help:"Pages that may be open at a time. More are refused, and try again." default:"${max_viewers}" env:"ELECTION_MAX_VIEWERS"`
	MaxViewersOfAddress int    `help:"Those of one address, or of one IPv6 network. Behind a proxy, which is one address, give as many as in all." default:"${max_viewers_of_address}" env:"ELECTION_MAX_VIEWERS_OF_ADDRESS"`
}

func (c *dashboardCommand) Run(ctx context.Context, log *slog.Logger) error {
	config := dashboard.Config{
		Kafka: c.cluster(log), Listen: c.Listen, Portraits: definition.Portraits(), Log: log, Health: health.New("dashboard"),
		MaxViewers: c.MaxViewers, MaxViewersOfAddress: c.MaxViewersOfAddress,
		Ready: func(at net.Addr) { log.Info("the page is served", "address", "http://"+at.String()) },
	}
	return dashboard.Run(ctx, config)
}
