package local

import (
	"fmt"
	"net/url"
	"strings"

	"realtime-election/internal/postgres"
	"realtime-election/internal/principals"
)

// service is a child of `up` that runs this program with another subcommand.
type service struct {
	name        string // the subcommand; also in DATA/run and DATA/logs
	wanted      func(UpConfig) bool
	after       string // the server that must have answered before, beside Kafka and PostgreSQL
	args        func(UpConfig) []string
	env         func(*addresses) []string // its environment variables beside the brokers
	servesPage  bool                      // it serves the page
	finishes    bool                      // exit.Done means that its work is finished
	lowPriority bool                      // others get the processors first
}

// services are started as soon as `init` is done and what they need answers.
var services = []service{
	{name: "dashboard", servesPage: true, args: dashboardArgs, env: func(*addresses) []string { return []string{"ELECTION_LISTEN=fd://3"} }},
	{name: "voters", wanted: UpConfig.votes, args: votersArgs, finishes: true},
	{name: "votes", wanted: UpConfig.votes, args: votesArgs, finishes: true, env: func(a *addresses) []string {
		return []string{"ELECTION_BALLOT_KEY=" + a.ballotKey}
	}},
	{name: "replay", wanted: UpConfig.replays, args: replayArgs, finishes: true},
	{name: "ledger", lowPriority: true, env: func(a *addresses) []string {
		return []string{"ELECTION_POSTGRES=" + a.postgresURL(postgres.LedgerRole)}
	}},
	{name: "submit", after: Spark, args: submitArgs, env: func(a *addresses) []string {
		return []string{
			"ELECTION_POSTGRES=" + a.postgresURL(postgres.SparkRole), "SPARK_REMOTE=" + a.spark, "ELECTION_CHECKPOINTS=" + a.checkpoints,
			"ELECTION_SPARK_KAFKA_CONFIG=" + principals.Spark.Login("../secrets"), // from Spark's working folder: any path may hold a ':'
			"ELECTION_REMOTE_OF_THIS_USER=true",
		}
	}},
}

func (c UpConfig) replays() bool { return c.Replay != "" }
func (c UpConfig) votes() bool   { return c.Electorate && c.Replay == "" }

func dashboardArgs(c UpConfig) []string {
	var args []string
	if len(c.Names) > 0 {
		args = append(args, "--names", strings.Join(c.Names, ","))
	}
	if c.TLSCertificate != "" {
		args = append(args, "--tls-certificate", c.TLSCertificate, "--tls-key", c.TLSKey)
	}
	return args
}

func votersArgs(c UpConfig) []string { return []string{"--seed", fmt.Sprint(c.Seed)} }

func votesArgs(c UpConfig) []string {
	switch {
	case c.Speed > 0:
		return []string{"--speed", c.Speed.String()}
	default:
		return []string{"--rate", fmt.Sprint(c.Rate)}
	}
}

func replayArgs(c UpConfig) []string {
	args := append([]string{c.Replay}, regionArgs(c)...)
	return append(args, "--rate", fmt.Sprint(c.Rate), "--seed", fmt.Sprint(c.Seed))
}

func regionArgs(c UpConfig) []string {
	if len(c.Regions) == 0 {
		return nil
	}
	escaped := make([]string, len(c.Regions))
	for i, region := range c.Regions {
		escaped[i] = strings.ReplaceAll(region, ",", `\,`)
	}
	return []string{"--regions", strings.Join(escaped, ",")}
}

func initArgs(c UpConfig) []string {
	args := []string{"init"}
	switch {
	case c.Replay != "":
		args = append(append(args, "--replay", c.Replay), regionArgs(c)...)
	case c.Definition != "":
		args = append(args, "--definition", c.Definition)
	}
	if c.Voters > 0 {
		args = append(args, "--voters", fmt.Sprint(c.Voters))
	}
	if c.Partitions != nil {
		args = append(args, "--partitions", fmt.Sprint(*c.Partitions))
	}
	return args
}

func submitArgs(c UpConfig) []string {
	var args []string
	if c.StatePartitions != nil {
		args = append(args, "--state-partitions", fmt.Sprint(*c.StatePartitions))
	}
	if c.Trigger != nil {
		args = append(args, "--trigger", c.Trigger.String())
	}
	return args
}

// addresses are the addresses and secrets that the services need. Each service gets only those that it needs, as
// environment variables: everyone can read the arguments of a process.
type addresses struct {
	brokers, spark, listen, checkpoints string
	logins                              string // folder; see principals.Logins
	postgres                            string // URL of the owner
	passwords                           map[postgres.Role]string
	ballotKey                           string // path
}

// postgresURL is PostgreSQL's URL for a role.
func (a *addresses) postgresURL(role postgres.Role) string {
	address, err := url.Parse(a.postgres)
	if err != nil {
		panic("PostgreSQL's address is not a URL") // it was made by url.URL.String
	}
	address.User = url.UserPassword(string(role), a.passwords[role])
	return address.String()
}

// forInit is the environment of `init`, which makes the tables, the roles and the ballot key.
func (a *addresses) forInit() []string {
	return []string{
		"ELECTION_POSTGRES=" + a.postgres,
		"ELECTION_LEDGER_PASSWORD=" + a.passwords[postgres.LedgerRole],
		"ELECTION_SPARK_PASSWORD=" + a.passwords[postgres.SparkRole],
		"ELECTION_READER_PASSWORD=" + a.passwords[postgres.ReaderRole],
		"ELECTION_BALLOT_KEY=" + a.ballotKey,
		"ELECTION_PRINCIPALS=" + a.logins,
	}
}

// forAudit is the environment of `audit`, which compares the tables with its own count, and each ballot with what its voter does by
// the ballot key. A replay has no key.
func (a *addresses) forAudit(c UpConfig) []string {
	env := []string{"ELECTION_POSTGRES=" + a.postgresURL(postgres.ReaderRole)}
	if c.votes() {
		env = append(env, "ELECTION_BALLOT_KEY="+a.ballotKey)
	}
	return env
}
