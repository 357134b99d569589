package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"time"

	"realtime-election/dashboard"
	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/local"
	"realtime-election/sparkjob"
)

type upCommand struct {
	electionFlags
	Data        string `help:"The folder of everything: servers, checkpoints, secrets and logs." default:"${data}" env:"ELECTION_DATA" placeholder:"DIR"`
	Host        string `help:"Where the page is served; 0.0.0.0 is every interface." default:"127.0.0.1" env:"ELECTION_HOST"`
	Port        int    `help:"Port of the page; 0 picks a free one." default:"8080" env:"ELECTION_PORT"`
	Rate        int    `help:"Votes a second of the replay; 0 is as fast as possible." default:"0" env:"ELECTION_RATE"`
	Seed        uint64 `help:"Of the order of the votes and their ballot ids." default:"1" env:"ELECTION_SEED"`
	Once        bool   `help:"End when everything is sent, counted and audited, with the audit's exit code."`
	SparkMemory string `help:"Java heap of Spark, such as 4g." placeholder:"SIZE" env:"ELECTION_SPARK_MEMORY"`
	SparkUI     bool   `help:"Serve Spark's own web page, on loopback." env:"ELECTION_SPARK_UI" name:"spark-ui"`
}

func (c *upCommand) Run(ctx context.Context, log *slog.Logger) error {
	config := local.UpConfig{
		Config: local.Config{Data: c.Data, Log: log, SparkMemory: c.SparkMemory, SparkUI: c.SparkUI},
		Host:   c.Host, Port: c.Port, Replay: c.Replay, Regions: c.Regions, Rate: c.Rate, Seed: c.Seed,
		Definition: c.Definition, Once: c.Once, Out: os.Stdout,
		Counted: func(ctx context.Context, brokers string) (bool, error) {
			return sparkjob.Counted(ctx, []string{brokers}, log)
		},
	}
	if err := config.Validate(); err != nil {
		return &election.InputError{Text: err.Error()}
	}
	if _, err := c.read(); err != nil { // before anything is started
		return err
	}
	if c.Replay == "" {
		log.Warn("nobody will vote: the page stays empty; give --replay FILE to vote a result again")
	}
	return local.Up(ctx, config)
}

type dashboardCommand struct {
	kafkaFlags
	Listen string `help:"Where the page is served: host:port; port 0 takes a free one." default:"127.0.0.1:8080" env:"ELECTION_LISTEN"`
}

func (c *dashboardCommand) Run(ctx context.Context, log *slog.Logger) error {
	config := dashboard.Config{
		Brokers: c.Brokers, Listen: c.Listen, Portraits: definition.Portraits(), Logger: log,
		Ready: func(at net.Addr) { log.Info("the page is served", "address", "http://"+at.String()) },
	}
	if err := config.Validate(); err != nil {
		return &election.InputError{Text: err.Error()}
	}
	return dashboard.Run(ctx, config)
}

// withKafka calls f with the Kafka of a folder, which is started for f where it does not run.
func withKafka(ctx context.Context, data string, log *slog.Logger, f func(brokers []string) error) error {
	return local.WithKafka(ctx, data, func(brokers string) error { return f([]string{brokers}) })
}

// withPage calls f with the URL of a folder's page, which is served for f where it is not.
func withPage(ctx context.Context, data string, brokers []string, log *slog.Logger, f func(page string) error) error {
	if record, ok := local.Running(data, "dashboard"); ok {
		return f("http://" + record.Address)
	}
	ctx, stop := context.WithCancel(ctx)
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- dashboard.Run(ctx, dashboard.Config{
			Brokers: brokers, Listen: "127.0.0.1:0", Portraits: definition.Portraits(), Logger: log,
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
