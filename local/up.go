package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"realtime-election/election"
)

// UpConfig is the settings of `election up`. Data and Out are required.
type UpConfig struct {
	Config
	Host            string        // where the page is served; "" is 127.0.0.1
	Names           []string      // under which the page is opened, beside its addresses
	TLSCertificate  string        // PEM file, by which the page is served by TLS; this machine must trust it for PageName
	TLSKey          string        // PEM file of its private key
	Port            int           // of the page; 0 is a free one, kept for DATA
	Replay          string        // a file of real results to be voted again
	Regions         []string      // of the replay; none means all
	Definition      string        // a file that defines the election, if nothing is replayed; "" is the default
	Electorate      bool          // the definition has an electorate, which votes if nothing is replayed
	Voters          int64         // registered voters in all; 0 keeps those of the definition
	Rate            int           // votes a second; 0 is as fast as possible
	Speed           time.Duration // how long the electorate's polling day takes; 0 votes at Rate
	Seed            uint64
	Load            Load           // what will be stored, for which there must be room
	Partitions      *int32         // of votes_topic; nil is the default of init
	StatePartitions *int           // of the query's state; nil is the default of submit
	Trigger         *time.Duration // the least time from one micro-batch to the next; nil is the default of submit
	Checkpoints     string         // URI of the query's checkpoints; "" is in DATA
	Once            bool           // end when everything is counted, stored and audited

	Out        io.Writer // the page's address, the progress and the audit's report
	Executable string    // of the services; "" is this program

	allCounted func(ctx context.Context, brokers string) (bool, error) // for tests without Kafka; nil asks Kafka
	pace       pace                                                    // of tests
}

// Validate names a wrong setting, as an *election.Wrong. It does not check the settings that choose the election:
// whoever set Electorate and Load has read the election.
func (c UpConfig) Validate() error {
	switch {
	case c.Data == "":
		return &election.Wrong{Setting: "data", Text: "is empty; name a folder"}
	case c.Port < 0 || c.Port > 65535:
		return &election.Wrong{Setting: "port", Value: c.Port, Text: "ports go from 1 to 65535, and 0 picks a free one"}
	case c.Replay == "" && !c.Electorate && c.Once:
		return &election.Wrong{Setting: "once", Text: "ends when all votes are counted, and nobody votes: the definition has no electorate; give one that has, or {replay}"}
	case c.Rate < 0:
		return &election.Wrong{Setting: "rate", Value: c.Rate, Text: "give votes a second, or 0 for as fast as possible"}
	case c.Speed < 0:
		return &election.Wrong{Setting: "speed", Value: c.Speed, Text: "give how long the polling day may take, such as 5m, or 0 for no polling day"}
	case c.Partitions != nil && (*c.Partitions < 1 || *c.Partitions > election.MostVotePartitions):
		return &election.Wrong{Setting: "partitions", Value: *c.Partitions, Text: fmt.Sprintf("choose 1 to %d", election.MostVotePartitions)}
	case c.StatePartitions != nil && *c.StatePartitions < 1:
		return &election.Wrong{Setting: "state-partitions", Value: *c.StatePartitions, Text: "choose 1 or more"}
	case c.Trigger != nil && *c.Trigger < 0:
		return &election.Wrong{Setting: "trigger", Value: *c.Trigger, Text: "choose 0 or more"}
	case c.Replay != "" && c.Speed > 0:
		return &election.Wrong{Setting: "speed", Text: "is for an electorate's polling day: give {rate} with {replay}"}
	case c.Rate > 0 && c.Speed > 0:
		return &election.Wrong{Setting: "rate", Text: "and {speed} exclude each other: votes a second, or the whole polling day in that time"}
	}
	return nil
}

// server is a server that `up` starts before the services.
type server struct {
	name  string
	start func(context.Context, Config) (*Process, error)
}

// localServers are started in this order.
var localServers = []server{{Kafka, StartKafka}, {PostgreSQL, StartPostgreSQL}, {Spark, StartSpark}}

// Up runs the whole system in DATA, and starts again each process that dies. It returns nil when ctx ends. With Once,
// it returns nil when the votes are counted and audited, and an error when ctx ends before. When it returns, none of
// its processes runs. If Up is killed, the next Up ends the processes that are left. An *ExitError named audit has the
// audit's exit code.
func Up(ctx context.Context, config UpConfig) error {
	if err := config.Validate(); err != nil {
		return err
	}
	if err := checkOurs(config.Data); err != nil {
		return err
	}
	if err := checkFolderIsAnElections(config.Data); err != nil {
		return err
	}
	unlock, err := lock(config.Config)
	if err != nil {
		return err
	}
	defer unlock()
	ended, err := EndOrphans(ctx, config.Config, stopGrace)
	if err != nil {
		return err
	}
	if len(ended) > 0 {
		config.log().Info("ended what a killed up had left behind", "names", ended)
	}
	if err := recordUp(config.Config); err != nil {
		return err
	}
	defer removeRecord(config.Config, upName)
	if _, err := config.pageAddress(); err != nil { // before the jars are fetched
		return err
	}
	if err := checkAndFetch(ctx, config); err != nil {
		return err
	}
	return up(ctx, config, localServers)
}

// up is Up in a folder that is locked, free of orphans and checked.
func up(ctx context.Context, config UpConfig, servers []server) error {
	syscall.Umask(0o077) // children inherit it, and Java makes files for everybody
	page, err := config.pageAddress()
	if err != nil {
		return err
	}
	listener, err := openListener(page)
	if err != nil {
		return err
	}
	defer listener.Close()
	addresses := addresses{listen: page, checkpoints: config.Checkpoints}
	if addresses.checkpoints == "" {
		inside, err := config.pathIn("checkpoints", "x") // Spark would make a folder that everybody may read
		if err != nil {
			return err
		}
		addresses.checkpoints = "file://" + filepath.Dir(inside) // not escaped: Hadoop takes a path as it is written
	}
	if addresses.ballotKey, err = config.pathIn("secrets", "ballot-key"); err != nil {
		return err
	}
	if addresses.logins, err = loginsFolder(config.Config); err != nil {
		return err
	}
	if addresses.passwords, err = rolePasswords(config.Config); err != nil {
		return err
	}
	if config.Executable == "" {
		if config.Executable, err = os.Executable(); err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
	}

	// Keepers run until the context running ends. Only then are their processes stopped, in the reverse order of their
	// start, so that no keeper starts one again.
	group, running := errgroup.WithContext(ctx)
	run := &run{config: config, group: group, addresses: addresses, listener: listener, begun: time.Now()}
	group.Go(func() error { return run.runAll(running, servers) })
	err = group.Wait()
	run.stop()
	if errors.Is(err, errFinished) || ctx.Err() != nil && !config.Once && (err == nil || errors.Is(err, context.Cause(ctx))) {
		return nil
	}
	return errors.Join(err, ctx.Err())
}

// pageAddress is the host:port of the page, which nothing else listens on.
func (c UpConfig) pageAddress() (string, error) {
	host := cmp.Or(c.Host, "127.0.0.1")
	if err := ourHost(host); err != nil {
		return "", err
	}
	if c.Port != 0 {
		if err := portFree(host, c.Port); err != nil {
			return "", &election.Hint{
				Err:  fmt.Errorf("port %d of %s cannot be used for the page (%w)", c.Port, host, err),
				Text: "end the program that uses it, or choose another with {port} (0 picks a free one)",
			}
		}
		return net.JoinHostPort(host, strconv.Itoa(c.Port)), nil
	}
	port, err := keptPort(c.Config, host, "page")
	return net.JoinHostPort(host, strconv.Itoa(port)), err
}

// openListener listens where the page is served. The dashboard inherits the socket. So nobody else can take the port, not even
// while the dashboard is started again.
func openListener(page string) (*os.File, error) {
	listener, err := net.Listen("tcp", page)
	if err != nil {
		return nil, fmt.Errorf("open the page's port: %w", err)
	}
	defer listener.Close() // the file is another handle of the socket
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return nil, fmt.Errorf("open the page's port: %w", err)
	}
	return file, nil
}

// ourHost is an error unless this machine has the address.
func ourHost(host string) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return &election.Wrong{Setting: "host", Value: host, Text: fmt.Sprintf("the page cannot be served there (%v): give an address of this machine, 127.0.0.1 for this machine only, or 0.0.0.0 for every address it has", err)}
	}
	return listener.Close()
}

// pageHost is the host:port at which this machine reaches the page.
func pageHost(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}

// pageURL is the URL of the page for a browser on this machine.
func (c UpConfig) pageURL(listen string) string {
	at := pageHost(listen)
	if c.TLSCertificate == "" {
		return "http://" + at + "/"
	}
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		panic("the page's address is no host:port") // pageAddress made it
	}
	return "https://" + net.JoinHostPort(c.PageName(), port) + "/"
}

// PageName is what the page is called where up itself opens it by TLS: the first of Names, or its address.
func (c UpConfig) PageName() string {
	if len(c.Names) > 0 {
		return c.Names[0]
	}
	host, _, err := net.SplitHostPort(pageHost(net.JoinHostPort(cmp.Or(c.Host, "127.0.0.1"), "0")))
	if err != nil {
		panic("an address of a host and a port is no host:port")
	}
	return host
}

// How long each group of processes may take to end: together less than 20 seconds, except where classes are kept.
const (
	graceServices = 5 * time.Second
	graceSpark    = 5 * time.Second
	graceStores   = 8 * time.Second

	graceClasses        = time.Minute     // more, for a server that writes its classes, once
	graceWithoutClasses = 2 * time.Second // for a server that would write them, but they are not worth it
)
