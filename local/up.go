package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// UpConfig is what `election up` can be told. Data, Out and Counted (with Once) are required.
type UpConfig struct {
	Config
	Host        string   // where the page is served; "" is 127.0.0.1
	Port        int      // of the page; 0 is a free one, kept for DATA
	Replay      string   // a file of real results to be voted again
	Regions     []string // of the replay; none means all
	Rate        int      // votes a second of the replay; 0 is as fast as possible
	Seed        uint64
	Definition  string // a file that defines the election, if nothing is replayed
	Checkpoints string // URI of the query's checkpoints; "" is in DATA
	Once        bool   // end when everything is counted and audited

	// Counted says whether the query has counted every vote there is. With Once it is asked again and again after the
	// replay has finished.
	Counted func(ctx context.Context, brokers string) (bool, error)

	Out        io.Writer // the page's address, the progress and the audit's report
	Executable string    // of the services; "" is this program
}

// Validate says which setting is wrong.
func (c UpConfig) Validate() error {
	switch {
	case c.Data == "":
		return errors.New("--data is empty: name a folder")
	case c.Port < 0 || c.Port > 65535:
		return fmt.Errorf("--port %d: ports go from 1 to 65535, and 0 picks a free one", c.Port)
	case c.Replay != "" && c.Definition != "":
		return errors.New("--replay and --definition exclude each other: the replayed results define the election")
	case c.Replay == "" && len(c.Regions) > 0:
		return errors.New("--regions chooses from the results to replay: give --replay too")
	case c.Replay == "" && c.Once:
		return errors.New("--once ends when the replay is counted: give --replay too")
	case c.Rate < 0:
		return fmt.Errorf("--rate %d: give votes a second, or 0 for as fast as possible", c.Rate)
	}
	for flag, file := range map[string]string{"--replay": c.Replay, "--definition": c.Definition} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
	}
	return nil
}

// server is one that `up` starts before the services.
type server struct {
	name  string
	start func(context.Context, Config) (*Process, error)
}

var servers = []server{{Kafka, StartKafka}, {PostgreSQL, StartPostgreSQL}, {Spark, StartSpark}}

// Up runs the whole system in DATA until ctx ends, which is no error, or with Once until the votes are counted and
// audited, and then the end of ctx is one. What dies is started again. Whatever the outcome, it leaves no process behind; killed itself, it leaves
// orphans that the next Up ends. An *ExitError named audit carries the audit's exit code.
func Up(ctx context.Context, config UpConfig) error {
	if err := config.Validate(); err != nil {
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
	if err := check(ctx, config); err != nil {
		return err
	}
	return up(ctx, config, servers)
}

// up is Up in a folder that is locked, free of orphans and checked.
func up(ctx context.Context, config UpConfig, servers []server) error {
	page, err := config.pageAddress()
	if err != nil {
		return err
	}
	known := addresses{listen: page, checkpoints: config.Checkpoints}
	if known.data, err = filepath.Abs(config.Data); err != nil {
		return fmt.Errorf("find %s: %w", config.Data, err)
	}
	if known.checkpoints == "" {
		known.checkpoints = (&url.URL{Scheme: "file", Path: filepath.Join(known.data, "checkpoints")}).String()
	}
	if config.Executable == "" {
		if config.Executable, err = os.Executable(); err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
	}

	// Keepers run under running; when it ends they let go, and only then are their processes stopped, last started
	// first, so that nothing is started again meanwhile.
	group, running := errgroup.WithContext(ctx)
	run := &run{config: config, group: group, known: known}
	group.Go(func() error { return run.all(running, servers) })
	err = group.Wait()
	run.stop()
	if errors.Is(err, errFinished) || ctx.Err() != nil && !config.Once && (err == nil || errors.Is(err, context.Cause(ctx))) {
		return nil
	}
	return errors.Join(err, ctx.Err())
}

// pageAddress is the host:port of the page, which nothing else listens on.
func (c UpConfig) pageAddress() (string, error) {
	host := c.Host
	if host == "" {
		host = "127.0.0.1"
	}
	if c.Port != 0 {
		if err := portFree(host, c.Port); err != nil {
			return "", fmt.Errorf("port %d of %s cannot be had for the page (%w): end the program that uses it, or choose another with --port (0 picks a free one)", c.Port, host, err)
		}
		return net.JoinHostPort(host, strconv.Itoa(c.Port)), nil
	}
	port, err := keptPort(c.Config, host, "page")
	return net.JoinHostPort(host, strconv.Itoa(port)), err
}

// pageHost is the host:port where this machine reaches what listens there.
func pageHost(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}

// pageURL is where a browser on this machine finds the page.
func pageURL(listen string) string { return "http://" + pageHost(listen) + "/" }

// The shares of the 20 seconds that stopping may take at most.
const (
	graceServices = 5 * time.Second
	graceSpark    = 5 * time.Second
	graceStores   = 8 * time.Second
)
