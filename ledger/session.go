package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/internal/lease"
	"realtime-election/internal/postgres"
)

const (
	// leaseName names the lock in PostgreSQL of the one ledger that stores.
	leaseName = "ledger"
	// patience bounds each thing that PostgreSQL and Kafka are asked to do, so that a dead connection is noticed.
	patience = time.Minute
	// counting bounds counting the rows of a table, which takes as long as the table is large; TCP notices a dead connection.
	counting = time.Hour
	// fetchBytes bound what Kafka sends ahead.
	fetchBytes, fetchPartitionBytes = 16 << 20, 4 << 20
)

// place names a partition.
type place struct {
	topic     string
	partition int32
}

// session is the time between taking the lease and losing it, or the connection that works.
type session struct {
	*ledger
	held     func() error // an error once another ledger may store
	conn     *pgx.Conn
	consumer *kgo.Client
	ids      map[string]kadm.TopicID // by topic: which of that name Kafka has
	next     map[place]int64         // what ledger_offsets holds
	ends     map[place]int64         // the stable ends, as Kafka last told them
	sent     map[string]bool         // keys of rejects that votes_rejected holds beyond next
}

func newSession(l *ledger, held func() error) *session {
	return &session{
		ledger: l, held: held, ids: make(map[string]kadm.TopicID),
		next: make(map[place]int64), ends: make(map[place]int64), sent: make(map[string]bool),
	}
}

// attend stores what comes until something fails. It reports whether anything was in order before.
func (l *ledger) attend(ctx context.Context) (stored bool, err error) {
	if l.rules == nil {
		installation, err := l.config.Kafka.Election(ctx)
		if err != nil {
			return false, err
		}
		if err := l.status.load(ctx); err != nil {
			return false, err
		}
		l.rules = newRules(installation)
	}
	waiting := func() {
		l.status.standby()
		l.config.Log.Info("another ledger stores; waiting until it ends")
	}
	turn, err := lease.Take(ctx, l.config.Postgres, leaseName, waiting)
	if err != nil {
		return false, err
	}
	defer turn.Release(ctx)
	err = turn.Hold(ctx, func(ctx context.Context) error {
		stored, err = l.takeTurn(ctx, turn)
		return err
	})
	if lost := turn.Held(); lost != nil && !errors.Is(err, lease.ErrLost) {
		err = fmt.Errorf("%w: %w", lost, err) // it failed because another ledger has ended the connection
	}
	return stored, err
}

// takeTurn stores until something fails, or the lease is lost.
func (l *ledger) takeTurn(ctx context.Context, turn *lease.Lease) (stored bool, err error) {
	connecting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := postgres.Connect(connecting, l.config.Postgres)
	if err != nil {
		return false, err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(closing) // the error of a connection that is gone says nothing
	}()
	if err := turn.Join(connecting, conn); err != nil {
		return false, err
	}
	s := newSession(l, turn.Held)
	s.conn = conn
	if err := s.open(ctx); err != nil {
		return false, err
	}
	defer s.consumer.Close()
	l.config.Log.Info("storing", "voters", l.status.rows("voters"), "votes", l.status.rows("votes"), "rejected", l.status.rows("rejected_votes"))
	for {
		if err := s.step(ctx); err != nil {
			return true, err
		}
	}
}

// open reads where to go on, and makes what the session needs. Each step has its own time: how long all of them take
// grows with what is stored.
func (s *session) open(ctx context.Context) error {
	counts := make(map[string]int64)
	for _, step := range []struct {
		limit time.Duration
		do    func(context.Context) error
	}{
		{patience, s.identify},
		{patience, s.prepare},
		{patience, s.readOffsets},
		{patience, s.checkEnds},
		{counting, s.count("voters", counts)},
		{counting, s.count("votes", counts)},
		{counting, s.count("rejected_votes", counts)},
	} {
		if err := within(ctx, step.limit, step.do); err != nil {
			return err
		}
	}
	if err := s.readSent(ctx); err != nil {
		return err
	}
	if err := s.consume(); err != nil {
		return err
	}
	s.status.opened(counts, s.next, s.held)
	return nil
}

func (s *session) prepare(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, stageSQL); err != nil {
		return fmt.Errorf("make the staging tables: %w", err)
	}
	var ids [][16]byte
	for _, topic := range topics {
		ids = append(ids, s.ids[topic])
	}
	if _, err := s.conn.Exec(ctx, beginOffsetsSQL, topics, ids, s.rules.partitions); err != nil {
		return fmt.Errorf("begin the offsets: %w", err)
	}
	return nil
}

// readOffsets reads how far each partition is stored, and refuses partitions of other topics than those that are there.
func (s *session) readOffsets(ctx context.Context) error {
	rows, err := s.conn.Query(ctx, "SELECT topic, partition, next_offset, topic_id FROM ledger_offsets")
	if err != nil {
		return fmt.Errorf("read the offsets: %w", err)
	}
	var at place
	var next int64
	var id [16]byte
	var other error
	if _, err := pgx.ForEachRow(rows, []any{&at.topic, &at.partition, &next, &id}, func() error {
		s.next[at] = next
		if other == nil {
			other = sameTopic(at.topic, id, s.ids[at.topic])
		}
		return nil
	}); err != nil {
		return fmt.Errorf("read the offsets: %w", err)
	}
	return other
}

func (s *session) count(table string, counts map[string]int64) func(context.Context) error {
	return func(ctx context.Context) error {
		var n int64
		if err := s.conn.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			return fmt.Errorf("count the rows of %s: %w", table, err)
		}
		counts[table] = n
		return nil
	}
}

// consume reads on from what is stored. Where that is not in the topic any more, reading fails.
func (s *session) consume() error {
	from := make(map[string]map[int32]kgo.Offset)
	for at, next := range s.next {
		if from[at.topic] == nil {
			from[at.topic] = make(map[int32]kgo.Offset)
		}
		from[at.topic][at.partition] = kgo.NewOffset().At(next)
	}
	var err error
	// Transaction markers are kept: a topic often ends in one, and only then is its end reached.
	s.consumer, err = s.config.Kafka.NewClient(s.ledger.consumer, kgo.KeepControlRecords(),
		kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchPartitionBytes))
	return err
}

// step stores the next batch of each topic, each in a transaction of its own.
func (s *session) step(ctx context.Context) error {
	batches, err := s.collect(ctx)
	if err != nil {
		return err
	}
	working, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if len(batches) == 0 {
		if err := s.conn.Ping(working); err != nil {
			return fmt.Errorf("ask whether PostgreSQL is there: %w", err)
		}
	}
	for _, topic := range topics {
		if b := batches[topic]; b != nil {
			if err := s.store(working, b); err != nil {
				return fmt.Errorf("store a batch of %s: %w", topic, err)
			}
		}
		var lag int64
		for at, end := range s.ends {
			if at.topic == topic {
				lag += max(0, end-s.next[at])
			}
		}
		s.lag.WithLabelValues(topic).Set(float64(lag))
	}
	return nil
}

// errMoved is returned when the offsets are not where this ledger left them.
var errMoved = errors.New("another ledger has stored in the meantime")
