package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
	"realtime-election/internal/terminal"
)

type tailCommand struct {
	lookFlags
	Topic     string `arg:"" help:"The topic; election topics lists them."`
	From      string `help:"start: the first records, a partition after the other. end: the last ones of all partitions, by time." enum:"start,end" default:"end"`
	Count     int    `help:"How many records." short:"n" default:"10"`
	Follow    bool   `help:"Go on with records as they come, until Ctrl-C. With --from start, everything is printed." short:"f"`
	Partition int32  `help:"Only this partition; -1 is all." default:"-1"`
	Output    string `help:"text: partition:offset, time, key and value, with what is not printable escaped. json: the same as an object a line. raw: values as they are, a line each, for pipes." short:"o" enum:"text,json,raw" default:"text"`
}

func (c *tailCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	if c.Output == "raw" && terminal.Is(at.Out) {
		return &election.InputError{Text: "-o raw prints whatever a sender wrote, which can control a terminal; pipe it into a program or a file, or use -o text"}
	}
	config := inspect.TailConfig{
		Topic: c.Topic, Partition: c.Partition, FromStart: c.From == "start", Count: c.Count, Follow: c.Follow,
		Each: func(r *kgo.Record) error { return printRecord(at.Out, c.Output, r) },
	}
	if err := config.Validate(); err != nil {
		return err
	}
	return c.kafka(ctx, log, func(cluster kafka.Cluster) error {
		config.Kafka = cluster
		return inspect.Tail(ctx, config)
	})
}

func printRecord(out io.Writer, format string, r *kgo.Record) error {
	text := []byte(inspect.Text(r))
	switch format {
	case "json":
		var err error
		if text, err = inspect.JSON(r); err != nil {
			return err
		}
	case "raw":
		text = r.Value
	}
	_, err := out.Write(append(text, '\n'))
	return err
}
