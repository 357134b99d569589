// Package ledger keeps the register and every ballot in PostgreSQL: voters_topic in the table voters, votes_topic in
// the table votes, and what does not count, with its reason, in rejected_votes and the topic votes_rejected.
//
// It is exact. One transaction holds a batch of records and the offsets after it, and the offsets move only from where
// this ledger left them. So a ledger that is killed at any moment goes on without a gap or a double. Of two ledgers,
// one stores, and the other waits for the lease that the first holds (see internal/lease). A ledger whose process was
// suspended, and finds another with the lease when it goes on, waits for the lease again. Of several copies of a
// ballot, the ledger stores the one with the lowest offset.
//
// No record can stop the ledger: it checks each record, and its text, before PostgreSQL sees it. While Kafka or
// PostgreSQL does not answer, the ledger waits, and reports that it does.
//
// No transaction holds voters and votes, and each inserts its rows in the order of their ids. So no order in a table
// ties a voter to a ballot.
//
// A reject is in votes_rejected before its transaction commits. A ledger that is killed in between has sent rejects
// ahead. The next ledger finds them when it starts, and does not send them again. So the topic holds every reject of
// rejected_votes at least once, and almost always only once. The key, topic:partition:offset, shows which rejects are
// the same. The topic holds at most the first 512 KiB of a value and 64 KiB of a key, so that any broker takes it. The
// table holds both whole.
//
//	err := ledger.Run(ctx, ledger.Config{Kafka: cluster, Postgres: url, Log: log})
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka"
	"realtime-election/internal/lease"
	"realtime-election/internal/postgres"
)

// Config is what Run needs.
type Config struct {
	Kafka    kafka.Cluster
	Postgres string // URL, of a role that may do what postgres.LedgerRole may
	Log      *slog.Logger
	Health   *health.Service // may be nil
}

// Validate names a wrong setting, as an *election.Wrong.
func (c Config) Validate() error {
	if err := c.Kafka.Validate(); err != nil {
		return err
	}
	if c.Postgres == "" {
		return &election.Wrong{Setting: "postgres", Text: "is not given; write postgres://user:password@host:port/database"}
	}
	return postgres.CheckURL(c.Postgres)
}

const (
	firstPause = 250 * time.Millisecond
	lastPause  = 5 * time.Second
)

// ledger holds what lasts as long as Run.
type ledger struct {
	config   Config
	rules    *rules          // nil until the definition is read
	register *kafka.Register // set with rules
	letIn    bool            // PostgreSQL has let this ledger in once
	producer *kgo.Client     // of rejects and the status
	status   *status
	rows     *prometheus.CounterVec
	batch    prometheus.Gauge
	lag      *prometheus.GaugeVec

	consumerMetrics kgo.Opt // of the consumer of whichever session is open
}

// Run stores the records that the topics hold, and those that come, until ctx is over. It returns early only for an
// error that another attempt cannot mend: an *election.Wrong where a setting is wrong, or PostgreSQL refuses the first
// connection, kafka.ErrNoElection where Kafka has no election.
func Run(ctx context.Context, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	// Not idempotent, so that a record can be given up when ctx ends. Readers recognise a second copy by its key.
	producer, err := c.Kafka.NewClient(c.Health.Kafka("producer"),
		kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
	if err != nil {
		return err
	}
	defer producer.Close()
	l := &ledger{
		config: c, producer: producer, consumerMetrics: c.Health.Kafka("consumer"), status: newStatus(c, producer),
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
	g.Go(func() error { return l.storeUntilEnd(ctx) })
	if err := g.Wait(); !errors.Is(err, errEnded) {
		return err
	}
	return nil
}

// errEnded ends the group when ctx is over.
var errEnded = errors.New("asked to end")

// storeUntilEnd stores until ctx is over. After an error it pauses, and tries again.
func (l *ledger) storeUntilEnd(ctx context.Context) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		opened, err := l.waitAndStore(ctx)
		if ctx.Err() != nil {
			return errEnded
		}
		var wrong *election.InputError
		if errors.Is(err, kafka.ErrNoElection) || errors.As(err, &wrong) {
			return err
		}
		if refused := postgres.Explain(err); refused != nil {
			if !l.letIn {
				return refused
			}
			err = refused
		}
		switch err = explain(err); {
		case errors.Is(err, lease.ErrLost) && l.status.noteWaiting(err):
			l.config.Log.Info("this ledger stores nothing until it has the lock in PostgreSQL again", "error", err)
		case l.status.noteWaiting(err):
			l.config.Log.Warn("nothing is stored; trying until it works", "error", err)
		}
		if opened {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return errEnded
		case <-time.After(pause):
		}
	}
}

// explain adds to an error what to do about it, where it lasts until somebody does something.
func explain(err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case "42P01", "3F000", "42501":
		return fmt.Errorf("%w; run `election init` with this PostgreSQL", err)
	}
	return err
}
