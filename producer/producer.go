// Package producer fills Kafka: each producer computes its records from a seed and sends them in transactions that also
// carry its progress, so that one that is stopped anywhere goes on without a gap or a double.
package producer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

const (
	// recordsPerTransaction bounds what a transaction holds: enough to make its commit cheap, little enough that
	// readers of committed records are not kept waiting.
	recordsPerTransaction = 20_000
	// transactionsPerSecond is how often a slowed producer commits.
	transactionsPerSecond = 5
	// transactionTimeout is after how long Kafka gives up a transaction whose producer is gone.
	transactionTimeout = 30 * time.Second
)

// stream is a numbered sequence of records that goes to one topic.
type stream struct {
	name   string // the key of its progress
	topic  string
	size   int64 // serial numbers run from 0 to size-1
	record func(buffer []byte, serial int64) (key, value []byte, partition int32)
}

// sender sends a stream from where its progress says to its end.
type sender struct {
	brokers []string
	log     *slog.Logger
	rate    int // records a second; 0 as fast as possible
	start   election.Progress
	report  func(sent, size int64)
}

func (s sender) send(ctx context.Context, of stream) error {
	cl, err := kafka.NewClient(s.brokers, s.log,
		kgo.TransactionalID("election-"+of.name),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.ProducerBatchMaxBytes(1<<20),
		kgo.ProducerLinger(5*time.Millisecond),
		kgo.MaxBufferedRecords(2*recordsPerTransaction))
	if err != nil {
		return err
	}
	defer cl.Close()

	// This ends the transaction of a predecessor, and with it the predecessor. Only then is its progress final.
	if _, _, err := cl.ProducerID(ctx); err != nil {
		return fmt.Errorf("become the one producer of %s: %w", of.name, err)
	}
	progress, err := s.resume(ctx, of)
	if err != nil {
		return err
	}
	progress.Size = of.size
	before, pace := progress, newPace(s.rate)
	for progress.NextSerial < of.size {
		from := progress.NextSerial
		progress.NextSerial = min(of.size, from+pace.batch())
		if err := s.transaction(ctx, cl, of, from, progress); err != nil {
			return fmt.Errorf("send %s %d to %d: %w", of.name, from, progress.NextSerial-1, err)
		}
		s.report(progress.NextSerial, of.size)
		if err := pace.wait(ctx, progress.NextSerial-from); err != nil {
			return err
		}
	}
	if progress == before { // all was sent before
		s.report(of.size, of.size)
	}
	return nil
}

func (s sender) resume(ctx context.Context, of stream) (election.Progress, error) {
	last, found, err := kafka.Progress(ctx, s.brokers, s.log, of.name)
	switch {
	case err != nil:
		return last, fmt.Errorf("read how far %s came: %w", of.name, err)
	case !found:
		return s.start, nil
	case last.Seed != s.start.Seed || last.Fingerprint != s.start.Fingerprint:
		return last, &election.InputError{Text: fmt.Sprintf("%s was begun with --seed %d and another seed or file cannot continue it; "+
			"give the same file and seed, or begin anew with empty topics", of.name, last.Seed)}
	}
	if last.NextSerial > 0 {
		s.log.Info("resume", "producer", of.name, "next_serial", last.NextSerial)
	}
	return last, nil
}

// transaction sends the records from a serial up to progress.NextSerial together with the progress, or nothing.
func (s sender) transaction(ctx context.Context, cl *kgo.Client, of stream, from int64, progress election.Progress) error {
	state, err := json.Marshal(progress)
	if err != nil {
		return err
	}
	if err := cl.BeginTransaction(); err != nil {
		return fmt.Errorf("begin the transaction: %w", err)
	}
	failed := kgo.AbortingFirstErrPromise(cl)
	for serial := from; serial < progress.NextSerial; serial++ {
		key, value, partition := of.record(make([]byte, 0, 256), serial)
		cl.Produce(ctx, &kgo.Record{Topic: of.topic, Partition: partition, Key: key, Value: value}, failed.Promise())
	}
	cl.Produce(ctx, &kgo.Record{
		Topic: election.ProducerProgressTopic, Partition: election.ProgressPartition(of.name), Key: []byte(of.name), Value: state,
	}, failed.Promise())

	err = errors.Join(cl.Flush(ctx), failed.Err())
	if err != nil {
		// The context may be over; the transaction must still end.
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return errors.Join(err, cl.EndTransaction(ending, kgo.TryAbort))
	}
	// An unconfirmed commit may or may not have happened. Whoever starts next reads from the progress which it was.
	if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit the transaction: %w", err)
	}
	return nil
}
