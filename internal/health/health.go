// Package health serves the state of a service over HTTP:
//
//	/healthz  200 while the process serves
//	/readyz   a line for each need of the service; 503 while one of them is missing, and while the service is starting, that
//	          is before it has declared its needs
//	/metrics  Prometheus metrics, those of the Kafka clients among them
//	/version  the version of the program
//
// A service declares what it needs and what it measures:
//
//	h := health.New("votes")
//	h.Needs(health.Need{What: "kafka", Check: client.Ping})
//	sent := h.Counter("election_votes_produced_total", "Ballots sent, in committed transactions.")
//	err := h.Serve(ctx, "127.0.0.1:0", log)
//
// All methods may be called on a nil *Service, which does nothing. Tests and short commands use that.
package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"

	"realtime-election/election"
)

// checkTimeout is how long the checks of a request may take.
const checkTimeout = 2 * time.Second

// Service is the health of one service.
type Service struct {
	name     string
	registry *prometheus.Registry

	mu      sync.Mutex
	started bool // needs are declared
	needs   []Need
}

// Need is a thing without which a service is not ready. Check returns nil while the service has it. Each request for /readyz calls
// Check in a goroutine of its own, with a context that ends after two seconds.
type Need struct {
	What  string
	Check func(context.Context) error
}

// New makes the health of a service.
func New(name string) *Service {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	version := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "election_build_info", Help: "1; the labels say which service and build this is.",
	}, []string{"service", "revision"})
	version.WithLabelValues(name, Revision()).Set(1)
	registry.MustRegister(version)
	return &Service{name: name, registry: registry}
}

// Needs declares that the service has started, and is ready while it has all of these needs, and those of earlier calls.
func (s *Service) Needs(needs ...Need) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = true
	s.needs = append(s.needs, needs...)
}

// Counter is a metric that only rises.
func (s *Service) Counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	s.register(c)
	return c
}

// CounterBy is a metric that only rises, for each value of a label.
func (s *Service) CounterBy(name, help, label string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	s.register(c)
	return c
}

// Gauge is a metric that rises and falls.
func (s *Service) Gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	s.register(g)
	return g
}

// GaugeOf is a metric that rises and falls, whose value is asked for at each request for the metrics.
func (s *Service) GaugeOf(name, help string, value func() float64) {
	s.register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// GaugeBy is a metric that rises and falls, for each value of a label.
func (s *Service) GaugeBy(name, help, label string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{label})
	s.register(g)
	return g
}

func (s *Service) register(c prometheus.Collector) {
	if s != nil {
		s.registry.MustRegister(c)
	}
}

// Kafka is an option for a Kafka client that measures it. Clients of one process need different names, such as "consumer".
func (s *Service) Kafka(client string) kgo.Opt {
	if s == nil {
		return kgo.WithHooks()
	}
	labelled := prometheus.WrapRegistererWith(prometheus.Labels{"client": client}, s.registry)
	return kgo.WithHooks(kprom.NewMetrics("election_kafka", kprom.Registerer(labelled)))
}

// Register adds the paths to a server that the service already has.
func (s *Service) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, s.name, Version()) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Registry: s.registry}))
}

func (s *Service) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	s.mu.Lock()
	started, needs := s.started, slices.Clone(s.needs)
	s.mu.Unlock()
	if !started {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "starting")
		return
	}
	answers := make([]error, len(needs))
	var asking sync.WaitGroup
	for i, n := range needs {
		asking.Go(func() { answers[i] = n.Check(ctx) })
	}
	asking.Wait()
	if errors.Join(answers...) != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	for i, n := range needs {
		if answers[i] != nil {
			fmt.Fprintf(w, "%s: %v\n", n.What, answers[i])
		} else {
			fmt.Fprintf(w, "%s: ok\n", n.What)
		}
	}
}

// mostConnections is how many connections there may be at a time. Each is an open file, of which the service needs others.
const mostConnections = 100

// Serve serves the paths on listen until ctx ends, and then returns nil. Without an address it only waits for that.
func (s *Service) Serve(ctx context.Context, listen string, log *slog.Logger) error {
	if s == nil || listen == "" {
		<-ctx.Done()
		return nil
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return &election.Hint{Err: fmt.Errorf("serve health on %s: %w", listen, err), Text: "choose another address with {health}"}
	}
	log.Debug("health is served", "address", "http://"+listener.Addr().String())
	mux := http.NewServeMux()
	s.Register(mux)
	var open atomic.Int64
	server := &http.Server{
		Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 5 * time.Second, MaxHeaderBytes: 8 << 10,
		ConnState: func(conn net.Conn, state http.ConnState) {
			switch {
			case state == http.StateNew && open.Add(1) > mostConnections:
				conn.Close()
			case state == http.StateClosed:
				open.Add(-1)
			}
		},
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve health: %w", err)
	}
	return nil
}
