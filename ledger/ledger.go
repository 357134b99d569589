// Package ledger keeps the register and every ballot in PostgreSQL: voters_topic in the table voters, votes_topic in the
// table votes, and what does not count, with its reason, in rejected_votes and the topic votes_rejected.
//
// It is exact. A batch of records and the offsets after it are one transaction, and the offsets move only from where
// this ledger left them: a ledger that is killed anywhere goes on without a gap or a double, and of two ledgers one
// stores while the other waits for the lease that the first one holds (see internal/lease). A ledger that was stopped,
// and wakes when another has the lease, waits for it again. The first copy of a ballot, by offset, is the one that is
// stored.
//
// Nothing a sender writes stops it: a record is judged, and its text checked, before PostgreSQL sees it. Nor does the
// absence of Kafka or PostgreSQL: it waits, and says so.
//
// No transaction holds voters and votes, and within one the rows are inserted in the order of their ids: no order in a
// table ties a voter to a ballot.
//
// A reject is in votes_rejected before its transaction commits. What a killed ledger sent ahead is found when the next
// one starts, and not sent again: the topic holds every reject of rejected_votes at least once, and almost always once.
// Its key, topic:partition:offset, tells a double. The topic holds at most the first 512 KiB of a value and 64 KiB of a
// key, so that any broker takes it; the table holds them whole.
//
//	err := ledger.Run(ctx, ledger.Config{Kafka: cluster, Postgres: url, Log: log})
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka"
	"realtime-election/internal/lease"
)

// Config is what Run needs.
type Config struct {
	Kafka    kafka.Cluster
	Postgres string // URL, of a role that may do what postgres.LedgerRole may
	Log      *slog.Logger
	Health   *health.Service // may be nil
}

// Validate names what is wrong, as an *election.Wrong.
func (c Config) Validate() error {
	if err := c.Kafka.Validate(); err != nil {
		return err
	}
	if _, err := pgx.ParseConfig(c.Postgres); err != nil || c.Postgres == "" {
		// The URL holds a password, so it is not repeated here.
		return &election.Wrong{Setting: "postgres", Text: "is not a PostgreSQL URL; write postgres://user:password@host:port/database"}
	}
	return nil
}

const (
	firstPause = 250 * time.Millisecond
	lastPause  = 5 * time.Second
)

// ledger is what lives as long as Run.
type ledger struct {
	config   Config
	rules    *rules      // nil until the definition is read
	producer *kgo.Client // of rejects and the status
	consumer kgo.Opt     // measures whichever consumer there is
	status   *status
	rows     *prometheus.CounterVec
	batch    prometheus.Gauge
	lag      *prometheus.GaugeVec
}

// Run stores what the topics hold and what comes, until ctx is over. It returns early only for what trying again cannot
// mend: an *election.Wrong where a setting is wrong, kafka.ErrNoElection where Kafka has no election.
func Run(ctx context.Context, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	// Not idempotent, so that a record can be given up when ctx ends; its readers know a double by its key.
	producer, err := c.Kafka.NewClient(c.Health.Kafka("producer"),
		kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
	if err != nil {
		return err
	}
	defer producer.Close()
	l := &ledger{
		config: c, producer: producer, consumer: c.Health.Kafka("consumer"), status: newStatus(c, producer),
		rows:  c.Health.CounterBy("election_ledger_rows_total", "Rows added, in committed transactions.", "table"),
		batch: c.Health.Gauge("election_ledger_batch_seconds", "How long the last transaction took."),
		lag:   c.Health.GaugeBy("election_ledger_lag_offsets", "Offsets from what is stored to the stable end of the topic.", "topic"),
	}
	c.Health.Needs(
		health.Need{What: "kafka", Check: producer.Ping},
		health.Need{What: "postgresql", Check: func(context.Context) error { return l.status.trouble() }},
	)

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.status.report(ctx) })
	g.Go(func() error { return l.keep(ctx) })
	if err := g.Wait(); !errors.Is(err, errEnded) {
		return err
	}
	return nil
}

// errEnded ends the group when ctx is over.
var errEnded = errors.New("asked to end")

// keep attends to the tables again and again.
func (l *ledger) keep(ctx context.Context) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		stored, err := l.attend(ctx)
		if ctx.Err() != nil {
			return errEnded
		}
		var wrong *election.InputError
		if errors.Is(err, kafka.ErrNoElection) || errors.As(err, &wrong) {
			return err
		}
		switch err = explain(err); {
		case errors.Is(err, lease.ErrLost) && l.status.waiting(err):
			l.config.Log.Info("this ledger stores nothing until it has the lock in PostgreSQL again", "error", err)
		case l.status.waiting(err):
			l.config.Log.Warn("nothing is stored; trying until it works", "error", err)
		}
		if stored {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return errEnded
		case <-time.After(pause):
		}
	}
}

// explain adds what to do about errors that will not pass by themselves.
func explain(err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case "28P01", "28000":
		return &election.Hint{Err: err, Text: "is the password in {postgres} the one that `election init` was given?"}
	case "42P01", "3F000", "42501":
		return fmt.Errorf("%w; run `election init` with this PostgreSQL", err)
	}
	return err
}
