package local

import (
	"fmt"
	"net/url"
	"strings"

	"realtime-election/internal/postgres"
)

// service is a child of `up` that is this program again, with another subcommand.
type service struct {
	name     string // the subcommand; also in DATA/run and DATA/logs
	when     func(UpConfig) bool
	after    string // a server that must have answered first, beside Kafka and PostgreSQL
	args     func(UpConfig) []string
	needs    func(*addresses) []string // what its environment says beside the brokers
	page     bool                      // it serves the page, and its health there
	finishes bool                      // exit.Done means that its work is done
	yields   bool                      // it gives way where the processors are busy
}

// services are started as soon as `init` is done and what they need answers.
var services = []service{
	{name: "dashboard", page: true, needs: func(a *addresses) []string { return []string{"ELECTION_LISTEN=" + a.listen} }},
	{name: "voters", when: UpConfig.votes, args: votersArgs, finishes: true},
	{name: "votes", when: UpConfig.votes, args: votesArgs, finishes: true, needs: func(a *addresses) []string {
		return []string{"ELECTION_BALLOT_KEY=" + a.ballotKey}
	}},
	{name: "replay", when: UpConfig.replays, args: replayArgs, finishes: true},
	{name: "ledger", yields: true, needs: func(a *addresses) []string { return []string{"ELECTION_POSTGRES=" + a.as(postgres.LedgerRole)} }},
	{name: "submit", after: Spark, args: submitArgs, needs: func(a *addresses) []string {
		return []string{"ELECTION_POSTGRES=" + a.as(postgres.SparkRole), "SPARK_REMOTE=" + a.spark, "ELECTION_CHECKPOINTS=" + a.checkpoints}
	}},
}

func (c UpConfig) replays() bool { return c.Replay != "" }
func (c UpConfig) votes() bool   { return c.Electorate && c.Replay == "" }

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

// addresses are what the services need to know. They get them by environment, each only what it needs: arguments can be
// read by everyone.
type addresses struct {
	brokers, spark, listen, checkpoints string
	postgres                            string // URL of the owner
	passwords                           map[postgres.Role]string
	ballotKey                           string // path
}

// as is PostgreSQL's URL for a role.
func (a *addresses) as(role postgres.Role) string {
	address, err := url.Parse(a.postgres)
	if err != nil {
		panic("PostgreSQL's address is not one") // it was made by url.URL.String
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
	}
}

// forAudit is the environment of `audit`, which compares the tables with its own count.
func (a *addresses) forAudit() []string {
	return []string{"ELECTION_POSTGRES=" + a.as(postgres.ReaderRole)}
}
