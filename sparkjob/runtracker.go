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

// runTracker keeps account of the runs in the election topic, and reports the current one. It acts only while mayAct says that
// it may.
type runTracker struct {
	config        Config
	query         string
	cl            *kgo.Client  // asks
	accounts      *kgo.Client  // writes the election topic; nil until open
	reports       *kgo.Client  // writes other topics; nil until open
	hurry         []kgo.Opt    // of the writers, in tests
	mayAct        func() error // set for each lease: nil while this submit holds it
	term          string       // the last one in which this submit had the lock for sure
	inTopic       topicState
	current       run // 0 while there is none
	official      int // 0 while no run is official
	status        election.QueryStatus
	published     time.Time     // when this submit published the status last, by its monotonic clock
	beat          time.Duration // heartbeatEvery, but in tests
	failures      int           // of the query, since something was counted
	metrics       *metrics
	othersDeleted bool
}

func newRunTracker(c Config, installation *election.Installation) (*runTracker, error) {
	cl, err := c.Kafka.NewClient(c.Health.Kafka("runs"))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(election.Grammar + "\x00" + ballotsSQL + "\x00" + totalsSQL + "\x00" + installation.Fingerprint))
	return &runTracker{config: c, cl: cl, metrics: newMetrics(c.Health, cl), query: hex.EncodeToString(sum[:8]), beat: heartbeatEvery}, nil
}

func (r *runTracker) close() {
	r.cl.Close()
	r.closeWriters()
}

func (r *runTracker) closeWriters() {
	for _, cl := range []*kgo.Client{r.accounts, r.reports} {
		if cl != nil {
			cl.Close()
		}
	}
	r.accounts, r.reports = nil, nil
}

// accountsTimeout is how long Kafka waits for the rest of a transaction whose submit has died, unless another begins before.
const accountsTimeout = 10 * time.Second

// fence shuts out the submit that kept the accounts before: one that was stopped in the middle of writing them and wakes later is
// refused by Kafka. All that writes is new each time: a client does not go on with a topic that was made again.
func (r *runTracker) fence(ctx context.Context) (err error) {
	r.closeWriters()
	if r.reports, err = r.config.Kafka.NewClient(r.hurry...); err != nil {
		return err
	}
	if r.accounts, err = r.config.Kafka.NewClient(kgo.TransactionalID("election-submit"), kgo.TransactionTimeout(accountsTimeout)); err != nil {
		return err
	}
	if err := r.mayAct(); err != nil {
		return err
	}
	if _, _, err := r.accounts.ProducerID(ctx); err != nil {
		return fmt.Errorf("become the one who keeps the accounts: %w", err)
	}
	return nil
}

// open shuts out the submit that kept the accounts before, and reads what they hold then.
func (r *runTracker) open(ctx context.Context) error {
	if err := r.fence(ctx); err != nil {
		return err
	}
	r.inTopic = topicState{}
	if err := r.readElectionTopic(ctx); err != nil {
		return err
	}
	r.othersDeleted = r.othersDeleted && r.official == r.inTopic.official.Run // another submit may have made a run official meanwhile
	r.official, r.current, r.status = r.inTopic.official.Run, r.inTopic.latest, election.QueryStatus{}
	if _, err := r.config.Kafka.LatestJSON(ctx, election.PipelineStatusTopic, election.QueryKey, &r.status); err != nil {
		return fmt.Errorf("read the query's status: %w", err)
	}
	if r.status.Run != r.current.Run {
		r.status = election.QueryStatus{} // submit ended before it had reported the latest run
	}
	return nil
}

// queryChanged reports whether the query that ought to run is another than that of the current run, if there is one.
func (r *runTracker) queryChanged() bool { return r.current.Run == 0 || r.current.Query != r.query }

// next begins a run. The query of the one before must have ended: the next one is official when it has counted as
// far as that.
func (r *runTracker) next(ctx context.Context, number int) error {
	next := run{Run: number, Query: r.query, Partitions: r.config.Partitions}
	if r.official != 0 {
		ends, err := kafka.StableEnds(ctx, r.cl, election.VotesTopic)
		if err != nil {
			return err
		}
		next.CatchUp = offsets(ends)
	}
	r.config.Log.Info("begin a run", "run", next.Run, "official_run", r.official)
	if err := r.note(ctx, election.LatestRunKey, next); err != nil {
		return err
	}
	r.current, r.status, r.failures = next, election.QueryStatus{}, 0
	return nil
}

// noteSession notes in which session the query is about to be started.
func (r *runTracker) noteSession(ctx context.Context, session *spark.Session, settings string) error {
	r.current.Session = sessionRef{Spark: sparkAt(r.config.Remote), ID: session.ID(), User: session.UserID(), Server: session.ServerSessionID(), Settings: settings}
	return r.note(ctx, election.LatestRunKey, r.current)
}

// promote makes the current run official where decide says so, and then deletes what other runs left in the result topics.
func (r *runTracker) promote(ctx context.Context) error {
	seen := observation{session: sessionFollowed, runIsOfficial: r.official == r.current.Run, runHasCaughtUp: r.caughtUp()}
	if decide(seen) == promoteRun {
		if err := r.note(ctx, election.OfficialRunKey, election.OfficialRun{Run: r.current.Run}); err != nil {
			return err
		}
		r.config.Log.Info("the run is official", "run", r.current.Run, "before", r.official)
		r.official, r.othersDeleted = r.current.Run, false
	}
	if r.othersDeleted || r.official != r.current.Run {
		return nil
	}
	for _, topic := range election.ResultTopics() {
		if err := r.deleteOthers(ctx, topic); err != nil {
			return err
		}
	}
	r.othersDeleted = true
	return nil
}

// caughtUp reports whether the current run has counted as far as the one before had when it began.
func (r *runTracker) caughtUp() bool {
	for partition, offset := range r.current.CatchUp {
		if r.status.Counted[partition] < offset {
			return false
		}
	}
	return true
}

// deleteOthers writes a tombstone for each key of an older run than the official one.
func (r *runTracker) deleteOthers(ctx context.Context, topic string) error {
	others := make(map[string]bool) // key: whether its last record is a tombstone
	err := r.config.Kafka.Read(ctx, topic, 0, func(rec *kgo.Record) error {
		if of, _, ok := election.CutRun(string(rec.Key)); ok && of < r.official {
			others[string(rec.Key)] = rec.Value == nil
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for records of other runs: %w", err)
	}
	var tombstones []*kgo.Record
	for key, deleted := range others {
		if !deleted {
			tombstones = append(tombstones, &kgo.Record{Topic: topic, Key: []byte(key)})
		}
	}
	if err := r.mayAct(); err != nil {
		return err
	}
	if err := r.reports.ProduceSync(ctx, tombstones...).FirstErr(); err != nil {
		return fmt.Errorf("delete the records of other runs: %w", err)
	}
	return nil
}
