package local

import (
	"fmt"
	"strings"
)

// service is a child of `up` that is this program again, with another subcommand.
type service struct {
	name     string // the subcommand; also in DATA/run and DATA/logs
	when     func(UpConfig) bool
	args     func(UpConfig) []string
	address  func(addresses) string // where it serves the page, if it does
	finishes bool                   // exit code 0 means that its work is done
}

// services are started in this order and stopped in the reverse one.
var services = []service{
	{name: "submit"},
	{name: "dashboard", address: func(a addresses) string { return pageHost(a.listen) }},
	{name: "replay", when: UpConfig.replays, args: replayArgs, finishes: true},
}

func (c UpConfig) replays() bool { return c.Replay != "" }

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
	switch {
	case c.Replay != "":
		return append([]string{"init", "--replay", c.Replay}, regionArgs(c)...)
	case c.Definition != "":
		return []string{"init", "--definition", c.Definition}
	default:
		return []string{"init"}
	}
}

// addresses are what the services need to know. They get them by environment: arguments can be read by everyone.
type addresses struct {
	brokers, postgres, spark, listen, data, checkpoints string
}

func (a addresses) environment() []string {
	return []string{
		"ELECTION_BROKERS=" + a.brokers,
		"ELECTION_POSTGRES=" + a.postgres,
		"SPARK_REMOTE=" + a.spark,
		"ELECTION_LISTEN=" + a.listen,
		"ELECTION_DATA=" + a.data,
		"ELECTION_CHECKPOINTS=" + a.checkpoints,
	}
}
