package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"realtime-election/election"
)

// attempts is how often a batch is tried, where PostgreSQL asks to try it again.
const attempts = 5

// store puts a batch into its table, in one transaction with its rejects and the offsets after it.
func (s *session) store(ctx context.Context, b *batch) error {
	if err := s.checkLease(); err != nil {
		return err
	}
	began := time.Now()
	t := tables[b.topic]
	rows, rejects := s.rules.judge(b)
	var stored int
	var all []reject
	for attempt := 1; ; attempt++ {
		err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
			copies, err := s.addRows(ctx, tx, b, t, rows)
			if err != nil {
				return err
			}
			stored, all = len(rows)-len(copies), append(rejects[:len(rejects):len(rejects)], copies...)
			if len(all) == 0 {
				return nil
			}
			if err := addRejects(ctx, tx, b.topic, all); err != nil {
				return err
			}
			return s.publishRejects(ctx, all)
		})
		if err == nil {
			break
		}
		if !retryable(err) || attempt == attempts {
			return err
		}
	}
	s.noteCommitted(b, stored, all)
	s.batch.Set(time.Since(began).Seconds())
	return nil
}

// noteCommitted notes that a transaction is committed, which stored so many records of a batch and these rejects.
func (s *session) noteCommitted(b *batch, stored int, rejects []reject) {
	for partition, next := range b.next {
		s.next[topicPartition{b.topic, partition}] = next
	}
	for _, r := range rejects { // the offsets have passed these, but not rejects of another topic
		delete(s.sentAhead, rejectKey(r.Topic, r.Partition, r.Offset))
	}
	table := tables[b.topic].name
	s.rows.WithLabelValues(table).Add(float64(stored))
	s.rows.WithLabelValues("rejected_votes").Add(float64(len(rejects)))
	s.status.noteStored(table, int64(stored), int64(len(rejects)), b)
}

// addRows moves the offsets, adds the rows, and returns the records of the batch that are copies of stored ones.
func (s *session) addRows(ctx context.Context, tx pgx.Tx, b *batch, t table, rows [][]any) ([]reject, error) {
	var partitions []int32
	var before, next []int64
	for partition, n := range b.next {
		partitions, before, next = append(partitions, partition), append(before, s.next[topicPartition{b.topic, partition}]), append(next, n)
	}
	moved, err := tx.Exec(ctx, moveOffsetsSQL, b.topic, partitions, before, next)
	switch {
	case err != nil:
		return nil, fmt.Errorf("move the offsets: %w", err)
	case moved.RowsAffected() != int64(len(partitions)):
		return nil, errOffsetsMoved
	case len(rows) == 0:
		return nil, nil
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.staging}, t.columns, pgx.CopyFromRows(rows)); err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	added, err := tx.Exec(ctx, t.add)
	if err != nil {
		return nil, fmt.Errorf("add to %s: %w", t.name, err)
	}
	if added.RowsAffected() == int64(len(rows)) {
		return nil, nil
	}
	found, err := tx.Query(ctx, t.copies)
	if err != nil {
		return nil, fmt.Errorf("find the copies: %w", err)
	}
	var copies []reject
	var at int32
	var same bool
	if _, err := pgx.ForEachRow(found, []any{&at, &same}, func() error {
		reason := election.Conflicting
		if same {
			reason = election.Duplicate
		}
		copies = append(copies, reject{b.records[at], reason})
		return nil
	}); err != nil {
		return nil, fmt.Errorf("find the copies: %w", err)
	}
	if n := len(rows) - len(copies); int64(n) != added.RowsAffected() {
		return nil, fmt.Errorf("add to %s: %d rows were added where %d are no copies", t.name, added.RowsAffected(), n)
	}
	return copies, nil
}

func addRejects(ctx context.Context, tx pgx.Tx, topic string, rejects []reject) error {
	var partitions []int32
	var offsets []int64
	var reasons []string
	var keys, raws [][]byte
	for _, r := range rejects {
		partitions, offsets, reasons = append(partitions, r.Partition), append(offsets, r.Offset), append(reasons, string(r.reason))
		keys, raws = append(keys, r.Key), append(raws, r.Value)
	}
	if _, err := tx.Exec(ctx, addRejectsSQL, topic, partitions, offsets, reasons, keys, raws); err != nil {
		return fmt.Errorf("add to rejected_votes: %w", err)
	}
	return nil
}

// retryable reports whether PostgreSQL asks for the whole transaction again, after a serialization failure or a
// deadlock.
func retryable(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && (refused.Code == "40001" || refused.Code == "40P01")
}
