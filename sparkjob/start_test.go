package sparkjob

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/local/securedtest"
	"realtime-election/spark"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// TestQueryIsStartedWithWhatAnExactCountNeeds checks the requests to Spark. Other tests check their effect in a real Spark.
func TestQueryIsStartedWithWhatAnExactCountNeeds(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	c.Trigger = 3 * time.Second
	server := newScriptedSpark(t)
	newSubmit(t, c, server.URL(), "a").runs(t, cluster)

	views := make(map[string]*wire.Relation)
	var start *wire.WriteStreamOperationStart
	for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](server.Server) {
		command := request.GetPlan().GetCommand()
		if view := command.GetCreateDataframeView(); view != nil {
			views[view.GetName()] = view.GetInput()
		}
		if command.GetWriteStreamOperationStart() != nil {
			start = command.GetWriteStreamOperationStart()
		}
	}
	settings := make(map[string]string)
	for _, request := range sparktest.Sent[*wire.ConfigRequest](server.Server) {
		for _, pair := range request.GetOperation().GetSet().GetPairs() {
			settings[pair.GetKey()] = pair.GetValue()
		}
	}
	holds := func(what string, got, want map[string]string) {
		t.Helper()
		maps.DeleteFunc(got, func(key, _ string) bool { _, named := want[key]; return !named })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	holds("the session's settings", settings, map[string]string{
		"spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "4",
		"spark.sql.streaming.stateStore.providerClass": "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
	})
	votes := views["votes"].GetRead()
	if !votes.GetIsStreaming() || votes.GetDataSource().GetFormat() != "kafka" {
		t.Errorf("the votes are %v", votes)
	}
	holds("the source's options", votes.GetDataSource().GetOptions(), map[string]string{
		"subscribe": election.VotesTopic, "kafka.bootstrap.servers": c.Kafka.Brokers[0],
		"kafka.isolation.level": "read_committed", "startingOffsets": "earliest", "failOnDataLoss": "true",
	})
	if by := views["ballots"].GetDeduplicate(); !slices.Equal(by.GetColumnNames(), []string{"dedup_key"}) || by.GetWithinWatermark() {
		t.Errorf("copies are dropped by %v", by)
	}
	if start.GetFormat() != "kafka" || start.GetOutputMode() != "update" || start.GetQueryName() != election.QueryKey || start.GetProcessingTimeInterval() != "3000 milliseconds" {
		t.Errorf("the query is started as %v", start)
	}
	holds("the sink's options", start.GetOptions(), map[string]string{
		"kafka.bootstrap.servers": c.Kafka.Brokers[0], "checkpointLocation": c.Checkpoints + "/run-1",
	})
}

// TestQueryWaitsForTheRegister starts submit while the register is open, stops and starts the query, and closes the register.
func TestQueryWaitsForTheRegister(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	installation := &election.Installation{Fingerprint: "a", Definition: election.Definition{Electorate: &election.Electorate{}}}
	s := newSubmit(t, c, server.URL(), "a", func(s *supervisor) { s.register = c.Kafka.FollowRegister(t.Context(), installation) })
	reports := func(state election.QueryState) {
		t.Helper()
		until(t, "submit reports "+string(state), func() bool { return status(t, cluster).State == state })
	}
	reports(waiting)
	want := func(stopped bool) {
		kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.QueryControlTopic, election.WantedKey, election.Wanted{Stopped: stopped}))
	}
	want(true)
	reports(stopped)
	want(false)
	reports(waiting)
	server.set(func() {
		if server.started > 0 {
			t.Error("the query was started before it was known which ballots count")
		}
	})
	kafkatest.PublishCommitments(t, c.Kafka, election.NewCommitments("a", []election.Commitment{{1}}))
	s.runs(t, cluster)
	for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](server.Server) {
		view := request.GetPlan().GetCommand().GetCreateDataframeView()
		if view.GetName() != "register_in_kafka" {
			continue
		}
		options := view.GetInput().GetRead().GetDataSource().GetOptions()
		if options["endingOffsets"] != `{"ballot_commitments":{"0":1}}` || options["kafka.isolation.level"] != "read_committed" {
			t.Errorf("Spark reads the register by %v", options)
		}
		return
	}
	t.Error("Spark does not read the register")
}

// TestSubmitEndsWhereTheRegisterIsWrong has commitments that nobody can read.
func TestSubmitEndsWhereTheRegisterIsWrong(t *testing.T) {
	t.Parallel()
	_, c := newElection(t)
	server := newScriptedSpark(t)
	installation := &election.Installation{Fingerprint: "a", Definition: election.Definition{Electorate: &election.Electorate{}}}
	kafkatest.PublishCommitments(t, c.Kafka, election.NewCommitments("another", nil))
	s := newSubmit(t, c, server.URL(), "a", func(s *supervisor) { s.register = c.Kafka.FollowRegister(t.Context(), installation) })
	var wrong *election.InputError
	if err := s.end(t); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "those of another election") {
		t.Errorf("submit ended with %v", err)
	}
}

// TestEachStartHasAProducerOfItsOwn starts a query that fails. A producer in Spark keeps the certificates that it began with.
func TestEachStartHasAProducerOfItsOwn(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	server.queryError = "org.apache.kafka.common.errors.SslAuthenticationException: SSL handshake failed"
	newSubmit(t, c, server.URL(), "a")
	until(t, "the status says what to correct", func() bool { return strings.Contains(status(t, cluster).Error, "see spark-kafka-config") })
	clients := make(map[string]bool)
	until(t, "the query was started twice", func() bool {
		starts := 0
		for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](server.Server) {
			if start := request.GetPlan().GetCommand().GetWriteStreamOperationStart(); start != nil {
				starts++
				clients[start.GetOptions()["kafka.client.id"]] = true
			}
		}
		return starts > 1
	})
	if len(clients) < 2 || clients[""] {
		t.Errorf("the producers are those of %v", clients)
	}
}

// TestFingerprintCoversAllStartSettings changes one setting at a time. A changed password is no reason to start the query
// again.
func TestFingerprintCoversAllStartSettings(t *testing.T) {
	t.Parallel()
	of := func(change func(q *query, c *Config)) string {
		c := Config{Kafka: kafka.Cluster{Brokers: []string{"127.0.0.1:9092"}}, Checkpoints: "file:///checkpoints", Trigger: time.Second, Postgres: "postgres://e:s@db/election"}
		q := newQuery(4, 0, spark.ProcessingTime(c.Trigger))
		change(&q, &c)
		return q.fingerprint(c)
	}
	as := of(func(*query, *Config) {})
	security, err := kafka.ReadSecurity(securedtest.Properties(t, "security.protocol=SSL"))
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*query, *Config){
		"a setting":          func(q *query, _ *Config) { q.settings["spark.sql.session.timeZone"] = "CET" },
		"the source":         func(q *query, _ *Config) { q.source["kafka.isolation.level"] = "read_uncommitted" },
		"the sink":           func(q *query, _ *Config) { q.sink["kafka.linger.ms"] = "0" },
		"the trigger":        func(_ *query, c *Config) { c.Trigger = time.Minute },
		"the brokers":        func(_ *query, c *Config) { c.Kafka.Brokers = []string{"127.0.0.1:9093"} },
		"Kafka's login":      func(_ *query, c *Config) { c.Kafka.Security = security },
		"the checkpoints":    func(_ *query, c *Config) { c.Checkpoints = "file:///elsewhere" },
		"more than a broker": func(_ *query, c *Config) { c.Kafka.Brokers = append(c.Kafka.Brokers, "127.0.0.1:9093") },
	} {
		if of(change) == as {
			t.Errorf("%s makes no difference", what)
		}
	}
	if of(func(_ *query, c *Config) { c.Postgres = "postgres://e:changed@db/election" }) != as {
		t.Error("the password makes a difference")
	}
}

// TestQueryWithNothingLeftToCountIsSettled starts a query when all is counted: Spark reports no progress then.
func TestQueryWithNothingLeftToCountIsSettled(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	cast(t, cluster)
	server := newScriptedSpark(t)
	server.idle = true
	counted := func() bool {
		all, err := inspect.Counted(t.Context(), c.Kafka)
		done(t, err)
		return all
	}
	newSubmit(t, c, server.URL(), "a").runs(t, cluster)
	until(t, "all is counted", counted)
	kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotesTopic, Value: []byte("vote")})
	if counted() {
		t.Error("a record that came later is counted without a report")
	}
	if asked := processed(server); asked != 1 {
		t.Errorf("the query was asked %d times to process all that is available", asked)
	}
}

// TestUndecidedVotesAreNotSettled leaves a transaction open while the query processes all that is available.
func TestUndecidedVotesAreNotSettled(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	cast(t, cluster)
	open := kafkatest.Begin(t, cluster, &kgo.Record{Topic: election.VotesTopic, Value: []byte("vote")})
	server := newScriptedSpark(t)
	server.idle = true
	newSubmit(t, c, server.URL(), "a").runs(t, cluster)
	until(t, "the query is settled", func() bool { return status(t, cluster).Counted != nil })
	ends, err := kafka.StableEnds(t.Context(), open, election.VotesTopic)
	done(t, err)
	if diff := cmp.Diff(jsonOffsets(ends), status(t, cluster).Counted); diff != "" {
		t.Error(diff)
	}
}

// TestQueryThatCountsIsNotAskedToSettle runs a query that does not wait for data.
func TestQueryThatCountsIsNotAskedToSettle(t *testing.T) {
	t.Parallel()
	cluster, c := newElection(t)
	server := newScriptedSpark(t)
	newSubmit(t, c, server.URL(), "a").runs(t, cluster)
	statusRequests := func() (n int) {
		for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](server.Server) {
			if request.GetPlan().GetCommand().GetStreamingQueryCommand().GetStatus() {
				n++
			}
		}
		return n
	}
	until(t, "the query was asked for its status twice", func() bool { return statusRequests() > 2 })
	if asked := processed(server); asked != 0 || status(t, cluster).Counted != nil {
		t.Errorf("the query was asked %d times to process all that is available, and the status is %+v", asked, status(t, cluster))
	}
}

// processed is how often a query was asked to process all that is available.
func processed(s *scriptedSpark) (n int) {
	for _, request := range sparktest.Sent[*wire.ExecutePlanRequest](s.Server) {
		if request.GetPlan().GetCommand().GetStreamingQueryCommand().GetProcessAllAvailable() {
			n++
		}
	}
	return n
}
