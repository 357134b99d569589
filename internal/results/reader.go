package results

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"realtime-election/internal/kafka"
)

// Reader reads the topics of [Topics] into snapshots. It joins no group and commits nothing.
type Reader struct {
	Kafka    kafka.Cluster
	Options  []kgo.Opt     // added to the reader's own, for metrics
	Interval time.Duration // how long Follow waits for another change after each, twelve times at most; 0 means 250 ms
	Watch    time.Duration // how often to check that no topic was created anew; 0 means 2 s
}

var (
	errDone      = errors.New("read to the end")
	errRecreated = errors.New("a topic was deleted or created anew")
)

// Follow publishes a snapshot once it has read to the ends that it found. Then it publishes one whenever no other change has
// come for an Interval after a change. A micro-batch writes its totals one by one, and a snapshot in the middle would show a
// candidate with new votes beside one whose votes are still to be written.
//
// Follow waits for topics that do not exist yet, and starts over when they are created anew; until then the last snapshot stays
// valid. It blocks until ctx ends, and then returns nil. Errors of Kafka do not end it. publish is called by one goroutine at a
// time and must not block.
func (r Reader) Follow(ctx context.Context, publish func(*Snapshot)) error {
	var lastLogged string
	for {
		err := r.readGeneration(ctx, func(s *Snapshot) error { publish(s); return nil })
		if ctx.Err() != nil {
			return nil
		}
		// The same error is logged once, not at each try.
		if err.Error() != lastLogged {
			lastLogged = err.Error()
			r.Kafka.Logger().Info("reading results again", "error", err)
		}
		if !wait(ctx, r.interval()) {
			return nil
		}
	}
}

// Once reads to the ends that it finds, and returns the snapshot there. It waits for topics that do not exist yet. Give ctx a
// deadline: Once then returns the error of ctx.
func (r Reader) Once(ctx context.Context) (*Snapshot, error) {
	for {
		var snapshot *Snapshot
		err := r.readGeneration(ctx, func(s *Snapshot) error { snapshot = s; return errDone })
		if errors.Is(err, errDone) {
			return snapshot, nil
		}
		if ctx.Err() != nil || !wait(ctx, r.interval()) {
			return nil, fmt.Errorf("read results from %s: %w; is Kafka up, and was `election init` run?",
				r.Kafka, err)
		}
	}
}

func (r Reader) interval() time.Duration { return cmp.Or(r.Interval, 250*time.Millisecond) }
func (r Reader) watch() time.Duration    { return cmp.Or(r.Watch, 2*time.Second) }

// readGeneration reads one generation of the topics into a fold, until ctx ends, publish returns an error, a topic is created
// anew, or a partition can't be read any further.
func (r Reader) readGeneration(ctx context.Context, publish func(*Snapshot) error) error {
	cl, err := r.Kafka.NewClient(append([]kgo.Opt{
		// A log may end in a transaction's marker, which shows that the end is reached.
		kgo.KeepControlRecords(),
		// An error where a log has lost its end makes the fold start over.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	}, r.Options...)...)
	if err != nil {
		return err
	}
	defer cl.Close()

	admin := kadm.NewClient(cl)
	seen, err := listGeneration(ctx, admin)
	if err != nil {
		return err
	}
	ends, err := endsOf(ctx, admin)
	if err != nil {
		return err
	}
	cl.AddConsumePartitions(seen.fromStart())

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.watchTopics(ctx, admin, seen) })
	g.Go(func() error { return r.read(ctx, cl, admin, ends, publish) })
	return g.Wait()
}

// read applies records to a fold. It publishes snapshots once all ends are reached.
func (r Reader) read(ctx context.Context, cl *kgo.Client, admin *kadm.Client, ends offsets, publish func(*Snapshot) error) error {
	var (
		fold    Fold
		at      = offsets{}
		changes = pendingChanges{interval: r.interval(), any: true} // the first snapshot is published even if the topics are empty
	)
	for {
		if at.reached(ends) && changes.due(time.Now()) {
			if err := publish(fold.Snapshot()); err != nil {
				return err
			}
			changes.any = false
		}

		// Poll no longer than until the pending changes are due.
		poll, cancel := ctx, context.CancelFunc(func() {})
		if changes.any && at.reached(ends) {
			poll, cancel = context.WithDeadline(ctx, changes.until)
		}
		fetches := cl.PollFetches(poll)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.DeadlineExceeded) {
				return fmt.Errorf("read %s: %w", e.Topic, e.Err)
			}
		}

		switched := false
		fetches.EachRecord(func(rec *kgo.Record) {
			at[partition{rec.Topic, rec.Partition}] = rec.Offset + 1
			if rec.Attrs.IsControl() {
				return
			}
			switch fold.Apply(rec.Topic, rec.Key, rec.Value, rec.Timestamp) {
			case Changed:
				changes.add(time.Now())
			case Switched:
				changes.add(time.Now())
				switched = true
			case Skipped:
				changes.add(time.Now())
				r.Kafka.Logger().Debug("skipped a malformed record", "topic", rec.Topic, "partition", rec.Partition, "offset", rec.Offset)
			}
		})
		if switched {
			// The new run's totals were written before the run became official, and the old run's are deleted after
			// that. Both are in other topics, of which the reader may have read any part. All of it stands before the
			// ends that the topics have now, so publish nothing until these are reached.
			var err error
			if ends, err = endsOf(ctx, admin); err != nil {
				return err
			}
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
