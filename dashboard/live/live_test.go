package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/results"
)

var noon = time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC)

func numbered(version uint64, s *results.Snapshot) []byte {
	return fmt.Appendf(nil, "%d:%d", version, s.TotalVotes)
}

func newHub() *Hub { return NewHub(numbered, func() time.Time { return noon }) }

func TestSlowBrowserGetsTheNewest(t *testing.T) {
	hub := newHub()
	box := hub.Join()
	defer box.Leave()
	for n := range int64(100) {
		hub.Publish(&results.Snapshot{TotalVotes: n})
	}
	if u := <-box.Updates(); string(u.Event()) != "100:99" {
		t.Errorf("got %s, want the newest", u.Event())
	}
	select {
	case u := <-box.Updates():
		t.Errorf("got %s as well", u.Event())
	default:
	}
}

func TestBrowserThatJoinsLateGetsTheNewestAtOnce(t *testing.T) {
	hub := newHub()
	hub.Publish(&results.Snapshot{TotalVotes: 7})
	box := hub.Join()
	defer box.Leave()
	select {
	case u := <-box.Updates():
		if u.Snapshot.TotalVotes != 7 {
			t.Errorf("got %d", u.Snapshot.TotalVotes)
		}
	default:
		t.Error("the mailbox is empty")
	}
}

func TestUpdateIsEncodedOnceForAll(t *testing.T) {
	var encoded int
	hub := NewHub(func(uint64, *results.Snapshot) []byte { encoded++; return []byte("x") }, time.Now)
	boxes := []*Mailbox{hub.Join(), hub.Join(), hub.Join()}
	hub.Publish(&results.Snapshot{})
	hub.Publish(&results.Snapshot{})
	for _, box := range boxes {
		(<-box.Updates()).Event()
		box.Leave()
	}
	if encoded != 1 {
		t.Errorf("encoded %d times, want once, and not the version that nobody fetched", encoded)
	}
}

func TestManyBrowsersAllEndOnTheLast(t *testing.T) {
	hub := newHub()
	const last = 1000
	var readers sync.WaitGroup
	for range 20 {
		readers.Go(func() {
			box := hub.Join()
			defer box.Leave()
			var seen uint64
			for u := range box.Updates() {
				if u.Version < seen {
					t.Errorf("version %d after %d", u.Version, seen)
				}
				if seen = u.Version; seen == last {
					return
				}
			}
		})
	}
	for n := range int64(last) {
		hub.Publish(&results.Snapshot{TotalVotes: n})
	}
	readers.Wait()
	if n := hub.Viewers(); n != 0 {
		t.Errorf("%d mailboxes are left", n)
	}
}

func TestStatus(t *testing.T) {
	known := &election.Definition{ID: "e"}
	reported := func(state election.QueryState, ago time.Duration) *results.Snapshot {
		return &results.Snapshot{Definition: known, Query: &election.QueryStatus{State: state}, QueryAt: noon.Add(-ago)}
	}
	counting := func(newest, ago time.Duration) *results.Snapshot {
		s := reported("running", ago)
		s.NewestRecordAt = noon.Add(-newest)
		return s
	}
	uncounted := Backlog{Uncounted: true}
	waits := func(long time.Duration) Backlog { return Backlog{Uncounted: true, Since: noon.Add(-long)} }
	for name, test := range map[string]struct {
		snapshot *results.Snapshot
		backlog  Backlog
		want     Status
	}{
		"nothing read":           {nil, Backlog{}, Status{Waiting, "The results are being read.", -1}},
		"nothing read, no Kafka": {nil, Backlog{Unknown: noon.Add(-time.Minute)}, Status{Waiting, "Kafka does not answer. The count appears as soon as it does.", -1}},
		"no election":            {&results.Snapshot{}, Backlog{}, Status{Waiting, "No election has been announced yet.", -1}},
		"no vote":                {&results.Snapshot{Definition: known}, Backlog{}, Status{Live, "", -1}},
		"counting":               {counting(2*time.Second, time.Second), uncounted, Status{Live, "", 2 * time.Second}},
		"all counted long ago":   {counting(time.Hour, time.Hour), Backlog{}, Status{Live, "", time.Hour}},
		"silent for 10 s":        {reported("running", 10*time.Second), uncounted, Status{Live, "", -1}},
		"silent for longer":      {reported("running", 10001*time.Millisecond), uncounted, Status{Stale, "There are uncounted votes, and the count does not report.", -1}},
		"never started":          {&results.Snapshot{Definition: known}, uncounted, Status{Stale, "There are votes, but the count has not started.", -1}},
		"waiting for Spark":      {reported("waiting", time.Second), uncounted, Status{Stale, "There are uncounted votes. The count is waiting for Spark.", -1}},
		"failing":                {reported("failing", time.Second), uncounted, Status{Stale, "There are uncounted votes. The count is failing.", -1}},
		"waiting, all counted":   {reported("waiting", time.Second), Backlog{}, Status{Live, "The count is waiting for Spark.", -1}},
		"starting":               {reported("starting", time.Second), uncounted, Status{Live, "The count is starting.", -1}},
		"starting for 10 s":      {reported("starting", time.Second), waits(10 * time.Second), Status{Live, "The count is starting.", -1}},
		"starting for longer":    {reported("starting", time.Second), waits(10001 * time.Millisecond), Status{Stale, "There are uncounted votes. The count is starting.", -1}},
		"running for 10 s":       {reported("running", time.Second), waits(10 * time.Second), Status{Live, "", -1}},
		"running for longer":     {reported("running", time.Second), waits(10001 * time.Millisecond), Status{Stale, "There are uncounted votes, and the count does not progress.", -1}},
		"gone while waiting":     {reported("waiting", time.Minute), uncounted, Status{Stale, "There are uncounted votes, and the count was waiting for Spark when last heard of.", -1}},
		"Kafka just gone":        {&results.Snapshot{Definition: known}, Backlog{Unknown: noon.Add(-time.Second)}, Status{Live, "", -1}},
		"Kafka gone":             {&results.Snapshot{Definition: known}, Backlog{Unknown: noon.Add(-time.Minute)}, Status{Stale, "Kafka does not answer. This is the last count that was read.", -1}},
		"clock behind Kafka's":   {&results.Snapshot{Definition: known, NewestRecordAt: noon.Add(time.Second)}, Backlog{}, Status{Live, "", 0}},
	} {
		var c clock
		if test.snapshot != nil {
			c.report(noon, test.snapshot.QueryAt)
		}
		if got := statusOf(noon, c, test.snapshot, test.backlog, ""); got != test.want {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
	}
}

// TestClocksOfSeveralMachines lets Kafka's clock and submit's differ from the page's. Submit's clock must not matter.
func TestClocksOfSeveralMachines(t *testing.T) {
	for _, kafkas := range []time.Duration{0, -5 * time.Minute, -11 * time.Second, 11 * time.Second, 5 * time.Minute} {
		for _, submits := range []time.Duration{-5 * time.Minute, 0, 5 * time.Minute} {
			now := noon
			hub := NewHub(numbered, func() time.Time { return now })
			hub.SetBacklog(Backlog{Uncounted: true})
			report := func() {
				hub.Publish(&results.Snapshot{
					Definition: &election.Definition{}, Query: &election.QueryStatus{State: "running", UpdatedAt: now.Add(submits)},
					QueryAt: now.Add(kafkas), NewestRecordAt: now.Add(kafkas - 8*time.Second),
				})
			}
			state := func(after string, want State, age time.Duration) {
				t.Helper()
				if got := hub.Status(); got.State != want || age >= 0 && got.Age != age {
					t.Errorf("Kafka's clock %v, submit's %v, %s: got %+v, want %s of %v", kafkas, submits, after, got, want, age)
				}
			}
			report()
			first := Live
			if -kafkas > MaxSilence {
				first = Stale // it may be as old as it seems until the next report
			}
			state("the first report", first, -1)
			now = now.Add(3 * time.Second)
			report()
			state("the second report", Live, 8*time.Second)
			now = now.Add(MaxSilence)
			state("as long as it may be silent", Live, 18*time.Second)
			now = now.Add(time.Millisecond)
			hub.Publish(hub.Current().Snapshot) // totals come, a report does not
			state("silence", Stale, 18*time.Second+time.Millisecond)
		}
	}
}

// TestReportThatWasOldWhenItWasReadIsOld starts a dashboard that finds the last report of a submit that has died.
func TestReportThatWasOldWhenItWasReadIsOld(t *testing.T) {
	for old, stale := range map[time.Duration]time.Duration{
		8 * time.Second:  2 * time.Second,
		0:                MaxSilence,
		-5 * time.Minute: MaxSilence, // Kafka's clock is ahead: it may be new
	} {
		now := noon
		hub := NewHub(numbered, func() time.Time { return now })
		hub.SetBacklog(Backlog{Uncounted: true})
		hub.Publish(&results.Snapshot{Definition: &election.Definition{}, Query: &election.QueryStatus{State: "running"}, QueryAt: noon.Add(-old)})
		for after, want := range map[time.Duration]State{stale: Live, stale + time.Millisecond: Stale} {
			now = noon.Add(after)
			if got := hub.Status().State; got != want {
				t.Errorf("%v old when it was read, %v later: %s, want %s", old, after, got, want)
			}
		}
	}
}

// TestSlowDeliveryMakesVotesNoYounger checks that the time that a report takes from Kafka is no difference of clocks.
func TestSlowDeliveryMakesVotesNoYounger(t *testing.T) {
	now := noon
	hub := NewHub(numbered, func() time.Time { return now })
	for range 2 {
		now = now.Add(time.Second)
		hub.Publish(&results.Snapshot{
			Definition: &election.Definition{}, Query: &election.QueryStatus{State: "running"}, QueryAt: now.Add(-3 * time.Second), NewestRecordAt: now.Add(-4 * time.Second),
		})
	}
	if got := hub.Status().Age; got != 4*time.Second {
		t.Errorf("the newest vote is of %v ago, want 4s", got)
	}
}

// TestSilentKafkaIsReported checks since when the status says that Kafka is silent, also after an answer in between.
func TestSilentKafkaIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := NewHub(numbered, time.Now)
		hub.Publish(&results.Snapshot{Definition: &election.Definition{}})
		var away atomic.Bool
		away.Store(true)
		ends := func(context.Context) (map[int32]int64, error) {
			if away.Load() {
				return nil, errors.New("away")
			}
			return nil, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- hub.watchBacklog(ctx, ends, time.Second) }()
		later := func(d time.Duration, want State) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := hub.Status().State; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		later(MaxSilence, Live)
		later(time.Second, Stale)
		away.Store(false)
		later(time.Second, Live)
		away.Store(true)
		later(MaxSilence, Live)
		later(2*time.Second, Stale)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestVotesMayNotWaitWhileNothingIsCounted has a query that reports each second.
func TestVotesMayNotWaitWhileNothingIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := NewHub(numbered, time.Now)
		var end atomic.Int64
		var away atomic.Bool
		ends := func(context.Context) (map[int32]int64, error) {
			if away.Load() {
				return nil, errors.New("away")
			}
			return map[int32]int64{0: end.Load()}, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- hub.watchBacklog(ctx, ends, time.Second) }()
		lasts := func(what string, state election.QueryState, counted int64, d time.Duration, want State) {
			t.Helper()
			for range d / time.Second {
				hub.Publish(&results.Snapshot{
					Definition: &election.Definition{}, TotalVotes: counted, ByAge: []results.AgeVotes{{Votes: counted}}, QueryAt: time.Now(),
					Query: &election.QueryStatus{State: state, Counted: map[string]int64{"0": counted}},
				})
				time.Sleep(time.Second)
			}
			synctest.Wait()
			if got := hub.Status(); got.State != want {
				t.Errorf("%s: %+v, want %s", what, got, want)
			}
		}
		lasts("nothing is cast", "starting", 0, time.Minute, Live)
		end.Store(9)
		lasts("votes wait", "starting", 0, MaxSilence, Live)
		lasts("too long", "starting", 0, 3*time.Second, Stale)
		lasts("some are counted", "running", 4, 2*time.Second, Live)
		lasts("others wait", "running", 4, MaxSilence-2*time.Second, Live)
		lasts("these wait too long", "running", 4, 4*time.Second, Stale)
		away.Store(true)
		lasts("Kafka is away", "running", 4, 2*time.Second, Live)
		away.Store(false)
		lasts("Kafka is back", "running", 4, MaxSilence-2*time.Second, Live)
		lasts("all are counted", "running", 9, time.Minute, Live)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestBrowsersHearThatTheCountWentStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := NewHub(numbered, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- hub.Watch(ctx) }()
		hub.Publish(&results.Snapshot{
			Definition: &election.Definition{}, Query: &election.QueryStatus{State: "running"}, QueryAt: time.Now(),
		})
		hub.SetBacklog(Backlog{Uncounted: true})
		box := hub.Join()
		defer box.Leave()
		<-box.Updates() // the first
		begin := time.Now()
		<-box.Updates()
		if waited := time.Since(begin); waited < MaxSilence || waited > MaxSilence+2*time.Second {
			t.Errorf("delivered after %v", waited)
		}
		if status := hub.Status(); status.State != Stale {
			t.Errorf("got %+v", status)
		}
		select {
		case <-box.Updates():
			t.Error("the status is delivered again and again")
		case <-time.After(5 * time.Second):
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestBacklogComparesPositions(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, election.VotesTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	hub := newHub()
	uncounted := func(counted map[string]int64) bool {
		t.Helper()
		hub.Publish(&results.Snapshot{Query: &election.QueryStatus{Counted: counted}})
		ends, err := voteEnds(t.Context(), cl)
		if err != nil {
			t.Fatal(err)
		}
		return beyond(ends, hub.counted())
	}
	if uncounted(nil) {
		t.Error("an empty topic has uncounted votes")
	}
	for _, p := range []int32{0, 1, 1} {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: election.VotesTopic, Partition: p, Value: []byte("v")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		counted map[string]int64
		want    bool
	}{
		{nil, true},
		{map[string]int64{"0": 1}, true},
		{map[string]int64{"0": 1, "1": 1}, true},
		{map[string]int64{"0": 1, "1": 2}, false},
	} {
		if got := uncounted(test.counted); got != test.want {
			t.Errorf("counted %v: uncounted %v, want %v", test.counted, got, test.want)
		}
	}
}

func TestVotesOfAnOpenTransactionDoNotWait(t *testing.T) {
	cluster := kafkatest.NewElection(t, &election.Definition{ID: "e"}, 2)
	kafkatest.Begin(t, cluster, &kgo.Record{Topic: election.VotesTopic, Partition: 1, Value: []byte("v")})
	ends, err := voteEnds(t.Context(), kafkatest.NewClient(t, cluster))
	if err != nil || len(ends) != 2 {
		t.Fatalf("%v, %v", ends, err)
	}
	if beyond(ends, newHub().counted()) {
		t.Error("votes that may be aborted wait to be counted")
	}
}

// TestEndsAreThoseOfAllPartitions has a partition without a leader. Without its end the query seems to have counted beyond it.
func TestEndsAreThoseOfAllPartitions(t *testing.T) {
	cluster := kafkatest.NewCluster(t, kfake.SeedTopics(2, election.VotesTopic))
	cl := kafkatest.NewClient(t, cluster)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: election.VotesTopic, Partitions: []int32{1}, Err: kerr.UnknownServerError, Count: -1})
	if ends, err := voteEnds(t.Context(), cl); err == nil {
		t.Errorf("the ends are %v", ends)
	}
}

func TestTopicThatIsMissingHasNoEnds(t *testing.T) {
	cl := kafkatest.NewClient(t, kafkatest.NewCluster(t))
	if ends, err := voteEnds(t.Context(), cl); err != nil || len(ends) > 0 {
		t.Errorf("%v, %v", ends, err)
	}
}
