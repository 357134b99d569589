package sparkjob

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/lease"
	"realtime-election/spark"
)

// newElection is a broker with an election of two partitions, and the Config of a submit for it.
func newElection(t *testing.T) (*kfake.Cluster, Config) {
	t.Helper()
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	d.Electorate = nil // so that no submit waits for a register
	cluster := kafkatest.NewElection(t, d, 2)
	return cluster, Config{
		Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Checkpoints: "file://" + t.TempDir(), StatePartitions: 4, Log: kafkatest.Log(t),
	}
}

// cast puts three records into one partition of votes_topic and four into the other.
func cast(t *testing.T, cluster *kfake.Cluster) {
	t.Helper()
	for i := range int32(7) {
		kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotesTopic, Partition: i%2 ^ 1, Value: []byte("vote")})
	}
}

// newStartedTracker is the tracker of a submit that has resumed or begun its run.
func newStartedTracker(t *testing.T, c Config, fingerprint string) *runTracker {
	t.Helper()
	r, err := newRunTracker(c, &election.Installation{Fingerprint: fingerprint})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	r.mayAct = func() error { return nil }
	beginOrResumeRun(t, r)
	return r
}

// beginOrResumeRun does with the runs what submit does before it starts the query.
func beginOrResumeRun(t *testing.T, r *runTracker) {
	t.Helper()
	done(t, r.fenceAndRead(t.Context()))
	if r.queryChanged() {
		begin(t, r)
		return
	}
	done(t, r.announce(t.Context(), starting))
}

func begin(t *testing.T, r *runTracker) {
	t.Helper()
	done(t, r.beginRun(t.Context(), r.current.Run+1))
	done(t, r.announce(t.Context(), starting))
}

func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// batch is the report of a micro-batch that counted up to these offsets of the two partitions.
func batch(id, first, second int64) *spark.Progress {
	return &spark.Progress{
		BatchID:        id,
		BatchDuration:  7,
		StateOperators: []spark.StateOperatorProgress{{MemoryUsedBytes: 5}, {MemoryUsedBytes: 2, CustomMetrics: map[string]int64{"rocksdbSstFileSize": 4}}},
		Sources:        []spark.SourceProgress{{EndOffset: spark.Offset(fmt.Sprintf(`{"votes_topic":{"0":%d,"1":%d}}`, first, second))}},
	}
}

// last decodes the last value of a key in a topic.
func last[T any](t *testing.T, cluster *kfake.Cluster, topic, key string) (value T) {
	t.Helper()
	for _, rec := range kafkatest.Read(t, cluster, topic, 0) {
		if string(rec.Key) == key {
			value = *new(T)
			done(t, json.Unmarshal(rec.Value, &value))
		}
	}
	return value
}

func official(t *testing.T, cluster *kfake.Cluster) int {
	t.Helper()
	return last[election.OfficialRun](t, cluster, election.RunsTopic, election.OfficialRunKey).Run
}

func status(t *testing.T, cluster *kfake.Cluster) election.QueryStatus {
	t.Helper()
	return last[election.QueryStatus](t, cluster, election.QueryStatusTopic, election.QueryKey)
}

// publishTotal writes a result as a run of the query would.
func publishTotal(t *testing.T, cluster *kfake.Cluster, run int) {
	t.Helper()
	for _, topic := range election.ResultTopics() {
		kafkatest.Produce(t, cluster, kafkatest.JSON(t, topic, election.ResultKey(run, "x"), election.Result{Run: run, TotalVotes: 1}))
	}
}

// remainingKeys are the keys of a result topic that no tombstone has deleted.
func remainingKeys(t *testing.T, cluster *kfake.Cluster, topic string) map[string]bool {
	t.Helper()
	keys := make(map[string]bool)
	for _, rec := range kafkatest.Read(t, cluster, topic, 0) {
		if rec.Value == nil {
			delete(keys, string(rec.Key))
		} else {
			keys[string(rec.Key)] = true
		}
	}
	return keys
}

func wantRemainingKeys(t *testing.T, cluster *kfake.Cluster, keys ...string) {
	t.Helper()
	want := make(map[string]bool)
	for _, key := range keys {
		want[key] = true
	}
	for _, topic := range election.ResultTopics() {
		if diff := cmp.Diff(want, remainingKeys(t, cluster, topic)); diff != "" {
			t.Errorf("%s: %s", topic, diff)
		}
	}
}

func TestFirstRunIsOfficialAtOnce(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	want := run{Run: 1, QueryHash: r.queryHash, StatePartitions: 4}
	if diff := cmp.Diff(want, last[run](t, cluster, election.RunsTopic, election.LatestRunKey)); diff != "" {
		t.Error(diff)
	}
	if got := status(t, cluster); got.Run != 1 || got.State != "starting" || got.Batch != -1 {
		t.Errorf("the status at the start is %+v", got)
	}

	if official(t, cluster) != 1 {
		t.Error("the first run waits for another to become official")
	}

	done(t, r.report(t.Context(), nil))
	if got := status(t, cluster); got.State != "running" || got.Batch != -1 {
		t.Errorf("before the first batch the status is %+v", got)
	}

	done(t, r.report(t.Context(), batch(0, 3, 4)))
	if !last[run](t, cluster, election.RunsTopic, election.LatestRunKey).Committed {
		t.Error("the topic does not say that the run has a checkpoint")
	}
	got := status(t, cluster)
	if got.UpdatedAt.IsZero() || got.UpdatedAt.Location() != time.UTC {
		t.Errorf("the status is of %s", got.UpdatedAt)
	}
	got.UpdatedAt = time.Time{}
	wantStatus := election.QueryStatus{Run: 1, State: "running", BatchMilliseconds: 7, StateBytes: 11, Counted: map[string]int64{"0": 3, "1": 4}}
	if diff := cmp.Diff(wantStatus, got); diff != "" {
		t.Error(diff)
	}
}

func TestRestartGoesOnWithItsRun(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	c.StatePartitions = 9 // only a new run takes it
	again := newStartedTracker(t, c, "a")
	if again.current.Run != 1 || again.current.StatePartitions != 4 || again.official != 1 {
		t.Errorf("it goes on with %+v, official is %d", again.current, again.official)
	}
	if got := status(t, cluster); got.State != "starting" || got.Counted["1"] != 4 {
		t.Errorf("the status is %+v; what was counted is still counted", got)
	}
}

func TestChangedQueryIsOfficialWhenItHasCaughtUp(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	cast(t, cluster)
	publishTotal(t, cluster, 1)
	r := newStartedTracker(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 3, 4)))

	r = newStartedTracker(t, c, "b")
	want := run{Run: 2, QueryHash: r.queryHash, StatePartitions: 4, CatchUp: map[string]int64{"0": 3, "1": 4}}
	if diff := cmp.Diff(want, r.current); diff != "" {
		t.Error(diff)
	}
	publishTotal(t, cluster, 2)
	for id, counted := range [][2]int64{{0, 0}, {3, 3}, {2, 9}} {
		done(t, r.report(t.Context(), batch(int64(id), counted[0], counted[1])))
		if official(t, cluster) != 1 {
			t.Fatalf("the run is official when it has counted %v", counted)
		}
	}
	wantRemainingKeys(t, cluster, "1/x", "2/x")

	done(t, r.report(t.Context(), batch(3, 3, 4)))
	if official(t, cluster) != 2 {
		t.Error("the run is not official when it has caught up")
	}
	wantRemainingKeys(t, cluster, "2/x")
}

func TestChangedAgainBeforeItCaughtUp(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	cast(t, cluster)
	done(t, newStartedTracker(t, c, "a").report(t.Context(), batch(0, 3, 4)))
	done(t, newStartedTracker(t, c, "b").report(t.Context(), batch(0, 1, 1)))
	r := newStartedTracker(t, c, "c")
	want := run{Run: 3, QueryHash: r.queryHash, StatePartitions: 4, CatchUp: map[string]int64{"0": 3, "1": 4}}
	if diff := cmp.Diff(want, r.current); diff != "" {
		t.Error(diff)
	}
}

// TestNextRunsBegin begins a run before the one before it is official.
func TestNextRunsBegin(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	cast(t, cluster)
	publishTotal(t, cluster, 1)
	r := newStartedTracker(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 3, 4)))

	begin(t, r)
	if r.current.Run != 2 || r.official != 1 || r.current.CatchUp["1"] != 4 || status(t, cluster).Batch != -1 || len(status(t, cluster).Counted) > 0 {
		t.Fatalf("it goes on with %+v, %+v", r.current, status(t, cluster))
	}
	publishTotal(t, cluster, 2)
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	wantRemainingKeys(t, cluster, "2/x")

	begin(t, r)
	publishTotal(t, cluster, 3)
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	if official(t, cluster) != 3 {
		t.Error("the third run is not official")
	}
	wantRemainingKeys(t, cluster, "3/x")
}

// TestStatusOfThePredecessorIsNotTheRuns ends submit after it has begun a run and before it has reported it.
func TestStatusOfThePredecessorIsNotTheRuns(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.RunsTopic, election.LatestRunKey, run{Run: 2, QueryHash: r.queryHash, StatePartitions: 4}))
	newStartedTracker(t, c, "a")
	if got := status(t, cluster); got.Run != 2 || got.Batch != -1 || len(got.Counted) > 0 {
		t.Errorf("the new run's status is %+v", got)
	}
}

func TestRecordsOfANewerRunAreNotDeleted(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	publishTotal(t, cluster, 1)
	publishTotal(t, cluster, 7)
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.PerCandidateTopic, "no run", 1))
	r := newStartedTracker(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 0, 0)))
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.PerCandidateTopic, Key: []byte("no run")})
	wantRemainingKeys(t, cluster, "1/x", "7/x")
}

// TestRunThatAnotherMadeOfficialIsCleanedUpAfter ends another submit right after it has made a run official.
func TestRunThatAnotherMadeOfficialIsCleanedUpAfter(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 0, 0)))
	publishTotal(t, cluster, 1)
	publishTotal(t, cluster, 2)
	kafkatest.Produce(t, cluster,
		kafkatest.JSON(t, election.RunsTopic, election.LatestRunKey, run{Run: 2, QueryHash: r.queryHash, StatePartitions: 4, Committed: true}),
		kafkatest.JSON(t, election.RunsTopic, election.OfficialRunKey, election.OfficialRun{Run: 2}))
	beginOrResumeRun(t, r)
	done(t, r.report(t.Context(), batch(1, 0, 0)))
	wantRemainingKeys(t, cluster, "2/x")
}

// TestDeletedRecordsAreNotDeletedAgain promotes the run a second time, as each submit does when it starts.
func TestDeletedRecordsAreNotDeletedAgain(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	publishTotal(t, cluster, 0)
	records := func() int { return len(kafkatest.Read(t, cluster, election.PerCandidateTopic, 0)) }
	done(t, newStartedTracker(t, c, "a").report(t.Context(), batch(0, 0, 0)))
	wantRemainingKeys(t, cluster)
	before := records()
	done(t, newStartedTracker(t, c, "a").report(t.Context(), batch(1, 1, 1)))
	if after := records(); after != before {
		t.Errorf("%d tombstones more", after-before)
	}
}

// TestNewerValueReplacesTheOlder reads values that have fewer fields than the ones before, and a tombstone.
func TestNewerValueReplacesTheOlder(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	second := run{Run: 2, QueryHash: "b"}
	kafkatest.Produce(t, cluster,
		kafkatest.JSON(t, election.RunsTopic, election.LatestRunKey, run{Run: 1, QueryHash: "a", StatePartitions: 9, Committed: true, CatchUp: map[string]int64{"0": 7}, Session: sessionRef{ID: "x"}}),
		kafkatest.JSON(t, election.RunsTopic, election.LatestRunKey, second),
		kafkatest.JSON(t, election.QueryControlTopic, election.WantedKey, election.Wanted{Stopped: true}),
		&kgo.Record{Topic: election.QueryControlTopic, Key: []byte(election.WantedKey)})
	done(t, r.readTopics(t.Context()))
	if diff := cmp.Diff(second, r.inTopic.latest); diff != "" || r.inTopic.wanted.Stopped {
		t.Errorf("stopped: %t %s", r.inTopic.wanted.Stopped, diff)
	}
}

// TestRecordsThatCannotBeAreIgnored has records, after those of submit, that it could not go on with.
func TestRecordsThatCannotBeAreIgnored(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	c.Log = slog.New(slog.DiscardHandler) // it warns
	r := newStartedTracker(t, c, "a")
	second := run{Run: 2, QueryHash: "b"}
	put := func(topic, key, value string) {
		kafkatest.Produce(t, cluster, &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)})
	}
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.RunsTopic, election.LatestRunKey, second))
	for _, value := range []string{`{"run":"x`, `{"run":9223372036854775807}`, `{"run":-1}`, `[]`} {
		put(election.RunsTopic, election.LatestRunKey, value)
	}
	put(election.RunsTopic, election.OfficialRunKey, `{"run":9223372036854775807}`)
	put(election.QueryControlTopic, election.WantedKey, `{"stopped":`)
	put(election.RunsTopic, election.HolderKey, `7`)
	put(election.QueryControlTopic, election.WantedKey, `{"stopped":true}`)
	put(election.RunsTopic, election.WantedKey, `{"stopped":false}`)    // it is not the topic for that
	put(election.QueryControlTopic, election.LatestRunKey, `{"run":7}`) // nor for that
	put(election.QueryControlTopic, election.OfficialRunKey, `{"run":7}`)
	done(t, r.readTopics(t.Context()))
	if diff := cmp.Diff(second, r.inTopic.latest); diff != "" || r.inTopic.official.Run != 1 || !r.inTopic.wanted.Stopped {
		t.Errorf("official %d, stopped %t: %s", r.inTopic.official.Run, r.inTopic.wanted.Stopped, diff)
	}
}

// TestTopicThatIsMadeAgainIsReadFromItsStart deletes a topic and creates it anew between two reads.
func TestTopicThatIsMadeAgainIsReadFromItsStart(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	r.reader.Close()
	learnsSoon := kgo.MetadataMinAge(20 * time.Millisecond) // that it is another topic
	r.reader = kafkatest.NewClient(t, cluster, learnsSoon)
	done(t, r.readTopics(t.Context()))
	cl := kafkatest.NewClient(t, cluster, learnsSoon)
	_, err := kadm.NewClient(cl).DeleteTopic(t.Context(), election.RunsTopic)
	done(t, err)
	done(t, kafka.EnsureTopics(t.Context(), cl, election.Topics(2)))
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.RunsTopic, election.OfficialRunKey, election.OfficialRun{Run: 9}))
	until(t, "it is read", func() bool { return r.readTopics(t.Context()) == nil && r.inTopic.official.Run == 9 })
	if r.inTopic.latest.Run != 0 {
		t.Errorf("the latest run is %+v, of the topic before", r.inTopic.latest)
	}
}

func TestConfigNamesTheSettingThatIsWrong(t *testing.T) {
	t.Parallel()
	good := Config{
		Checkpoints: "file:///var/lib/election", StatePartitions: 1,
		Remote: Remote{URL: "sc://127.0.0.1:15002/;token=secret"}, Postgres: "postgres://election:secret@127.0.0.1:5432/election",
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for says, change := range map[string]func(*Config){
		`checkpoints is "/var/lib/election"`: func(c *Config) { c.Checkpoints = "/var/lib/election" },
		`checkpoints is ""`:                  func(c *Config) { c.Checkpoints = "" },
		`checkpoints is ":"`:                 func(c *Config) { c.Checkpoints = ":" },
		"state-partitions is 0":              func(c *Config) { c.StatePartitions = 0 },
		"remote is not":                      func(c *Config) { c.Remote.URL = "127.0.0.1:15002" },
		"postgres must be":                   func(c *Config) { c.Postgres = "host=x" },
		"trigger is -1s":                     func(c *Config) { c.Trigger = -time.Second },
	} {
		c := good
		change(&c)
		err := Run(t.Context(), c)
		var wrong *election.InputError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: ended with %v", says, err)
		}
	}
}

// TestWokenSubmitPublishesNothing wakes a submit that was stopped while another took over.
func TestWokenSubmitPublishesNothing(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	cast(t, cluster)
	stopped := newStartedTracker(t, c, "a")
	done(t, stopped.report(t.Context(), batch(0, 1, 1)))
	successor := newStartedTracker(t, c, "changed")
	done(t, successor.report(t.Context(), batch(0, 3, 4)))
	if official(t, cluster) != 2 {
		t.Fatal("the successor's run is not official")
	}

	stopped.official = 0 // it is about to make its run official
	if err := stopped.promote(t.Context()); err == nil || official(t, cluster) != 2 {
		t.Errorf("the stopped submit made run %d official: %v", official(t, cluster), err)
	}
	if err := stopped.note(t.Context(), election.LatestRunKey, stopped.current); err == nil {
		t.Error("the stopped submit can write the topic of runs")
	}
	if got := last[run](t, cluster, election.RunsTopic, election.LatestRunKey); got.Run != 2 {
		t.Errorf("the latest run is %+v", got)
	}
	done(t, successor.note(t.Context(), election.LatestRunKey, successor.current)) // it is not fenced
}

// TestSuccessorFencesItsPredecessor writes as the predecessor after the successor has read and before it writes.
func TestSuccessorFencesItsPredecessor(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	before := newStartedTracker(t, c, "a")
	after, err := newRunTracker(c, &election.Installation{Fingerprint: "a"})
	done(t, err)
	t.Cleanup(after.close)
	after.mayAct = func() error { return nil }
	done(t, after.fenceAndRead(t.Context()))
	if err := before.note(t.Context(), election.LatestRunKey, run{Run: 7}); err == nil {
		t.Error("the predecessor can still write")
	}
	if got := last[run](t, cluster, election.RunsTopic, election.LatestRunKey); got.Run != 1 || after.current.Run != 1 {
		t.Errorf("the latest run is %d, and was read as %d", got.Run, after.current.Run)
	}
}

func TestSubmitWithoutTheLockPublishesNothing(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	r.mayAct = func() error { return lease.ErrLost }
	count := func() (n int) {
		for _, topic := range append(election.ResultTopics(), election.RunsTopic, election.QueryStatusTopic) {
			n += len(kafkatest.Read(t, cluster, topic, 0))
		}
		return n
	}
	publishTotal(t, cluster, 0) // of an older run: due to be deleted
	before := count()
	r.olderRunsDeleted = false
	for what, do := range map[string]func() error{
		"report":  func() error { return r.report(t.Context(), batch(0, 3, 4)) },
		"fail":    func() error { return r.reportFailure(t.Context(), errors.New("away")) },
		"read":    func() error { return r.fenceAndRead(t.Context()) },
		"begin":   func() error { return r.beginRun(t.Context(), r.current.Run+1) },
		"promote": func() error { return r.promote(t.Context()) },
		"stop":    func() error { return r.reportStopped(t.Context()) },
		"settle":  func() error { return r.reportSettled(t.Context(), map[int32]int64{0: 3, 1: 4}) },
		"delete":  func() error { return r.deleteOlderRuns(t.Context(), election.PerCandidateTopic) },
	} {
		if err := do(); !errors.Is(err, lease.ErrLost) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if after := count(); after != before {
		t.Errorf("%d records were published without the lock", after-before)
	}
}
