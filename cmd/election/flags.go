package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka"
	"realtime-election/internal/postgres"
	"realtime-election/internal/principals"
	"realtime-election/local"
	"realtime-election/producer"
)

// loginFlags say how a client logs in to the Kafka of --brokers.
type loginFlags struct {
	KafkaConfig string `help:"A file of Kafka's client properties, for a Kafka at --brokers that wants TLS or a login. Or a folder of logins, which has a file for each command." placeholder:"FILE" env:"ELECTION_KAFKA_CONFIG"`

	principal principals.Principal // of the command, where the Kafka is the election's own
	security  *kafka.Security
}

// AfterApply reads the file.
func (f *loginFlags) AfterApply(c *kong.Context) (err error) {
	f.principal = principalOf(c.Command())
	if f.KafkaConfig == "" {
		return nil
	}
	path := f.KafkaConfig
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = f.principal.Login(path)
	}
	f.security, err = kafka.ReadSecurity(path)
	return err
}

// principalOf is the principal as which a command logs in: that of its name, or the reader.
func principalOf(command string) principals.Principal {
	name, _, _ := strings.Cut(command, " ")
	switch p := principals.Principal(name); {
	case principals.Known(p):
		return p
	case name == "check":
		return principals.Health
	}
	return principals.Reader
}

// kafkaFlags name the Kafka cluster.
type kafkaFlags struct {
	Brokers []string `help:"Kafka's bootstrap servers." default:"${brokers}" env:"ELECTION_BROKERS"`
	loginFlags
}

func (f kafkaFlags) cluster(log *slog.Logger) kafka.Cluster {
	return kafka.Cluster{Brokers: f.Brokers, Security: f.security, Log: log}
}

// healthFlags name the address at which a service serves its health.
type healthFlags struct {
	Health string `help:"Serve /healthz, /readyz, /metrics and /version at this host:port; port 0 takes a free one. Off by default." placeholder:"ADDR" env:"ELECTION_HEALTH"`
}

// tlsFlags name the files by which the page is served by TLS.
type tlsFlags struct {
	TLSCertificate string `help:"Serve the page by TLS, with the certificate and its chain in this PEM file. A renewed one is taken without a restart." placeholder:"FILE" env:"ELECTION_TLS_CERTIFICATE" name:"tls-certificate"`
	TLSKey         string `help:"A PEM file with the private key of --tls-certificate." placeholder:"FILE" env:"ELECTION_TLS_KEY" name:"tls-key"`
}

// kafkaStarts is how long a service waits for Kafka before it ends with an error. Whoever starts services again when they end
// waits ever longer before the next start.
const kafkaStarts = time.Minute

// serveWithKafka is serve for a service that cannot begin without Kafka. Without health, nobody starts the service again, and it
// does not wait for Kafka.
func (f healthFlags) serveWithKafka(ctx context.Context, name string, cluster kafka.Cluster, run func(context.Context, *health.Service) error) error {
	return f.serve(ctx, name, cluster.Logger(), func(ctx context.Context, h *health.Service) error {
		if h != nil {
			if err := cluster.Await(ctx, kafkaStarts); err != nil {
				return err
			}
		}
		return explained(cluster, run(ctx, h))
	})
}

// serve runs a service, and serves its health until the service has ended.
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
	Voters     int64    `help:"How many voters are registered in all, spread over the districts in proportion to the definition; 0 means the number in the definition." default:"0" env:"ELECTION_VOTERS"`
}

func (f electionFlags) read() (*election.Definition, error) {
	switch {
	case f.Replay != "" && f.Definition != "":
		return nil, &election.Wrong{Setting: "definition", Text: "and {replay} can't be used together: a replayed file is a definition itself"}
	case f.Replay == "" && len(f.Regions) > 0:
		return nil, &election.Wrong{Setting: "regions", Text: "chooses from a result file; name it with {replay}"}
	case f.Voters < 0:
		return nil, &election.Wrong{Setting: "voters", Value: f.Voters, Text: "choose 1 or more, or 0 for as many as the definition says"}
	case f.Replay != "" && f.Voters > 0:
		return nil, &election.Wrong{Setting: "voters", Text: "sizes an electorate, and a replay has none; leave one of {replay} and {voters} out"}
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

// electorateFlags are for commands that do nothing in a replay.
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

// defaultData is the default folder of an election.
const defaultData = "data"

// defaults are the default values of settings that several commands have.
func defaults() kong.Vars {
	return kong.Vars{
		"brokers": "127.0.0.1:9092", "data": defaultData, "host": "127.0.0.1", "port": "8080",
		"max_viewers": fmt.Sprint(web.DefaultMaxViewers), "max_viewers_of_address": fmt.Sprint(web.DefaultMaxViewersOfAddress),
		"partitions": "4", "state_partitions": "2", "trigger": "1s", "seed": "1",
	}
}

// lookFlags choose the election for commands that look into one.
type lookFlags struct {
	Brokers []string `help:"Kafka's bootstrap servers. Without them and without --data, the folder that election up uses." env:"ELECTION_BROKERS"`
	loginFlags
	Data string `help:"The folder of an election up: its servers are used, and started for the command if they do not run." placeholder:"DIR"`
}

// AfterApply refuses two flags that name two elections. A flag wins over the environment, so that is no mistake.
func (f *lookFlags) AfterApply(c *kong.Context) error {
	if given(c, "brokers") && given(c, "data") {
		return &election.Wrong{Setting: "brokers", Text: "and {data} name two elections; leave one of them out"}
	}
	return f.loginFlags.AfterApply(c)
}

// given reports whether a flag is on the command line.
func given(c *kong.Context, name string) bool {
	return slices.ContainsFunc(c.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == name })
}

// cluster is that of --brokers.
func (f lookFlags) cluster(log *slog.Logger) kafka.Cluster {
	return kafka.Cluster{Brokers: f.Brokers, Security: f.security, Log: log}
}

// folder is the folder of the election, or empty if only its Kafka is known.
func (f lookFlags) folder() string {
	if f.Data == "" && len(f.Brokers) == 0 {
		return cmp.Or(os.Getenv("ELECTION_DATA"), defaultData)
	}
	return f.Data
}

// explained is an error that says what to correct where Kafka or PostgreSQL refuses the client, and the error itself otherwise.
func explained(cluster kafka.Cluster, err error) error {
	if _, said := errors.AsType[*election.InputError](err); err == nil || said {
		return err
	}
	return cmp.Or(postgres.Explain(err), cluster.Explain(err), err)
}

// kafka calls f with the election's Kafka.
func (f lookFlags) kafka(ctx context.Context, log *slog.Logger, use func(kafka.Cluster) error) error {
	explaining := func(cluster kafka.Cluster) error { return explained(cluster, use(cluster)) }
	if folder := f.folder(); folder != "" {
		return local.WithKafka(ctx, local.Config{Data: folder, Log: log}, f.principal, explaining)
	}
	return explaining(f.cluster(log))
}
