package main

import (
	"context"
	"log/slog"
	"time"

	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/local"
)

type upCommand struct {
	electionFlags
	Data            string        `help:"The folder for everything: servers, checkpoints, secrets and logs." default:"${data}" env:"ELECTION_DATA" placeholder:"DIR"`
	Host            string        `help:"The address of the page; 0.0.0.0 means every interface." default:"${host}" env:"ELECTION_HOST"`
	Names           []string      `help:"Names under which the page is opened, as in dashboard." env:"ELECTION_NAMES"`
	Port            int           `help:"Port of the page; 0 picks a free one." default:"${port}" env:"ELECTION_PORT"`
	Rate            int           `help:"Votes a second; 0 means as fast as possible." default:"0" env:"ELECTION_RATE"`
	Speed           time.Duration `help:"Hold the electorate's polling day in this much time, such as 5m. Not with --rate." placeholder:"TIME" env:"ELECTION_SPEED"`
	Seed            uint64        `help:"Seed from which the voters are generated; with --replay, of the order of the votes and of their ballot ids." default:"${seed}" env:"ELECTION_SEED"`
	Partitions      int32         `help:"Partitions of votes_topic, fixed when the election begins." default:"${partitions}" env:"ELECTION_PARTITIONS"`
	StatePartitions int           `help:"Partitions of the query's state, fixed when a run begins." default:"${state_partitions}" env:"ELECTION_STATE_PARTITIONS"`
	Trigger         time.Duration `help:"The shortest time from one micro-batch to the next." default:"${trigger}" env:"ELECTION_TRIGGER"`
	Once            bool          `help:"End when everything is sent, counted, stored and audited, with the audit's exit code." env:"ELECTION_ONCE"`
	SparkMemory     string        `help:"Java heap of Spark, such as 4g." placeholder:"SIZE" env:"ELECTION_SPARK_MEMORY"`
	SparkUI         bool          `help:"Serve Spark's own web page, on loopback." env:"ELECTION_SPARK_UI" name:"spark-ui"`
	tlsFlags
}

func (c *upCommand) Run(ctx context.Context, log *slog.Logger, at console) error {
	d, err := c.read() // before anything is started
	if err != nil {
		return err
	}
	config := local.UpConfig{
		Config: local.Config{Data: c.Data, Log: log, SparkMemory: c.SparkMemory, SparkUI: c.SparkUI},
		Host:   c.Host, Port: c.Port, Names: c.Names, TLSCertificate: c.TLSCertificate, TLSKey: c.TLSKey, Replay: c.Replay, Regions: c.Regions, Definition: c.Definition,
		Electorate: d.Electorate != nil, Voters: c.Voters, Rate: c.Rate, Speed: c.Speed, Seed: c.Seed,
		Partitions: &c.Partitions, StatePartitions: &c.StatePartitions, Trigger: &c.Trigger,
		Load: load(d), Once: c.Once, Out: at.Out,
	}
	if err := config.Validate(); err != nil {
		return err
	}
	certificate, err := web.ReadCertificate(c.TLSCertificate, c.TLSKey, log)
	if err != nil {
		return err
	}
	if certificate != nil {
		if err := certificate.TrustedAs(config.PageName()); err != nil {
			return err
		}
	}
	if c.Replay == "" && d.Electorate == nil {
		log.Warn("nobody will vote: the definition has no electorate; give --replay FILE to vote a result again, or cast ballots with election cast")
	}
	return local.Up(ctx, config)
}

// load is the number of voters and of expected votes of a definition, which the servers will store.
func load(d *election.Definition) local.Load {
	if d.Electorate == nil {
		return local.Load{Votes: d.ExpectedVotes()}
	}
	l := local.Load{Voters: d.RegisteredVoters()}
	ages := append(election.AgeGroups(), "")
	for i, n := range d.RegisteredByAge() {
		l.Votes += int64(float64(n) * d.Electorate.Turnout.Of(ages[i]))
	}
	return l
}
