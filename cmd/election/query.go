package main

import (
	"context"
	"fmt"
	"log/slog"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/local"
	"realtime-election/sparkjob"
)

type queryCommand struct {
	Stop    queryStopCommand    `cmd:"" group:"services" help:"Stop the query until query start, even if services or servers are started again. Ballots and counted totals are kept."`
	Start   queryStartCommand   `cmd:"" group:"services" help:"Let the query run again, from where it stopped."`
	Explain queryExplainCommand `cmd:"" group:"services" help:"Print Spark's plan of the query's latest micro-batch."`
}

type queryStopCommand struct{ lookFlags }

func (c *queryStopCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.kafka(ctx, log, func(cluster kafka.Cluster) error { return sparkjob.Stop(ctx, cluster) })
}

type queryStartCommand struct{ lookFlags }

func (c *queryStartCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.kafka(ctx, log, func(cluster kafka.Cluster) error { return sparkjob.Start(ctx, cluster) })
}

type queryExplainCommand struct {
	lookFlags
	Remote    string `help:"The Spark Connect server, with --brokers: sc://host:port/;token=…" placeholder:"URL" env:"SPARK_REMOTE"`
	PlainText bool   `help:"Let the token of --remote travel without TLS." env:"ELECTION_PLAIN_TEXT"`
	Extended  bool   `help:"Print the logical plans too."`
}

func (c *queryExplainCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	remote := sparkjob.Remote{URL: c.Remote, PlainText: c.PlainText}
	if folder := c.folder(); folder != "" {
		record, running := local.Running(folder, local.Spark)
		if !running {
			return fmt.Errorf("no Spark runs in %s; `election up --data %s` starts it", folder, folder)
		}
		remote = sparkjob.Remote{URL: record.Address, OfThisUser: true}
	}
	if remote.URL == "" {
		return &election.Wrong{Setting: "brokers", Text: "names an election whose Spark is not known; name that with {remote} sc://host:port/;token=…"}
	}
	return c.kafka(ctx, log, func(cluster kafka.Cluster) error {
		plan, err := sparkjob.Plan(ctx, cluster, remote, c.Extended)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(at.Out, plan)
		return err
	})
}
