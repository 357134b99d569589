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

	"github.com/prometheus/client_golang/prometheus"
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
	name  string // the key of its progress
	topic string
	size  int64 // serial numbers run from 0 to size-1
	// record appends the record with a serial to buffer. Key and value lie within what it returns as buffer.
	record func(buffer []byte, serial int64) (grown, key, value []byte, partition int32)
	closes bool // a last progress record says where the topic ends by then
}

// sender sends a stream from where its progress says to its end.
type sender struct {
	cluster kafka.Cluster
	log     *slog.Logger
	pace    func(next int64) pacing // of what is left from a serial on; called once
	start   election.Progress
	metrics kgo.Opt
	sent    prometheus.Counter
	report  func(sent, size int64)
}

func (s sender) send(ctx context.Context, of stream) error {
	cl, err := s.cluster.NewClient(s.metrics,
		kgo.TransactionalID("election-"+of.name),
		kgo.TransactionTimeout(transactionTimeout),
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
	progress, begun, err := s.resume(ctx, of)
	if err != nil {
		return err
	}
	progress.Size = of.size
	if begun && progress.NextSerial == of.size { // all was sent before
		s.report(of.size, of.size)
	}
	// A producer that begins says so at once, even where nothing is due yet or ever: others learn the size.
	for pace := s.pace(progress.NextSerial); progress.NextSerial < of.size || !begun; {
		from, n := progress.NextSerial, pace.batch()
		progress.NextSerial = min(of.size, from+n)
		if n > 0 || !begun {
			if err := s.transaction(ctx, cl, of, from, progress); err != nil {
				return fmt.Errorf("send %s from %d to before %d: %w", of.name, from, progress.NextSerial, err)
			}
			begun = true
			s.sent.Add(float64(progress.NextSerial - from))
			s.report(progress.NextSerial, of.size)
		}
		if err := pace.wait(ctx, progress.NextSerial-from); err != nil {
			return err
		}
	}
	if !of.closes || progress.Ends != nil {
		return nil
	}
	if progress.Ends, err = kafka.Ends(ctx, cl, of.topic); err != nil {
		return err
	}
	if err := s.transaction(ctx, cl, of, of.size, progress); err != nil {
		return fmt.Errorf("close %s: %w", of.topic, err)
	}
	return nil
}

// resume is how far the stream came, and whether it was begun at all.
func (s sender) resume(ctx context.Context, of stream) (last election.Progress, begun bool, err error) {
	last, begun, err = s.cluster.Progress(ctx, of.name)
	switch {
	case err != nil:
		return last, begun, fmt.Errorf("read how far %s came: %w", of.name, err)
	case !begun:
		return s.start, false, nil
	}
	if err := s.continues(of, last); err != nil {
		return last, true, err
	}
	if last.NextSerial > 0 {
		s.log.Info("resume", "producer", of.name, "next_serial", last.NextSerial)
	}
	return last, true, nil
}

// continues says why the stream is not one that came so far, or nil.
func (s sender) continues(of stream, last election.Progress) error {
	switch {
	case last.Seed != s.start.Seed:
		return &election.Wrong{Setting: "seed", Value: s.start.Seed, Text: fmt.Sprintf("%s was begun with %d and another seed cannot continue it: "+
			"give the same seed, or begin anew with empty topics", of.name, last.Seed)}
	case last.Fingerprint != s.start.Fingerprint:
		return &election.InputError{Text: fmt.Sprintf("%s was begun for another election; begin anew with empty topics", of.name)}
	case last.Size != of.size && last.Size > 0:
		return &election.InputError{Text: fmt.Sprintf("%s was begun with %d records and now there would be %d; "+
			"what it is computed from has changed, so begin anew with empty topics", of.name, last.Size, of.size)}
	case last.NextSerial < 0 || last.NextSerial > of.size:
		return &election.InputError{Text: fmt.Sprintf("%s says of %s that record %d is next, of %d; somebody else wrote that, so begin anew with empty topics",
			election.ProducerProgressTopic, of.name, last.NextSerial, of.size)}
	}
	return nil
}

// slab is how many bytes of records share an allocation.
const slab = 64 << 10

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
	var buffer []byte
	for serial := from; serial < progress.NextSerial; serial++ {
		if cap(buffer)-len(buffer) < slab/32 {
			buffer = make([]byte, 0, slab)
		}
		record := &kgo.Record{Topic: of.topic}
		buffer, record.Key, record.Value, record.Partition = of.record(buffer, serial)
		cl.Produce(ctx, record, failed.Promise())
	}
	cl.Produce(ctx, &kgo.Record{
		Topic: election.ProducerProgressTopic, Partition: election.ProgressPartition(of.name), Key: []byte(of.name), Value: state,
	}, failed.Promise())
	if err := errors.Join(cl.Flush(ctx), failed.Err()); err != nil {
		return errors.Join(err, abort(ctx, cl))
	}
	// An unconfirmed commit may or may not have happened. The next producer reads from the progress which it was.
	if err := kafka.EndTransaction(ctx, cl, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit the transaction: %w", err)
	}
	return nil
}

// abort ends a transaction without its records, even where the context is over.
func abort(ctx context.Context, cl *kgo.Client) error {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return kafka.EndTransaction(ending, cl, kgo.TryAbort)
}
