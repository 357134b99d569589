package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"realtime-election/dashboard"
	"realtime-election/election"
	"realtime-election/internal/ballotkey"
	"realtime-election/internal/definition"
	"realtime-election/internal/health"
	"realtime-election/internal/postgres"
	"realtime-election/ledger"
	"realtime-election/producer"
	"realtime-election/setup"
	"realtime-election/sparkjob"
)

// kafkaFlags say where Kafka is.
type kafkaFlags struct {
	Brokers []string `help:"Kafka's bootstrap servers." default:"${brokers}" env:"ELECTION_BROKERS"`
}

// healthFlags say where a service tells how it is.
type healthFlags struct {
	Health string `help:"Serve /healthz, /readyz, /metrics and /version at this host:port; port 0 takes a free one. Off by default." placeholder:"ADDR" env:"ELECTION_HEALTH"`
}

// serve runs a service, and its health beside it until the service has ended.
func (f healthFlags) serve(ctx context.Context, name string, log *slog.Logger, run func(context.Context, *health.Service) error) error {
	if f.Health == "" {
		return run(ctx, nil)
	}
	h := health.New(name)
	group, ctx := errgroup.WithContext(ctx)
	ctx, ended := context.WithCancel(ctx)
	group.Go(func() error {
		defer ended()
		return run(ctx, h)
	})
	group.Go(func() error { return h.Serve(ctx, f.Health, log) })
	return group.Wait()
}

// electionFlags choose the election.
type electionFlags struct {
	Definition string   `help:"A definition file; election definition prints one to start from. Without it and without --replay, the default definition." placeholder:"FILE" env:"ELECTION_DEFINITION"`
	Replay     string   `help:"A result file to derive the definition from: CSV with the columns region,district_id,district,candidate,party,votes." placeholder:"FILE" env:"ELECTION_REPLAY"`
	Regions    []string `help:"Only these regions of the result file." env:"ELECTION_REGIONS"`
	Voters     int64    `help:"How many voters are registered in all, spread over the districts as the definition has them; 0 is as many as it says." default:"0" env:"ELECTION_VOTERS"`
}

func (f electionFlags) read() (*election.Definition, error) {
	switch {
	case f.Replay != "" && f.Definition != "":
		return nil, &election.InputError{Text: "--definition (ELECTION_DEFINITION) and --replay (ELECTION_REPLAY) can't be used together: a replayed file is a definition itself"}
	case f.Replay == "" && len(f.Regions) > 0:
		return nil, &election.InputError{Text: "--regions chooses from a result file; name it with --replay"}
	case f.Voters < 0:
		return nil, &election.InputError{Text: fmt.Sprintf("--voters is %d; choose 1 or more, or 0 for as many as the definition says", f.Voters)}
	case f.Replay != "" && f.Voters > 0:
		return nil, &election.InputError{Text: "--voters sizes an electorate, and a replay has none; leave one of --replay and --voters out"}
	case f.Replay != "":
		file, err := definition.ReadResultFile(f.Replay, f.Regions)
		if err != nil {
			return nil, err
		}
		return file.Definition, nil
	}
	read := definition.Default
	if f.Definition != "" {
		read = func() (*election.Definition, error) { return definition.ReadYAML(f.Definition) }
	}
	d, err := read()
	if err == nil && f.Voters > 0 {
		err = d.ScaleRegister(f.Voters)
	}
	return d, err
}

type initCommand struct {
	kafkaFlags
	Postgres string `help:"PostgreSQL's URL, with user and password, of a role that may make tables and roles." placeholder:"URL" env:"ELECTION_POSTGRES" required:""`
	electionFlags
	Partitions     int32  `help:"Partitions of votes_topic, where it does not exist yet." default:"4" env:"ELECTION_PARTITIONS"`
	BallotKey      string `help:"The file of the secret ballot key, made where it does not exist, for a definition with an electorate." placeholder:"FILE" env:"ELECTION_BALLOT_KEY"`
	LedgerPassword string `help:"Password of the role election_ledger. Without one a role cannot log in. Arguments can be read by every user of the machine: use the environment." placeholder:"SECRET" env:"ELECTION_LEDGER_PASSWORD"`
	SparkPassword  string `help:"Password of the role election_spark, for submit." placeholder:"SECRET" env:"ELECTION_SPARK_PASSWORD"`
	ReaderPassword string `help:"Password of the role election_reader, for audit and for people." placeholder:"SECRET" env:"ELECTION_READER_PASSWORD"`
}

func (c *initCommand) Run(ctx context.Context, log *slog.Logger) error {
	d, err := c.read()
	if err != nil {
		return err
	}
	var fingerprint string
	if d.Electorate != nil {
		if c.BallotKey == "" {
			return &election.InputError{Text: "the definition has an electorate, whose ballots need a secret key: name its file with --ballot-key; it is made where it does not exist"}
		}
		key, err := ballotkey.OpenOrMake(c.BallotKey)
		if err != nil {
			return err
		}
		fingerprint = key.Fingerprint()
	}
	return setup.Run(ctx, setup.Config{
		Brokers: c.Brokers, Postgres: c.Postgres, Definition: d, Partitions: c.Partitions, BallotKeyFingerprint: fingerprint,
		Passwords: map[postgres.Role]string{
			postgres.LedgerRole: c.LedgerPassword, postgres.SparkRole: c.SparkPassword, postgres.ReaderRole: c.ReaderPassword,
		},
		Log: log,
	})
}

// electorateFlags are for who has nothing to do in a replay.
type electorateFlags struct {
	Optional bool `help:"End without an error where the election has no electorate, as in a replay." env:"ELECTION_OPTIONAL"`
}

func (f electorateFlags) end(err error, log *slog.Logger) error {
	if f.Optional && errors.Is(err, producer.ErrNoElectorate) {
		log.Info("nothing to do: the election has no electorate")
		return nil
	}
	return err
}

type votersCommand struct {
	kafkaFlags
	healthFlags
	electorateFlags
	Rate int    `help:"Voters a second; 0 is as fast as possible." default:"0" env:"ELECTION_VOTERS_RATE"`
	Seed uint64 `help:"Of who the voters are." default:"1" env:"ELECTION_SEED"`
}

func (c *votersCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	err := c.serve(ctx, "voters", log, func(ctx context.Context, h *health.Service) error {
		return producer.Voters(ctx, producer.VotersConfig{Brokers: c.Brokers, Rate: c.Rate, Seed: c.Seed, Log: log, Out: at.Err, Health: h})
	})
	return c.end(err, log)
}

type votesCommand struct {
	kafkaFlags
	healthFlags
	electorateFlags
	BallotKey string        `help:"The file of the secret ballot key that init made." placeholder:"FILE" env:"ELECTION_BALLOT_KEY" required:""`
	Rate      int           `help:"Votes a second, all together; 0 is as fast as possible." default:"0" env:"ELECTION_RATE"`
	Speed     time.Duration `help:"Hold the polling day in this much time, such as 5m: votes arrive as they would over the day. Not with --rate." placeholder:"TIME" env:"ELECTION_SPEED"`
}

func (c *votesCommand) Run(ctx context.Context, log *slog.Logger) error {
	key, err := ballotkey.Open(c.BallotKey)
	if err != nil {
		return err
	}
	err = c.serve(ctx, "votes", log, func(ctx context.Context, h *health.Service) error {
		return producer.Votes(ctx, producer.VotesConfig{Brokers: c.Brokers, Key: key, Rate: c.Rate, Speed: c.Speed, Log: log, Health: h})
	})
	return c.end(err, log)
}

type replayCommand struct {
	kafkaFlags
	healthFlags
	File    string   `arg:"" help:"The result file: CSV with the columns region,district_id,district,candidate,party,votes."`
	Regions []string `help:"Only these regions." env:"ELECTION_REGIONS"`
	Rate    int      `help:"Votes a second; 0 is as fast as possible." default:"0" env:"ELECTION_RATE"`
	Seed    uint64   `help:"Of the order of the votes and their ballot ids." default:"1" env:"ELECTION_SEED"`
}

func (c *replayCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	return c.serve(ctx, "replay", log, func(ctx context.Context, h *health.Service) error {
		return producer.Replay(ctx, producer.ReplayConfig{
			Brokers: c.Brokers, File: c.File, Regions: c.Regions, Rate: c.Rate, Seed: c.Seed, Log: log, Out: at.Err, Health: h,
		})
	})
}

type submitCommand struct {
	kafkaFlags
	healthFlags
	Postgres        string        `help:"PostgreSQL's URL, with user and password, of a role that may read the definition's tables: election_spark. Spark gets it. Of several submits one acts, which has a lock there." placeholder:"URL" env:"ELECTION_POSTGRES" required:""`
	Remote          string        `help:"The Spark Connect server: sc://host:port/;token=…" placeholder:"URL" env:"SPARK_REMOTE" required:""`
	PlainText       bool          `help:"Let the token of --remote travel without TLS: for a network that nobody else can read, such as that of docker compose." env:"ELECTION_PLAIN_TEXT"`
	Checkpoints     string        `help:"URI of the folder for checkpoints, which Spark's driver and executors share." placeholder:"URI" env:"ELECTION_CHECKPOINTS" required:""`
	StatePartitions int           `help:"Partitions of the query's state, fixed when a run begins." default:"2" env:"ELECTION_STATE_PARTITIONS"`
	Trigger         time.Duration `help:"The least time from one micro-batch to the next." default:"1s" env:"ELECTION_TRIGGER"`
}

func (c *submitCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.serve(ctx, "submit", log, func(ctx context.Context, h *health.Service) error {
		return sparkjob.Run(ctx, sparkjob.Config{
			Brokers: c.Brokers, Postgres: c.Postgres, Remote: c.Remote, Checkpoints: c.Checkpoints,
			Partitions: c.StatePartitions, Trigger: c.Trigger, PlainText: c.PlainText, Log: log, Health: h,
		})
	})
}

type ledgerCommand struct {
	kafkaFlags
	healthFlags
	Postgres string `help:"PostgreSQL's URL, with user and password, of a role that may write the ledger's tables: election_ledger." placeholder:"URL" env:"ELECTION_POSTGRES" required:""`
}

func (c *ledgerCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.serve(ctx, "ledger", log, func(ctx context.Context, h *health.Service) error {
		return ledger.Run(ctx, ledger.Config{Brokers: c.Brokers, Postgres: c.Postgres, Log: log, Health: h})
	})
}

type dashboardCommand struct {
	kafkaFlags
	Listen string `help:"Where the page is served, and its health: host:port; port 0 takes a free one." default:"127.0.0.1:8080" env:"ELECTION_LISTEN"`
}

func (c *dashboardCommand) Run(ctx context.Context, log *slog.Logger) error {
	config := dashboard.Config{
		Brokers: c.Brokers, Listen: c.Listen, Portraits: definition.Portraits(), Logger: log, Health: health.New("dashboard"),
		Ready: func(at net.Addr) { log.Info("the page is served", "address", "http://"+at.String()) },
	}
	if err := config.Validate(); err != nil {
		return &election.InputError{Text: err.Error()}
	}
	return dashboard.Run(ctx, config)
}

type definitionCommand struct{}

func (*definitionCommand) Run(at console) error {
	_, err := at.Out.Write(definition.DefaultText())
	return err
}

type versionCommand struct{}

func (*versionCommand) Run(at console) error {
	_, err := fmt.Fprintln(at.Out, "election", health.Version())
	return err
}
