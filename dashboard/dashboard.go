// Package dashboard serves the live page: it reads the result topics and shows the count to every browser.
//
// It has three parts: live keeps the newest snapshot and how fresh it is, charts draws it, and web serves it. A dashboard writes
// nothing, so any number of them may run, and nothing is lost when one dies.
//
//	err := dashboard.Run(ctx, dashboard.Config{Kafka: kafka.Cluster{Brokers: []string{"127.0.0.1:9092"}}, Listen: "127.0.0.1:8080"})
package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"realtime-election/dashboard/live"
	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka"
	"realtime-election/internal/results"
)

// Config holds the settings of a dashboard. Only Kafka and Listen are required.
type Config struct {
	Kafka     kafka.Cluster
	Listen    string          // address of the page, host:port; port 0 takes a free one; fd://N is a socket that was inherited
	Portraits fs.FS           // the candidates' pictures, by their path in the definition; nil: the page shows initials
	Log       *slog.Logger    // nil: the default logger
	Health    *health.Service // where the dashboard declares its needs and measures; may be nil
	Names     []string        // as in [web.Site]
	// MaxViewers and MaxViewersOfAddress bound the open pages, as in [web.Site]. 0 is its default.
	MaxViewers, MaxViewersOfAddress int
	// TLSCertificate and TLSKey are files, as in [web.ReadCertificate]. Without them the page is served without TLS.
	TLSCertificate, TLSKey string

	Ready func(net.Addr)   // called once the page is served, with its address; may be nil
	Now   func() time.Time // nil: the system's clock
}

// Validate says which setting is wrong, as an *election.Wrong.
func (c Config) Validate() error {
	if err := c.Kafka.Validate(); err != nil {
		return err
	}
	if _, _, err := c.inherited(); err != nil {
		return err
	}
	for setting, value := range map[string]int{"max-viewers": c.MaxViewers, "max-viewers-of-address": c.MaxViewersOfAddress} {
		if value < 0 {
			return &election.Wrong{Setting: setting, Value: value, Text: "write a number of open pages, or 0 for the default"}
		}
	}
	_, err := web.ReadCertificate(c.TLSCertificate, c.TLSKey, nil)
	return err
}

// Run serves the dashboard until ctx ends, and then returns nil. While Kafka or the topics are missing, it waits, and the page
// says that there is nothing to show yet. The error is an *election.Wrong for a wrong setting, and otherwise an error of the
// address to listen on.
func Run(ctx context.Context, config Config) error {
	if err := config.Validate(); err != nil {
		return err
	}
	log := cmp.Or(config.Log, slog.Default())
	now := config.Now
	if now == nil {
		now = time.Now
	}
	certificate, err := web.ReadCertificate(config.TLSCertificate, config.TLSKey, log)
	if err != nil {
		return err
	}
	cl, err := config.Kafka.NewClient(config.Health.Kafka("backlog"))
	if err != nil {
		return err
	}
	defer cl.Close()
	config.Health.Needs(health.Need{What: "kafka", Check: cl.Ping})
	listener, err := config.listen(ctx)
	if err != nil {
		return err
	}

	portraits := web.Portraits{FS: config.Portraits}
	hub := live.NewHub(portraits.Event, now)
	site := web.Site{Hub: hub, Portraits: portraits, Log: log, Now: now, Health: config.Health, Names: config.Names, MaxViewers: config.MaxViewers, MaxViewersOfAddress: config.MaxViewersOfAddress}
	reader := results.Reader{Kafka: config.Kafka, Options: []kgo.Opt{config.Health.Kafka("results")}}

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return reader.Follow(ctx, hub.Publish) })
	g.Go(func() error { return hub.Watch(ctx) })
	g.Go(func() error { return hub.WatchBacklog(ctx, cl, 2*time.Second) })
	g.Go(func() error { return serve(ctx, site.Door(listener, certificate), site.Handler(), log) })
	log.Info("dashboard is up", "address", listener.Addr().String())
	if config.Ready != nil {
		config.Ready(listener.Addr())
	}
	return g.Wait()
}

// inherited is the number of the open file that Listen names, if it names one.
func (c Config) inherited() (number uintptr, is bool, err error) {
	text, is := strings.CutPrefix(c.Listen, "fd://")
	if !is {
		if _, _, err := net.SplitHostPort(c.Listen); err != nil {
			return 0, false, &election.Wrong{Setting: "listen", Value: c.Listen, Text: fmt.Sprintf("write host:port: %v", err)}
		}
		return 0, false, nil
	}
	fd, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, true, &election.Wrong{Setting: "listen", Value: c.Listen, Text: "write fd:// and the number of an open file, such as fd://3"}
	}
	return uintptr(fd), true, nil
}

func (c Config) listen(ctx context.Context) (net.Listener, error) {
	if number, is, _ := c.inherited(); is {
		file := os.NewFile(number, c.Listen)
		defer file.Close() // the listener is another handle
		listener, err := net.FileListener(file)
		if err != nil {
			return nil, &election.Wrong{Setting: "listen", Value: c.Listen, Text: fmt.Sprintf("is no socket that listens (%v): whoever starts the dashboard must hand it one", err)}
		}
		return listener, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, &election.Hint{Err: fmt.Errorf("listen on %s: %w", c.Listen, err), Text: "is another dashboard running? Choose another port with {listen}"}
	}
	return listener, nil
}

// serve answers requests until ctx ends. That ends the event streams; other requests may finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second, // event streams set one for each event
		IdleTimeout:       30 * time.Second, // a browser keeps several connections after it has loaded the page
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve the page: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close()
	}
	<-served
	return nil
}
