package sparkjob

import (
	"encoding/json"
	"errors"
	"fmt"
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

// newElection is a broker with an election of two partitions, and what submits to it.
func newElection(t *testing.T) (*kfake.Cluster, Config) {
	t.Helper()
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	cluster := kafkatest.NewElection(t, d, 2)
	return cluster, Config{
		Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Checkpoints: "file://" + t.TempDir(), Partitions: 4, Log: kafkatest.Log(t),
	}
}

// cast puts three records into one partition of votes_topic and four into the other.
func cast(t *testing.T, cluster *kfake.Cluster) {
	t.Helper()
	for i := range int32(7) {
		kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotesTopic, Partition: i%2 ^ 1, Value: []byte("vote")})
	}
}

// chosen is submit after it was started: it has chosen its run.
func chosen(t *testing.T, c Config, fingerprint string) *runTracker {
	t.Helper()
	r, err := newRunTracker(c, &election.Installation{Fingerprint: fingerprint})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	r.mayAct = func() error { return nil }
	choose(t, r)
	return r
}

// choose is what submit does before it starts the query.
func choose(t *testing.T, r *runTracker) {
	t.Helper()
	done(t, r.open(t.Context()))
	if r.queryChanged() {
		begin(t, r)
		return
	}
	done(t, r.announce(t.Context(), starting))
}

func begin(t *testing.T, r *runTracker) {
	t.Helper()
	done(t, r.next(t.Context(), r.current.Run+1))
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

// last decodes the last value of a key.
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
	return last[election.OfficialRun](t, cluster, election.ElectionTopic, election.OfficialRunKey).Run
}

func status(t *testing.T, cluster *kfake.Cluster) election.QueryStatus {
	t.Helper()
	return last[election.QueryStatus](t, cluster, election.PipelineStatusTopic, election.QueryKey)
}

// publishTotal writes a result as a run of the query would.
func publishTotal(t *testing.T, cluster *kfake.Cluster, run int) {
	t.Helper()
	for _, topic := range election.ResultTopics() {
		kafkatest.Produce(t, cluster, kafkatest.JSON(t, topic, election.ResultKey(run, "x"), election.Result{Run: run, TotalVotes: 1}))
	}
}

// held are the keys that a result topic has left.
func held(t *testing.T, cluster *kfake.Cluster, topic string) map[string]bool {
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

func wantHeld(t *testing.T, cluster *kfake.Cluster, keys ...string) {
	t.Helper()
	want := make(map[string]bool)
	for _, key := range keys {
		want[key] = true
	}
	for _, topic := range election.ResultTopics() {
		if diff := cmp.Diff(want, held(t, cluster, topic)); diff != "" {
			t.Errorf("%s: %s", topic, diff)
		}
	}
}

func TestFirstRunIsOfficialAtOnce(t *testing.T) {
	cluster, c := newElection(t)
	r := chosen(t, c, "a")
	want := run{Run: 1, Query: r.query, Partitions: 4}
	if diff := cmp.Diff(want, last[run](t, cluster, election.ElectionTopic, election.LatestRunKey)); diff != "" {
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
	if !last[run](t, cluster, election.ElectionTopic, election.LatestRunKey).Began {
		t.Error("it is not kept that the run began")
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
	cluster, c := newElection(t)
	r := chosen(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	c.Partitions = 9 // is for a new run
	again := chosen(t, c, "a")
	if again.current.Run != 1 || again.current.Partitions != 4 || again.official != 1 {
		t.Errorf("it goes on with %+v, official is %d", again.current, again.official)
	}
	if got := status(t, cluster); got.State != "starting" || got.Counted["1"] != 4 {
		t.Errorf("the status is %+v; what was counted is still counted", got)
	}
}

func TestChangedQueryIsOfficialWhenItHasCaughtUp(t *testing.T) {
	cluster, c := newElection(t)
	cast(t, cluster)
	publishTotal(t, cluster, 1)
	r := chosen(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 3, 4)))

	r = chosen(t, c, "b")
	want := run{Run: 2, Query: r.query, Partitions: 4, CatchUp: map[string]int64{"0": 3, "1": 4}}
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
	wantHeld(t, cluster, "1/x", "2/x")

	done(t, r.report(t.Context(), batch(3, 3, 4)))
	if official(t, cluster) != 2 {
		t.Error("the run is not official when it has caught up")
	}
	wantHeld(t, cluster, "2/x")
}

func TestChangedAgainBeforeItCaughtUp(t *testing.T) {
	cluster, c := newElection(t)
	cast(t, cluster)
	done(t, chosen(t, c, "a").report(t.Context(), batch(0, 3, 4)))
	done(t, chosen(t, c, "b").report(t.Context(), batch(0, 1, 1)))
	r := chosen(t, c, "c")
	want := run{Run: 3, Query: r.query, Partitions: 4, CatchUp: map[string]int64{"0": 3, "1": 4}}
	if diff := cmp.Diff(want, r.current); diff != "" {
		t.Error(diff)
	}
}

// TestNextRunsBegin has a new run begin in the middle of another.
func TestNextRunsBegin(t *testing.T) {
	cluster, c := newElection(t)
	cast(t, cluster)
	publishTotal(t, cluster, 1)
	r := chosen(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 3, 4)))

	begin(t, r)
	if r.current.Run != 2 || r.official != 1 || r.current.CatchUp["1"] != 4 || status(t, cluster).Batch != -1 || len(status(t, cluster).Counted) > 0 {
		t.Fatalf("it goes on with %+v, %+v", r.current, status(t, cluster))
	}
	publishTotal(t, cluster, 2)
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	wantHeld(t, cluster, "2/x")

	begin(t, r)
	publishTotal(t, cluster, 3)
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	if official(t, cluster) != 3 {
		t.Error("the third run is not official")
	}
	wantHeld(t, cluster, "3/x")
}

// TestStatusOfThePredecessorIsNotTheRuns dies between the two records of a new run.
func TestStatusOfThePredecessorIsNotTheRuns(t *testing.T) {
	cluster, c := newElection(t)
	r := chosen(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.ElectionTopic, election.LatestRunKey, run{Run: 2, Query: r.query, Partitions: 4}))
	chosen(t, c, "a")
	if got := status(t, cluster); got.Run != 2 || got.Batch != -1 || len(got.Counted) > 0 {
		t.Errorf("the new run's status is %+v", got)
	}
}

func TestRecordsOfANewerRunAreNotDeleted(t *testing.T) {
	cluster, c := newElection(t)
	publishTotal(t, cluster, 1)
	publishTotal(t, cluster, 7)
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.PerCandidateTopic, "no run", 1))
	r := chosen(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 0, 0)))
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.PerCandidateTopic, Key: []byte("no run")})
	wantHeld(t, cluster, "1/x", "7/x")
}

// TestRunThatAnotherMadeOfficialIsCleanedUpAfter has another submit die after it has made a run official.
func TestRunThatAnotherMadeOfficialIsCleanedUpAfter(t *testing.T) {
	cluster, c := newElection(t)
	r := chosen(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 0, 0)))
	publishTotal(t, cluster, 1)
	publishTotal(t, cluster, 2)
	kafkatest.Produce(t, cluster,
		kafkatest.JSON(t, election.ElectionTopic, election.LatestRunKey, run{Run: 2, Query: r.query, Partitions: 4, Began: true}),
		kafkatest.JSON(t, election.ElectionTopic, election.OfficialRunKey, election.OfficialRun{Run: 2}))
	choose(t, r)
	done(t, r.report(t.Context(), batch(1, 0, 0)))
	wantHeld(t, cluster, "2/x")
}

// TestDeletedRecordsAreNotDeletedAgain promotes a second time, as each submit does that starts.
func TestDeletedRecordsAreNotDeletedAgain(t *testing.T) {
	cluster, c := newElection(t)
	publishTotal(t, cluster, 0)
	records := func() int { return len(kafkatest.Read(t, cluster, election.PerCandidateTopic, 0)) }
	done(t, chosen(t, c, "a").report(t.Context(), batch(0, 0, 0)))
	wantHeld(t, cluster)
	before := records()
	done(t, chosen(t, c, "a").report(t.Context(), batch(1, 1, 1)))
	if after := records(); after != before {
		t.Errorf("%d tombstones more", after-before)
	}
}

// TestNoteReplacesTheOneBefore has notes that say less than those before, and nothing.
func TestNoteReplacesTheOneBefore(t *testing.T) {
	cluster, c := newElection(t)
	r := chosen(t, c, "a")
	second := run{Run: 2, Query: "b"}
	kafkatest.Produce(t, cluster,
		kafkatest.JSON(t, election.ElectionTopic, election.LatestRunKey, run{Run: 1, Query: "a", Partitions: 9, Began: true, CatchUp: map[string]int64{"0": 7}, Session: sessionRef{ID: "x"}}),
		kafkatest.JSON(t, election.ElectionTopic, election.LatestRunKey, second),
		kafkatest.JSON(t, election.ElectionTopic, election.WantedKey, election.Wanted{Stopped: true}),
		&kgo.Record{Topic: election.ElectionTopic, Key: []byte(election.WantedKey)})
	done(t, r.readElectionTopic(t.Context()))
	if diff := cmp.Diff(second, r.inTopic.latest); diff != "" || r.inTopic.wanted.Stopped {
		t.Errorf("stopped: %t %s", r.inTopic.wanted.Stopped, diff)
	}
}

// TestElectionTopicThatIsMadeAgainIsReadFromItsStart deletes it while submit reads on.
func TestElectionTopicThatIsMadeAgainIsReadFromItsStart(t *testing.T) {
	cluster, c := newElection(t)
	r := chosen(t, c, "a")
	r.cl.Close()
	learnsSoon := kgo.MetadataMinAge(20 * time.Millisecond) // that it is another topic
	r.cl = kafkatest.NewClient(t, cluster, learnsSoon)
	done(t, r.readElectionTopic(t.Context()))
	cl := kafkatest.NewClient(t, cluster, learnsSoon)
	_, err := kadm.NewClient(cl).DeleteTopic(t.Context(), election.ElectionTopic)
	done(t, err)
	done(t, kafka.EnsureTopics(t.Context(), cl, election.Topics(2)))
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.ElectionTopic, election.WantedKey, election.Wanted{Stopped: true}))
	until(t, "it is read", func() bool { return r.readElectionTopic(t.Context()) == nil && r.inTopic.wanted.Stopped })
	if r.inTopic.latest.Run != 0 {
		t.Errorf("the latest run is %+v, of the topic before", r.inTopic.latest)
	}
}

func TestConfigNamesTheSettingThatIsWrong(t *testing.T) {
	good := Config{
		Checkpoints: "file:///var/lib/election", Partitions: 1,
		Remote: "sc://127.0.0.1:15002/;token=secret", Postgres: "postgres://election:secret@127.0.0.1:5432/election",
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for says, change := range map[string]func(*Config){
		`checkpoints is "/var/lib/election"`: func(c *Config) { c.Checkpoints = "/var/lib/election" },
		`checkpoints is ""`:                  func(c *Config) { c.Checkpoints = "" },
		`checkpoints is ":"`:                 func(c *Config) { c.Checkpoints = ":" },
		"state-partitions is 0":              func(c *Config) { c.Partitions = 0 },
		"remote is not":                      func(c *Config) { c.Remote = "127.0.0.1:15002" },
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

// TestWhoWokeUpPublishesNothing was stopped in the middle of things, while another submit took over and went on.
func TestWhoWokeUpPublishesNothing(t *testing.T) {
	cluster, c := newElection(t)
	cast(t, cluster)
	stopped := chosen(t, c, "a")
	done(t, stopped.report(t.Context(), batch(0, 1, 1)))
	successor := chosen(t, c, "changed")
	done(t, successor.report(t.Context(), batch(0, 3, 4)))
	if official(t, cluster) != 2 {
		t.Fatal("the successor's run is not official")
	}

	stopped.official = 0 // it is about to make its run official
	if err := stopped.promote(t.Context()); err == nil || official(t, cluster) != 2 {
		t.Errorf("official is run %d by one who was stopped: %v", official(t, cluster), err)
	}
	if err := stopped.note(t.Context(), election.LatestRunKey, stopped.current); err == nil {
		t.Error("one who was stopped keeps the accounts")
	}
	if got := last[run](t, cluster, election.ElectionTopic, election.LatestRunKey); got.Run != 2 {
		t.Errorf("the latest run is %+v", got)
	}
	done(t, successor.note(t.Context(), election.LatestRunKey, successor.current)) // it is not shut out
}

// TestWhoOpensTheAccountsShutsOutTheOneBefore has the one before write between what the other has read and what it writes first.
func TestWhoOpensTheAccountsShutsOutTheOneBefore(t *testing.T) {
	cluster, c := newElection(t)
	before := chosen(t, c, "a")
	after, err := newRunTracker(c, &election.Installation{Fingerprint: "a"})
	done(t, err)
	t.Cleanup(after.close)
	after.mayAct = func() error { return nil }
	done(t, after.open(t.Context()))
	if err := before.note(t.Context(), election.LatestRunKey, run{Run: 7}); err == nil {
		t.Error("the one before writes on")
	}
	if got := last[run](t, cluster, election.ElectionTopic, election.LatestRunKey); got.Run != 1 || after.current.Run != 1 {
		t.Errorf("the latest run is %d, and was read as %d", got.Run, after.current.Run)
	}
}

func TestWhoLostTheLockPublishesNothing(t *testing.T) {
	cluster, c := newElection(t)
	r := chosen(t, c, "a")
	r.mayAct = func() error { return lease.ErrLost }
	count := func() (n int) {
		for _, topic := range append(election.ResultTopics(), election.ElectionTopic, election.PipelineStatusTopic) {
			n += len(kafkatest.Read(t, cluster, topic, 0))
		}
		return n
	}
	publishTotal(t, cluster, 0) // of an older run: due to be deleted
	before := count()
	r.othersDeleted = false
	for what, do := range map[string]func() error{
		"report":  func() error { return r.report(t.Context(), batch(0, 3, 4)) },
		"fail":    func() error { return r.reportFailure(t.Context(), errors.New("away")) },
		"open":    func() error { return r.open(t.Context()) },
		"next":    func() error { return r.next(t.Context(), r.current.Run+1) },
		"promote": func() error { return r.promote(t.Context()) },
		"stop":    func() error { return r.reportStopped(t.Context()) },
		"settle":  func() error { return r.reportSettled(t.Context(), map[int32]int64{0: 3, 1: 4}) },
		"delete":  func() error { return r.deleteOthers(t.Context(), election.PerCandidateTopic) },
	} {
		if err := do(); !errors.Is(err, lease.ErrLost) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if after := count(); after != before {
		t.Errorf("%d records were published without the lock", after-before)
	}
}
