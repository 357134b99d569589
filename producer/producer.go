// Package producer fills Kafka. Each producer computes its records from a seed, and sends them in transactions that
// also carry its progress. So a producer that is stopped at any moment goes on without a gap or a double.
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
	// recordsPerTransaction bounds a transaction: it is large enough to make the commit cheap, and small enough not to
	// keep readers of committed records waiting.
	recordsPerTransaction = 20_000
	// transactionsPerSecond is how often a slowed producer commits.
	transactionsPerSecond = 5
	// transactionTimeout is after how long Kafka aborts a transaction whose producer no longer sends.
	transactionTimeout = 30 * time.Second
)

// stream is a numbered sequence of records that goes to one topic.
type stream struct {
	name  string // the key of its progress
	topic string
	size  int64 // serial numbers run from 0 to size-1
	// appendRecord appends to buffer the record of a serial. key and value are slices of grown.
	appendRecord func(buffer []byte, serial int64) (grown, key, value []byte, partition int32)
	closesTopic  bool // after the last record, one more progress record says where the topic ends
}

// sender sends a stream from where its progress says to its end.
type sender struct {
	cluster      kafka.Cluster
	log          *slog.Logger
	newPacer     func(next int64) pacer // of the records from serial next on; called once
	initial      election.Progress      // of a stream that has not begun
	metrics      kgo.Opt
	sent         prometheus.Counter
	showProgress func(sent, size int64)
}

func (s sender) send(ctx context.Context, stream stream) error {
	cl, err := s.cluster.NewClient(s.metrics,
		kgo.TransactionalID(election.TransactionalID(stream.name)),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.ProducerLinger(5*time.Millisecond),
		kgo.MaxBufferedRecords(2*recordsPerTransaction))
	if err != nil {
		return err
	}
	defer cl.Close()
	// This ends a predecessor and its open transaction. Only then is the predecessor's progress final.
	if _, _, err := cl.ProducerID(ctx); err != nil {
		return fmt.Errorf("become the one producer of %s: %w", stream.name, err)
	}
	progress, begun, err := s.resume(ctx, stream)
	if err != nil {
		return err
	}
	progress.Size = stream.size
	if begun && progress.NextSerial == stream.size { // all was sent before
		s.showProgress(stream.size, stream.size)
	}
	// A producer that begins commits its progress at once, even with no record due yet, or ever: others learn the size.
	for pacer := s.newPacer(progress.NextSerial); progress.NextSerial < stream.size || !begun; {
		from, n := progress.NextSerial, pacer.batch()
		progress.NextSerial = min(stream.size, from+n)
		if n > 0 || !begun {
			if err := s.sendTransaction(ctx, cl, stream, from, progress); err != nil {
				return fmt.Errorf("send %s from %d to before %d: %w", stream.name, from, progress.NextSerial, err)
			}
			begun = true
			s.sent.Add(float64(progress.NextSerial - from))
			s.showProgress(progress.NextSerial, stream.size)
		}
		if err := pacer.wait(ctx, progress.NextSerial-from); err != nil {
			return err
		}
	}
	if !stream.closesTopic || progress.Ends != nil {
		return nil
	}
	if progress.Ends, err = kafka.Ends(ctx, cl, stream.topic); err != nil {
		return err
	}
	if err := s.sendTransaction(ctx, cl, stream, stream.size, progress); err != nil {
		return fmt.Errorf("close %s: %w", stream.topic, err)
	}
	return nil
}

// resume reads how far the stream came, and whether it was begun at all.
func (s sender) resume(ctx context.Context, stream stream) (last election.Progress, begun bool, err error) {
	last, begun, err = s.cluster.Progress(ctx, stream.name)
	switch {
	case err != nil:
		return last, begun, fmt.Errorf("read how far %s came: %w", stream.name, err)
	case !begun:
		return s.initial, false, nil
	}
	if err := s.checkResume(stream, last); err != nil {
		return last, true, err
	}
	if last.NextSerial > 0 {
		s.log.Info("resume", "producer", stream.name, "next_serial", last.NextSerial)
	}
	return last, true, nil
}

// checkResume is an error if the stream cannot go on from its last progress.
func (s sender) checkResume(stream stream, last election.Progress) error {
	switch {
	case last.Seed != s.initial.Seed:
		return &election.Wrong{Setting: "seed", Value: s.initial.Seed, Text: fmt.Sprintf("%s was begun with %d and another seed cannot continue it: "+
			"give the same seed, or begin anew with empty topics", stream.name, last.Seed)}
	case last.Fingerprint != s.initial.Fingerprint:
		return &election.InputError{Text: fmt.Sprintf("%s was begun for another election; begin anew with empty topics", stream.name)}
	case last.Size != stream.size && last.Size > 0:
		return &election.InputError{Text: fmt.Sprintf("%s was begun with %d records and now there would be %d; "+
			"what it is computed from has changed, so begin anew with empty topics", stream.name, last.Size, stream.size)}
	case last.NextSerial < 0 || last.NextSerial > stream.size || last.Size == 0 && last.NextSerial > 0:
		topic, _ := election.ProgressOf(stream.name)
		return &election.InputError{Text: fmt.Sprintf("%s says of %s that record %d is next, of %d; somebody else wrote that, so begin anew with empty topics",
			topic, stream.name, last.NextSerial, stream.size)}
	}
	return nil
}

// slab is how many bytes of records share an allocation.
const slab = 64 << 10

// sendTransaction sends the records from a serial to before progress.NextSerial together with the progress, or nothing.
func (s sender) sendTransaction(ctx context.Context, cl *kgo.Client, stream stream, from int64, progress election.Progress) error {
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
		record := &kgo.Record{Topic: stream.topic}
		buffer, record.Key, record.Value, record.Partition = stream.appendRecord(buffer, serial)
		cl.Produce(ctx, record, failed.Promise())
	}
	topic, partition := election.ProgressOf(stream.name)
	cl.Produce(ctx, &kgo.Record{Topic: topic, Partition: partition, Key: []byte(stream.name), Value: state}, failed.Promise())
	if err := errors.Join(cl.Flush(ctx), failed.Err()); err != nil {
		return errors.Join(err, abort(ctx, cl))
	}
	// A commit that Kafka did not confirm may have been carried out or not. The next producer learns which from the
	// progress.
	if err := kafka.EndTransaction(ctx, cl, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit the transaction: %w", err)
	}
	return nil
}

// abort aborts a transaction, even when ctx is over.
func abort(ctx context.Context, cl *kgo.Client) error {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return kafka.EndTransaction(ending, cl, kgo.TryAbort)
}
