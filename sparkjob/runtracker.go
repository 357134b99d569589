package sparkjob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/spark"
)

// runTracker records the runs in the topic of runs, and reports the status of the current run. It writes only while mayAct
// allows it.
type runTracker struct {
	config           Config
	queryHash        string
	reader           *kgo.Client  // of all topics
	fencedWriter     *kgo.Client  // of the topic of runs; nil until fencePredecessor
	plainWriter      *kgo.Client  // of other topics; nil until fencePredecessor
	writerOptions    []kgo.Opt    // options of plainWriter, for tests
	mayAct           func() error // returns nil while this submit holds the lease; set for each lease
	term             string       // holder.Term of this submit's last lease; empty before the first
	inTopic          topicState
	current          run    // Run is 0 before the first run
	official         int    // 0 while no run is official
	definition       string // fingerprint of the definition that the runs count
	status           election.QueryStatus
	published        time.Time     // when this submit last published the status, by its monotonic clock
	heartbeatEvery   time.Duration // the constant of this name, except in tests
	failures         int           // of the query, since it last counted something
	metrics          *metrics
	olderRunsDeleted bool
}

func newRunTracker(c Config, installation *election.Installation) (*runTracker, error) {
	cl, err := c.Kafka.NewClient(c.Health.Kafka("runs"))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(election.Grammar + "\x00" + ballotsSQL + "\x00" + totalsSQL + "\x00" + installation.Fingerprint))
	return &runTracker{config: c, reader: cl, metrics: newMetrics(c.Health, cl), queryHash: hex.EncodeToString(sum[:8]), definition: installation.Fingerprint, heartbeatEvery: heartbeatEvery}, nil
}

func (r *runTracker) close() {
	r.reader.Close()
	r.closeWriters()
}

func (r *runTracker) closeWriters() {
	for _, cl := range []*kgo.Client{r.fencedWriter, r.plainWriter} {
		if cl != nil {
			cl.Close()
		}
	}
	r.fencedWriter, r.plainWriter = nil, nil
}

// transactionTimeout is after how long Kafka ends the transaction of a submit that has died, unless a successor fences it first.
const transactionTimeout = 10 * time.Second

// fencePredecessor has Kafka refuse what an earlier submit still writes to the topic of runs: a submit may be stopped while
// it writes, and wake later. It makes new writers, because a client does not go on with a topic that was created anew.
func (r *runTracker) fencePredecessor(ctx context.Context) (err error) {
	r.closeWriters()
	if r.plainWriter, err = r.config.Kafka.NewClient(r.writerOptions...); err != nil {
		return err
	}
	if r.fencedWriter, err = r.config.Kafka.NewClient(kgo.TransactionalID(election.TransactionalID("submit")), kgo.TransactionTimeout(transactionTimeout)); err != nil {
		return err
	}
	if err := r.mayAct(); err != nil {
		return err
	}
	if _, _, err := r.fencedWriter.ProducerID(ctx); err != nil {
		return fmt.Errorf("fence the submit before: %w", err)
	}
	return nil
}

// fenceAndRead fences the earlier submit, and then reads the topic of runs from its start.
func (r *runTracker) fenceAndRead(ctx context.Context) error {
	if err := r.fencePredecessor(ctx); err != nil {
		return err
	}
	r.inTopic = topicState{}
	if err := r.readTopics(ctx); err != nil {
		return err
	}
	r.olderRunsDeleted = r.olderRunsDeleted && r.official == r.inTopic.official.Run // another submit may have made a run official meanwhile
	r.official, r.current, r.status = r.inTopic.official.Run, r.inTopic.latest, election.QueryStatus{}
	if _, err := r.config.Kafka.LatestJSON(ctx, election.QueryStatusTopic, election.QueryKey, &r.status); err != nil {
		return fmt.Errorf("read the query's status: %w", err)
	}
	if r.status.Run != r.current.Run {
		r.status = election.QueryStatus{} // no submit has reported the latest run yet
	}
	return nil
}

// queryChanged reports whether the current run, if there is one, has another query than this submit.
func (r *runTracker) queryChanged() bool {
	return r.current.Run == 0 || r.current.QueryHash != r.queryHash
}

// beginRun begins a run. The query of the previous run must have ended: the new run becomes official when it has counted as
// far as votes_topic reaches now.
func (r *runTracker) beginRun(ctx context.Context, number int) error {
	next := run{Run: number, QueryHash: r.queryHash, StatePartitions: r.config.StatePartitions}
	if r.official != 0 {
		ends, err := kafka.StableEnds(ctx, r.reader, election.VotesTopic)
		if err != nil {
			return err
		}
		next.CatchUp = jsonOffsets(ends)
	}
	r.config.Log.Info("begin a run", "run", next.Run, "official_run", r.official)
	if err := r.note(ctx, election.LatestRunKey, next); err != nil {
		return err
	}
	r.current, r.status, r.failures = next, election.QueryStatus{}, 0
	return nil
}

// noteSession writes to the topic of runs in which session the query is about to start.
func (r *runTracker) noteSession(ctx context.Context, session *spark.Session, settings string) error {
	r.current.Session = sessionRef{Spark: r.config.Remote.at(), ID: session.ID(), User: session.UserID(), ServerSessionID: session.ServerSessionID(), Settings: settings}
	return r.note(ctx, election.LatestRunKey, r.current)
}

// promote makes the current run official if decide says so, and then deletes the records of older runs from the result topics.
func (r *runTracker) promote(ctx context.Context) error {
	seen := observation{session: sessionFollowed, runIsOfficial: r.official == r.current.Run, runHasCaughtUp: r.caughtUp()}
	if decide(seen) == promoteRun {
		if err := r.note(ctx, election.OfficialRunKey, election.OfficialRun{Run: r.current.Run, Fingerprint: r.definition}); err != nil {
			return err
		}
		r.config.Log.Info("the run is official", "run", r.current.Run, "before", r.official)
		r.official, r.olderRunsDeleted = r.current.Run, false
	}
	if r.olderRunsDeleted || r.official != r.current.Run {
		return nil
	}
	for _, topic := range election.ResultTopics() {
		if err := r.deleteOlderRuns(ctx, topic); err != nil {
			return err
		}
	}
	r.olderRunsDeleted = true
	return nil
}

// caughtUp reports whether the current run has counted to the offsets of its CatchUp.
func (r *runTracker) caughtUp() bool {
	for partition, offset := range r.current.CatchUp {
		if r.status.Counted[partition] < offset {
			return false
		}
	}
	return true
}

// deleteOlderRuns writes a tombstone for each key of an older run than the official one.
func (r *runTracker) deleteOlderRuns(ctx context.Context, topic string) error {
	deleted := make(map[string]bool) // by key of an older run: whether its last record is a tombstone
	err := r.config.Kafka.Read(ctx, topic, 0, func(rec *kgo.Record) error {
		if of, _, ok := election.CutRun(string(rec.Key)); ok && of < r.official {
			deleted[string(rec.Key)] = rec.Value == nil
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for records of older runs: %w", err)
	}
	var tombstones []*kgo.Record
	for key, already := range deleted {
		if !already {
			tombstones = append(tombstones, &kgo.Record{Topic: topic, Key: []byte(key)})
		}
	}
	if err := r.mayAct(); err != nil {
		return err
	}
	if err := r.plainWriter.ProduceSync(ctx, tombstones...).FirstErr(); err != nil {
		return fmt.Errorf("delete the records of older runs: %w", err)
	}
	return nil
}
