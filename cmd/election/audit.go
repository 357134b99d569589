package main

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/alecthomas/kong"

	"realtime-election/audit"
	"realtime-election/dashboard"
	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka"
	"realtime-election/local"
)

type auditCommand struct {
	lookFlags
	Postgres  string `help:"PostgreSQL's URL, with user and password, of a role that may read all tables: election_reader. Without it and without a folder, the tables are not compared." placeholder:"URL" env:"ELECTION_POSTGRES"`
	Page      string `help:"The page's URL, to compare its API as well." placeholder:"URL"`
	BallotKey string `help:"The file of the secret ballot key, to compare each ballot with what its voter does by the key." placeholder:"FILE" env:"ELECTION_BALLOT_KEY"`
	Linkage   bool   `help:"Print as well how many ballots are alone with what may be known of their voters."`
	Wait      bool   `help:"Wait first until all producers have sent everything, and it is counted and stored."`
	Expect    int64  `help:"How many votes must be counted. Without it, as many as the producers have sent." default:"-1"`
}

// AfterApply refuses a database for the election of a folder, which has its own.
func (c *auditCommand) AfterApply(at *kong.Context) error {
	if folder := c.folder(); folder != "" && given(at, "postgres") {
		return &election.Wrong{Setting: "postgres", Text: "cannot be given for the election of a folder, here " + folder + ", which has a database of its own; leave it out, or name the election's Kafka with {brokers}"}
	}
	return c.lookFlags.AfterApply(at)
}

func (c *auditCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	key, err := openKey(c.BallotKey)
	if err != nil {
		return err
	}
	check := func(cluster kafka.Cluster, postgres, page string) error {
		return explained(cluster, audit.Run(ctx, audit.Config{Kafka: cluster, Postgres: postgres, Page: page, BallotKey: key, Linkage: c.Linkage, Wait: c.Wait, Expect: c.Expect, Out: at.Out, Log: log}))
	}
	folder := c.folder()
	if folder == "" {
		return check(c.cluster(log), c.Postgres, c.Page)
	}
	return local.WithStores(ctx, local.Config{Data: folder, Log: log}, func(cluster kafka.Cluster, postgres string) error {
		if c.Page != "" {
			return check(cluster, postgres, c.Page)
		}
		return withPage(ctx, folder, cluster, func(page string) error { return check(cluster, postgres, page) })
	})
}

// withPage calls f with the URL of a folder's page. If no dashboard runs there, it serves the page while f runs.
func withPage(ctx context.Context, data string, cluster kafka.Cluster, f func(page string) error) error {
	if record, ok := local.Running(data, "dashboard"); ok {
		return f(record.Address)
	}
	ctx, stop := context.WithCancel(ctx)
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- dashboard.Run(ctx, dashboard.Config{
			Kafka: cluster, Listen: "127.0.0.1:0", Portraits: definition.Portraits(), Log: cluster.Log,
			Ready: func(at net.Addr) { ready <- at },
		})
	}()
	defer func() {
		stop()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
		}
	}()
	select {
	case at := <-ready:
		return f("http://" + at.String())
	case err := <-ended:
		return err
	}
}
