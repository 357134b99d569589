package audit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
)

// TestUndecidedTransactionIsSaid has a confirmed commit whose marker is in the topic of progress, and not yet in
// votes_topic: Kafka writes the markers one after another.
func TestUndecidedTransactionIsSaid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t)
	late := cast(1, "ana", "N1")
	decided := len(kafkatest.Read(t, f.cluster, election.VotesTopic, late.Partition))
	kafkatest.Begin(t, f.cluster, late)
	f.progress(t, election.CastProducer, 1, 1)
	f.config.DecisionTimeout = 20 * time.Millisecond
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, fmt.Sprintf("A transaction is undecided in votes_topic %d: its records from offset %d on, up to %d, are not counted. "+
		"Differences may pass; run the audit again.", late.Partition, decided, decided+1), "200 votes are counted where 201 are sent")
	if strings.Count(printed, "undecided") != 1 {
		t.Errorf("it says so of other partitions:\n%s", printed)
	}
}

// TestTransactionIsWaitedFor commits a transaction while the audit waits for it.
func TestTransactionIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	open := kafkatest.Begin(t, f.cluster, cast(1, "ana", "N1"))
	f.progress(t, election.CastProducer, 1, 1)
	f.config.DecisionTimeout = time.Minute
	ended := make(chan error, 1)
	asked := f.whenAskedForStableEnds(t, 2, func() { ended <- kafka.EndTransaction(context.Background(), open, kgo.TryCommit) })
	printed, _ := f.audit(t) // the results are not published
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	wantSaid(t, printed, "votes counted 201 201 sent agrees")
	if strings.Contains(printed, "undecided") || strings.Contains(printed, "grown") || asked() < 3 {
		t.Errorf("it asked %d times:\n%s", asked(), printed)
	}
}

// TestBallotsThatComeMeanwhileAreSaid adds a ballot after the recount.
func TestBallotsThatComeMeanwhileAreSaid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t)
	late := cast(1, "ana", "N1")
	counted := len(kafkatest.Read(t, f.cluster, election.VotesTopic, late.Partition))
	f.config.Log = atLog(t, "recounted", partitions, func() { kafkatest.Produce(t, f.cluster, late) })
	printed, err := f.audit(t)
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, fmt.Sprintf("votes_topic %d has grown since it was counted, from offset %d to %d. Differences may pass; run the audit again.",
		late.Partition, counted, counted+1))
}

// whenAskedForStableEnds calls do when the broker is asked the nth time for stable ends of votes_topic. asked returns
// how often the broker has been asked.
func (f *fixture) whenAskedForStableEnds(t *testing.T, nth int64, do func()) (asked func() int64) {
	t.Helper()
	var times atomic.Int64
	f.cluster.ControlKey(int16(kmsg.ListOffsets), func(request kmsg.Request) (kmsg.Response, error, bool) {
		f.cluster.KeepControl()
		r := request.(*kmsg.ListOffsetsRequest)
		if r.IsolationLevel == 1 && r.Topics[0].Topic == election.VotesTopic && times.Add(1) == nth {
			go do()
		}
		return nil, nil, false
	})
	return times.Load
}

// atLog is a log that calls do when a message is logged the nth time.
func atLog(t *testing.T, message string, nth int, do func()) *slog.Logger {
	return slog.New(&counting{Handler: kafkatest.Log(t).Handler(), message: message, left: nth, do: do})
}

type counting struct {
	slog.Handler
	message string
	left    int
	do      func()
}

func (c *counting) Enabled(context.Context, slog.Level) bool { return true }

func (c *counting) Handle(_ context.Context, r slog.Record) error {
	if r.Message == c.message {
		if c.left--; c.left == 0 {
			c.do()
		}
	}
	return nil
}
