package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/lease"
	"realtime-election/internal/postgres"
)

const (
	// leaseName names the lock in PostgreSQL of the one ledger that stores.
	leaseName = "ledger"
	// callTimeout bounds each call of PostgreSQL and Kafka, so that a dead connection is noticed.
	callTimeout = time.Minute
	// countTimeout bounds counting the rows of a table, which takes longer the larger the table is. TCP notices a dead
	// connection earlier.
	countTimeout = time.Hour
	// fetchBytes and fetchPartitionBytes bound what Kafka sends ahead.
	fetchBytes, fetchPartitionBytes = 16 << 20, 4 << 20
)

// topicPartition names a partition of a topic.
type topicPartition struct {
	topic     string
	partition int32
}

// session is what a ledger knows while it has the lease and its connections work.
type session struct {
	*ledger
	checkLease func() error // an error once another ledger may store
	conn       *pgx.Conn
	consumer   *kgo.Client
	ids        map[string]kadm.TopicID  // of the topics that Kafka has under these names now
	next       map[topicPartition]int64 // as ledger_offsets holds them: the offset after the last stored record
	ends       map[topicPartition]int64 // the stable ends, as Kafka last reported them
	sentAhead  map[string]bool          // keys of the rejects in votes_rejected whose transaction is not committed
	readsVotes bool                     // the consumer reads votes_topic too
}

func newSession(l *ledger, checkLease func() error) *session {
	return &session{
		ledger: l, checkLease: checkLease, ids: make(map[string]kadm.TopicID),
		next: make(map[topicPartition]int64), ends: make(map[topicPartition]int64), sentAhead: make(map[string]bool),
	}
}

// waitAndStore waits for the lease, and then stores until something fails. It reports whether a session was opened.
func (l *ledger) waitAndStore(ctx context.Context) (opened bool, err error) {
	if l.rules == nil {
		installation, err := l.config.Kafka.Election(ctx)
		if err != nil {
			return false, err
		}
		if err := l.status.load(ctx); err != nil {
			return false, err
		}
		l.rules, l.register = newRules(installation), l.config.Kafka.FollowRegister(ctx, installation)
	}
	waiting := func() {
		l.letIn = true
		l.status.noteOtherStores()
		l.config.Log.Info("another ledger stores; waiting until it ends")
	}
	turn, err := lease.Take(ctx, l.config.Postgres, leaseName, waiting)
	if err != nil {
		return false, err
	}
	defer turn.Release(ctx)
	l.letIn = true
	err = turn.Hold(ctx, func(ctx context.Context) error {
		opened, err = l.storeWithLease(ctx, turn)
		return err
	})
	if lost := turn.Held(); lost != nil && !errors.Is(err, lease.ErrLost) {
		err = fmt.Errorf("%w: %w", lost, err) // it failed because another ledger has ended the connection
	}
	return opened, err
}

// storeWithLease stores until something fails, or the lease is lost. It reports whether the session was opened.
func (l *ledger) storeWithLease(ctx context.Context, turn *lease.Lease) (opened bool, err error) {
	connecting, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	conn, err := postgres.Connect(connecting, l.config.Postgres)
	if err != nil {
		return false, err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(closing) // an error of a broken connection adds nothing
	}()
	if err := turn.Join(connecting, conn); err != nil {
		return false, err
	}
	s := newSession(l, turn.Held)
	s.conn = conn
	if err := s.open(ctx); err != nil {
		return false, err
	}
	defer s.closeConsumer()
	l.config.Log.Info("storing", "voters", l.status.rows("voters"), "votes", l.status.rows("votes"), "rejected", l.status.rows("rejected_votes"))
	for {
		if err := s.storeNext(ctx); err != nil {
			return true, err
		}
	}
}

// open reads from which offsets to go on, and makes what the session needs. Each step has a timeout of its own, because
// all of them together take longer the more is stored.
func (s *session) open(ctx context.Context) error {
	counts := make(map[string]int64)
	for _, step := range []struct {
		limit time.Duration
		do    func(context.Context) error
	}{
		{callTimeout, s.readTopicIDs},
		{callTimeout, s.prepareTables},
		{callTimeout, s.readOffsets},
		{callTimeout, s.checkEnds},
		{countTimeout, s.count("voters", counts)},
		{countTimeout, s.count("votes", counts)},
		{countTimeout, s.count("rejected_votes", counts)},
	} {
		if err := withTimeout(ctx, step.limit, step.do); err != nil {
			return err
		}
	}
	if err := s.readSentAhead(ctx); err != nil {
		return err
	}
	if err := s.consume(); err != nil {
		return err
	}
	s.status.noteOpened(counts, s.next, s.checkLease)
	return nil
}

func (s *session) prepareTables(ctx context.Context) error {
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

// readOffsets reads up to which offset each partition is stored. It refuses offsets of topics that Kafka no longer has.
func (s *session) readOffsets(ctx context.Context) error {
	rows, err := s.conn.Query(ctx, "SELECT topic, partition, next_offset, topic_id FROM ledger_offsets")
	if err != nil {
		return fmt.Errorf("read the offsets: %w", err)
	}
	var at topicPartition
	var next int64
	var id [16]byte
	var replaced error
	if _, err := pgx.ForEachRow(rows, []any{&at.topic, &at.partition, &next, &id}, func() error {
		s.next[at] = next
		if replaced == nil {
			replaced = checkTopicID(at.topic, id, s.ids[at.topic])
		}
		return nil
	}); err != nil {
		return fmt.Errorf("read the offsets: %w", err)
	}
	return replaced
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

// consume begins to read after the last stored records: voters_topic at once, and votes_topic when it is known which ballots
// the register allows. Reading fails where a topic no longer holds the next record.
func (s *session) consume() error {
	votes := false
	select {
	case <-s.register.Done:
		if s.register.Err != nil {
			return s.register.Err
		}
		votes = true
	default:
	}
	if s.consumer != nil && s.readsVotes == votes {
		return nil
	}
	s.closeConsumer() // one that reads already takes up to 5 s to begin with another topic
	from := make(map[string]map[int32]kgo.Offset)
	for at, next := range s.next {
		if at.topic == election.VotesTopic && !votes {
			continue
		}
		if from[at.topic] == nil {
			from[at.topic] = make(map[int32]kgo.Offset)
		}
		from[at.topic][at.partition] = kgo.NewOffset().At(next)
	}
	if votes {
		s.rules.votes.SetRegister(s.register.Commitments) // nil where there is none
	}
	// Transaction markers are kept, because a topic often ends with one: without it, its end is never reached.
	consumer, err := s.config.Kafka.NewClient(s.consumerMetrics, kgo.KeepControlRecords(),
		kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchPartitionBytes))
	if err != nil {
		return err
	}
	s.consumer, s.readsVotes = consumer, votes
	return nil
}

func (s *session) closeConsumer() {
	if s.consumer != nil {
		s.consumer.Close()
	}
	s.consumer = nil
}

// storeNext stores the next batch of each topic, each in a transaction of its own. Without a batch it checks the
// connection.
func (s *session) storeNext(ctx context.Context) error {
	if err := s.consume(); err != nil {
		return err
	}
	batches, err := s.collect(ctx)
	if err != nil {
		return err
	}
	working, cancel := context.WithTimeout(ctx, callTimeout)
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

// errOffsetsMoved is returned when the stored offsets are not those that this ledger wrote last.
var errOffsetsMoved = errors.New("another ledger has stored in the meantime")
