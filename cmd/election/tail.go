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
	From      string `help:"start: the first records, partition by partition. end: the last records of all partitions, by time." enum:"start,end" default:"end"`
	Count     int    `help:"How many records." short:"n" default:"10"`
	Follow    bool   `help:"Go on with new records until Ctrl-C. With --from start, print everything." short:"f"`
	Partition int32  `help:"Only this partition; -1 means all." default:"-1"`
	Output    string `help:"text: partition:offset, time, key and value, with unprintable characters escaped. json: an object on each line. raw: unchanged values, one on each line, for pipes." short:"o" enum:"text,json,raw" default:"text"`
}

func (c *tailCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	if c.Output == "raw" && terminal.Is(at.Out) {
		return &election.InputError{Text: "-o raw prints unchanged what a sender has written, which can control a terminal; pipe it into a program or a file, or use -o text"}
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
