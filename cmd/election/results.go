package main

import (
	"context"
	"io"
	"log/slog"

	"realtime-election/internal/kafka"
	"realtime-election/internal/results"
	"realtime-election/internal/terminal"
)

type resultsCommand struct {
	lookFlags
	By     string `help:"What a line is about: candidate, region (and candidate) or district (and candidate)." enum:"candidate,region,district" default:"candidate"`
	Output string `help:"table, csv or json. A csv by district has the columns and the order of a replayed file." short:"o" enum:"table,csv,json" default:"table"`
}

func (c *resultsCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	return c.kafka(ctx, log, func(cluster kafka.Cluster) error {
		if _, err := cluster.Election(ctx); err != nil {
			return err
		}
		snapshot, err := results.Reader{Kafka: cluster}.Once(ctx)
		if err != nil {
			return err
		}
		return printListing(at.Out, c.Output, snapshot.List(results.By(c.By)))
	})
}

func printListing(out io.Writer, format string, l results.Listing) error {
	switch format {
	case "csv":
		return l.WriteCSV(out)
	case "json":
		return printJSON(out, l.Objects())
	}
	return terminal.Table(out, append([][]string{l.Columns}, l.Rows...), terminal.Right(len(l.Columns)-1))
}
