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
	healthFlags
	Listen              string   `help:"Where the page is served: host:port; port 0 takes a free one; fd://3 is a socket that it inherits as file 3." default:"${host}:${port}" env:"ELECTION_LISTEN"`
	Names               []string `help:"Names under which the page is opened, such as results.example.org, beside its addresses, localhost and the machine's name." env:"ELECTION_NAMES"`
	MaxViewers          int      `help:"Pages that may be open at a time. More are refused, and try again. Twice as many connections may be open." default:"${max_viewers}" env:"ELECTION_MAX_VIEWERS"`
	MaxViewersOfAddress int      `help:"Those of one address, or of one IPv6 network, with up to six connections each. Behind a proxy, which is one address, give as many as in all." default:"${max_viewers_of_address}" env:"ELECTION_MAX_VIEWERS_OF_ADDRESS"`
	tlsFlags
}

func (c *dashboardCommand) Run(ctx context.Context, log *slog.Logger) error {
	scheme := "http://"
	if c.TLSCertificate != "" {
		scheme = "https://"
	}
	return c.serve(ctx, "dashboard", log, func(ctx context.Context, h *health.Service) error {
		return dashboard.Run(ctx, dashboard.Config{
			Kafka: c.cluster(log), Listen: c.Listen, Portraits: definition.Portraits(), Log: log, Health: h,
			Names: c.Names, TLSCertificate: c.TLSCertificate, TLSKey: c.TLSKey, MaxViewers: c.MaxViewers, MaxViewersOfAddress: c.MaxViewersOfAddress,
			Ready: func(at net.Addr) { log.Info("the page is served", "address", scheme+at.String()) },
		})
	})
}
