package main

import (
	"context"
	"fmt"
	"log/slog"

	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
	"realtime-election/internal/number"
	"realtime-election/internal/terminal"
)

type topicsCommand struct {
	lookFlags
	Output string `help:"table or json." short:"o" enum:"table,json" default:"table"`
}

// Help is part of topics --help.
func (*topicsCommand) Help() string {
	return "A topic has at least as many offsets as records, since the end of a transaction takes one too. Bytes are those of Kafka's log files."
}

func (c *topicsCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	return c.kafka(ctx, log, func(cluster kafka.Cluster) error {
		topics, err := inspect.Topics(ctx, cluster)
		if err != nil {
			return err
		}
		if c.Output == "json" {
			return printJSON(at.Out, topics)
		}
		rows := [][]string{{"topic", "partitions", "offsets", "bytes", "holds"}}
		for _, topic := range topics {
			size := "-"
			if topic.Bytes >= 0 {
				size = number.Thousands(topic.Bytes)
			}
			rows = append(rows, []string{topic.Name, fmt.Sprint(topic.Partitions), number.Thousands(topic.Offsets), size, topic.Purpose})
		}
		return terminal.Table(at.Out, rows, terminal.Right(1, 2, 3))
	})
}
