package sparkjob

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/grpc/codes"

	"realtime-election/election"
	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/spark"
)

// TestQueryThatFailsAgainIsFailing fails the query on the same micro-batch until its state is failing.
func TestQueryThatFailsAgainIsFailing(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	done(t, r.report(t.Context(), batch(7, 3, 4)))
	broken := fmt.Errorf("the query ended: %w", &spark.Error{Class: "STREAM_FAILED", Message: "a disk is full\n== Plan =="})
	again := func(cause error, state election.QueryState) {
		t.Helper()
		done(t, r.reportFailure(t.Context(), cause))
		if got := status(t, cluster); got.State != state || got.Counted["1"] != 4 {
			t.Errorf("after the failure the status is %+v, want %s", got, state)
		}
		beginOrResumeRun(t, r)
		done(t, r.report(t.Context(), nil))
	}
	again(broken, waiting)
	again(errors.New("Spark is away"), waiting) // says nothing about the query
	again(&spark.Error{Code: codes.Unavailable}, waiting)
	again(&spark.Error{Class: "INVALID_HANDLE.SESSION_CLOSED"}, waiting)
	again(&spark.Error{Class: "INVALID_HANDLE.OPERATION_ABANDONED"}, waiting)
	again(broken, waiting)
	again(broken, failing)
	if got := status(t, cluster); got.State != failing || got.Error != "the query failed 3 times in a row after micro-batch 7: the query ended: spark: [STREAM_FAILED] a disk is full" {
		t.Errorf("when it was started again the status is %+v", got)
	}
	again(errors.New("Spark is away"), failing)

	done(t, r.report(t.Context(), batch(8, 5, 5)))
	if got := status(t, cluster); got.State != running || got.Error != "" {
		t.Errorf("when it has counted on the status is %+v", got)
	}
	done(t, r.reportFailure(t.Context(), broken))
	if got := status(t, cluster); got.State != waiting {
		t.Errorf("after another failure the status is %+v", got)
	}
}

func TestQueryThatHasNothingLeftToCountIsNotFailing(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	r.failures = 2
	done(t, r.reportFailure(t.Context(), &spark.Error{Message: "no"}))
	if got := status(t, cluster); got.State != failing || !strings.Contains(got.Error, "3 times in a row before its first micro-batch") {
		t.Errorf("the status is %+v", got)
	}
	done(t, r.reportSettled(t.Context(), map[int32]int64{0: 0, 1: 0}))
	if got := status(t, cluster); got.State != running || r.failures != 0 {
		t.Errorf("the status is %+v", got)
	}
}

func TestUnchangedStatusIsPublishedNowAndThen(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	published := func() int { return len(kafkatest.Read(t, cluster, election.QueryStatusTopic, 0)) }
	for _, progress := range []*spark.Progress{nil, batch(0, 3, 4)} {
		done(t, r.report(t.Context(), progress))
		before := published()
		done(t, r.report(t.Context(), progress))
		if got := published(); got != before {
			t.Errorf("%d records more of an unchanged status", got-before)
		}
		r.published = time.Now().Add(-heartbeatEvery)
		done(t, r.report(t.Context(), progress))
		if got := published(); got != before+1 {
			t.Errorf("%d records more when the status had grown old, want 1", got-before)
		}
	}
}

// TestReportOfAClockThatIsAheadDelaysNone takes over from a submit whose clock is an hour ahead, with an unchanged status, and
// then sets the own clock back.
func TestReportOfAClockThatIsAheadDelaysNone(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	done(t, newStartedTracker(t, c, "a").report(t.Context(), batch(0, 3, 4)))
	ahead := status(t, cluster)
	ahead.UpdatedAt = time.Now().Add(time.Hour)
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.QueryStatusTopic, election.QueryKey, ahead))
	r := newStartedTracker(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	if got := status(t, cluster); got.State != running || got.UpdatedAt.After(time.Now()) || got.Counted["1"] != 4 {
		t.Errorf("the status is %+v", got)
	}
	r.status.UpdatedAt = time.Now().Add(time.Hour)
	r.published = time.Now().Add(-heartbeatEvery)
	before := len(kafkatest.Read(t, cluster, election.QueryStatusTopic, 0))
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	if got := len(kafkatest.Read(t, cluster, election.QueryStatusTopic, 0)); got != before+1 {
		t.Errorf("%d records more after the clock was set back, want 1", got-before)
	}
}

func TestFailureIsPublishedUntilABatchCommits(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	done(t, r.reportFailure(t.Context(), errors.New("Spark is away\n== Plan ==")))
	if got := status(t, cluster); got.State != "waiting" || got.Error != "Spark is away" || got.Counted["0"] != 3 {
		t.Errorf("after the failure the status is %+v", got)
	}
	beginOrResumeRun(t, r)
	done(t, r.report(t.Context(), nil))
	if got := status(t, cluster); got.State != "running" || got.Error != "Spark is away" {
		t.Errorf("before the next batch the status is %+v", got)
	}
	done(t, r.report(t.Context(), batch(1, 5, 5)))
	if got := status(t, cluster); got.Error != "" || got.Batch != 1 {
		t.Errorf("after it the status is %+v", got)
	}

	done(t, r.reportFailure(t.Context(), errors.New("Spark is away")))
	beginOrResumeRun(t, r)
	done(t, r.report(t.Context(), batch(1, 5, 5)))
	if got := status(t, cluster); got.State != "running" || got.Error != "" {
		t.Errorf("of a query that was adopted the status is %+v", got)
	}
	done(t, r.reportFailure(t.Context(), errors.New("Spark is away")))
	beginOrResumeRun(t, r)
	done(t, r.reportSettled(t.Context(), map[int32]int64{0: 5, 1: 5}))
	if got := status(t, cluster); got.State != "running" || got.Error != "" {
		t.Errorf("of a query that has counted all the status is %+v", got)
	}
}

func TestSettledQueryHasCountedAll(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	counted := func() bool {
		t.Helper()
		all, err := inspect.Counted(t.Context(), c.Kafka)
		done(t, err)
		return all
	}
	if counted() {
		t.Error("all is counted before the query has said so")
	}
	done(t, r.reportSettled(t.Context(), map[int32]int64{0: 0, 1: 0}))
	if !counted() || official(t, cluster) != 1 {
		t.Error("an empty topic is not counted")
	}
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotesTopic, Partition: 1, Value: []byte("vote")})
	if counted() {
		t.Error("all is counted before a record that came later is")
	}
	done(t, r.report(t.Context(), batch(0, 0, 1)))
	if !counted() {
		t.Error("not all is counted when the last record is")
	}
	open := kafkatest.Begin(t, cluster, &kgo.Record{Topic: election.VotesTopic, Partition: 1, Value: []byte("vote")})
	if counted() {
		t.Error("all is counted before a transaction is decided")
	}
	done(t, kafka.EndTransaction(t.Context(), open, kgo.TryCommit))
	done(t, r.report(t.Context(), batch(1, 0, 3)))
	if !counted() {
		t.Error("not all is counted when the transaction is")
	}
	newStartedTracker(t, c, "b")
	if counted() {
		t.Error("all is counted although the next run has counted nothing")
	}
	next := election.QueryStatus{Run: 2, State: "running", Counted: map[string]int64{"0": 0, "1": 3}}
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.QueryStatusTopic, election.QueryKey, next))
	if counted() {
		t.Error("all is counted although the next run is not official yet")
	}
}

// TestReportWithoutOffsetsTakesNothingBack reports progress as Spark does before a source has read anything.
func TestReportWithoutOffsetsTakesNothingBack(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	done(t, r.report(t.Context(), batch(0, 3, 4)))
	done(t, r.report(t.Context(), &spark.Progress{BatchID: 1, Sources: []spark.SourceProgress{{}}}))
	if got := status(t, cluster); got.Batch != 1 || got.Counted["0"] != 3 || got.Counted["1"] != 4 {
		t.Errorf("the status is %+v", got)
	}
}

// TestReportWithTheNumberOfTheBatchToComeIsNotTheBatch reports the progress of an idle query, and then that of its next batch.
func TestReportWithTheNumberOfTheBatchToComeIsNotTheBatch(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	for _, counted := range [][2]int64{{3, 4}, {5, 6}} {
		done(t, r.report(t.Context(), batch(1, counted[0], counted[1])))
		if got := status(t, cluster); got.Counted["0"] != counted[0] || got.Counted["1"] != counted[1] {
			t.Errorf("the status is %+v, want %v", got, counted)
		}
	}
}

func TestRatesThatJSONDoesNotKnowAreZero(t *testing.T) {
	t.Parallel()
	for rate, want := range map[spark.Rate]float64{spark.Rate(math.NaN()): 0, spark.Rate(math.Inf(1)): 0, 2.5: 2.5} {
		if got := finiteRate(rate); got != want {
			t.Errorf("%f is %f", rate, got)
		}
	}
}

func TestCountedOffsetsAreThoseOfTheVotes(t *testing.T) {
	t.Parallel()
	for text, want := range map[spark.Offset]map[string]int64{
		"":                                nil,
		`{"votes_topic":{"0":12,"10":0}}`: {"0": 12, "10": 0},
		`{"other":{"0":1}}`:               nil,
		`{"x":{"0":1},"votes_topic":{"1":5000000000}}`: {"1": 5_000_000_000},
	} {
		got, err := countedOffsets(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", text, err, diff)
		}
	}
	if _, err := countedOffsets("12"); err == nil {
		t.Error("a number is read as offsets")
	}
}

// TestTopicThatIsMadeAgainIsReportedTo deletes pipeline_status and creates it anew, as a person may who resets an election.
func TestTopicThatIsMadeAgainIsReportedTo(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	learnsSoon := kgo.MetadataMinAge(20 * time.Millisecond) // that it is another topic
	newSubmit(t, c, newScriptedSpark(t).URL(), "a", func(s *supervisor) { s.runs.writerOptions = []kgo.Opt{learnsSoon} }).runs(t, cluster)
	cl := kafkatest.NewClient(t, cluster, learnsSoon)
	_, err := kadm.NewClient(cl).DeleteTopic(t.Context(), election.QueryStatusTopic)
	done(t, err)
	done(t, kafka.EnsureTopics(t.Context(), cl, election.Topics(2)))
	until(t, "it is reported that the query runs", func() bool {
		return len(kafkatest.Read(t, cluster, election.QueryStatusTopic, 0)) > 0
	})
}

// TestEveryReportIsValid has an error that is too long to show, and a report of a run that was never reported before.
func TestEveryReportIsValid(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	r := newStartedTracker(t, c, "a")
	valid := func(want election.QueryState) {
		t.Helper()
		got := status(t, cluster)
		if err := got.Validate(); err != nil || got.State != want {
			t.Errorf("%v: the state is %q, want %q", err, got.State, want)
		}
	}
	long := &spark.Error{Class: "STREAM_FAILED", Message: strings.Repeat("ä", election.MostErrorBytes)}
	for range failuresBeforeFailing {
		done(t, r.reportFailure(t.Context(), long))
	}
	valid(failing)
	if got := status(t, cluster); !utf8.ValidString(got.Error) || strings.HasSuffix(got.Error, "\ufffd") || !strings.Contains(got.Error, "STREAM_FAILED") {
		t.Errorf("the error is %q", got.Error)
	}
	r.status = election.QueryStatus{} // as when a submit becomes active again that another has replaced
	done(t, r.announce(t.Context(), starting))
	valid(failing)
}
