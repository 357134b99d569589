//go:build services

package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/postgres"
	"realtime-election/internal/scenario"
	"realtime-election/ledger"
	"realtime-election/local/localtest"
	"realtime-election/setup"
	"realtime-election/sparkjob"
)

func TestMain(m *testing.M) { localtest.Main(m) }

var seed = flag.Uint64("seed", rand.Uint64(), "of the random scenario; random by default")

// system is an election on real servers.
type system struct {
	kafka    kafka.Cluster
	database string
	log      *slog.Logger
	s        *scenario.Random
	ended    chan error // the error of a service that has ended
}

// TestThreeCountersAgreeOnARandomScenario lets the reference count, Spark and the ledger count what several producers send in
// transactions, and compares every total, every row and every reason.
func TestThreeCountersAgreeOnARandomScenario(t *testing.T) {
	t.Logf("again with: -seed %d", *seed)
	y := &system{
		kafka: localtest.Kafka(t), database: localtest.PostgreSQL(t), s: scenario.NewRandom(*seed, 1200), ended: make(chan error, 2),
		log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	y.empty(t)
	err := setup.Run(t.Context(), setup.Config{Kafka: y.kafka, Postgres: y.database, Definition: y.s.Definition, Partitions: y.s.Partitions, BallotKeyFingerprint: "of no key", Log: y.log})
	if err != nil {
		t.Fatal(err)
	}
	if y.s.Definition.Electorate != nil {
		kafkatest.PublishCommitments(t, y.kafka, y.s.Commitments())
	}
	remote := localtest.Spark(t)
	y.run(t, func(ctx context.Context) error {
		return ledger.Run(ctx, ledger.Config{Kafka: y.kafka, Postgres: y.database, Log: y.log})
	})
	y.run(t, func(ctx context.Context) error {
		return sparkjob.Run(ctx, sparkjob.Config{
			Kafka: y.kafka, Postgres: y.database, Remote: sparkjob.Remote{URL: remote}, Checkpoints: "file://" + t.TempDir(), StatePartitions: 2, Log: y.log,
		})
	})
	for round := range y.s.Rounds { // in the second round, query and ledger already know ballots
		began := time.Now()
		y.send(t, y.s.Rounds[round])
		sent := time.Now()
		y.until(t, "Spark has counted", inspect.Counted)
		y.until(t, "the ledger has stored", inspect.Stored)
		t.Logf("round %d was sent in %s, and counted in %s", round+1, sent.Sub(began), time.Since(sent))
		y.wantAgreement(t, round+1)
		if t.Failed() {
			t.FailNow()
		}
	}
}

// empty removes the election of an earlier test.
func (y *system) empty(t *testing.T) {
	t.Helper()
	cl, err := y.kafka.NewClient(kgo.MetadataMinAge(10 * time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	listed, err := admin.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteTopics(t.Context(), listed.Names()...); err != nil {
		t.Fatal(err)
	}
	y.until(t, "Kafka has deleted", func(ctx context.Context, _ kafka.Cluster) (bool, error) {
		listed, err := admin.ListTopics(ctx)
		return len(listed) == 0, err
	})
	conn, err := postgres.Connect(t.Context(), y.database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
		t.Fatal(err)
	}
}

// run runs a service until the test has ended.
func (y *system) run(t *testing.T, service func(context.Context) error) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		y.ended <- service(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
}

// send carries out the actions of the producers, in their order.
func (y *system) send(t *testing.T, actions []scenario.Action) {
	t.Helper()
	var clients [scenario.Producers]*kgo.Client
	for producer := range clients {
		options := []kgo.Opt{kgo.ProducerLinger(0)}
		if producer != 0 {
			options = append(options, kgo.TransactionalID(fmt.Sprint("random-", producer)))
		}
		cl, err := y.kafka.NewClient(options...)
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		clients[producer] = cl
	}
	var begun [scenario.Producers]bool
	for i := 0; i < len(actions); {
		producer := actions[i].Producer
		cl := clients[producer]
		if end := actions[i].End; end != scenario.None {
			if err := kafka.EndTransaction(t.Context(), cl, end == scenario.Commit); err != nil {
				t.Fatal(err)
			}
			begun[producer] = false
			i++
			continue
		}
		if producer != 0 && !begun[producer] {
			if err := cl.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			begun[producer] = true
		}
		var records []*kgo.Record // up to the next action of another producer or end
		for ; i < len(actions) && actions[i].Producer == producer && actions[i].End == scenario.None; i++ {
			r := actions[i].Record
			records = append(records, &kgo.Record{Topic: election.VotesTopic, Partition: r.Partition, Key: r.Key, Value: r.Value})
		}
		if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// until waits for something to become true.
func (y *system) until(t *testing.T, what string, holds func(context.Context, kafka.Cluster) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	for ticker := time.NewTicker(50 * time.Millisecond); ; {
		ok, err := holds(ctx, y.kafka)
		switch {
		case ok:
			return
		case err != nil:
			t.Fatalf("until %s all: %v", what, err)
		}
		select {
		case err := <-y.ended:
			t.Fatalf("a service ended before %s all: %v", what, err)
		case <-ticker.C:
		}
	}
}

// wantAgreement compares the three counters, and the records that were made with those in the topic.
func (y *system) wantAgreement(t *testing.T, rounds int) {
	t.Helper()
	made := make(map[int32][]scenario.Judged)
	for _, rec := range y.s.Committed(rounds) {
		made[rec.Partition] = append(made[rec.Partition], rec)
	}
	count := y.s.NewCount()
	votes, rejects := make(map[string]string), make(map[string]election.RejectedVote)
	for partition := range y.s.Partitions {
		position := 0
		err := y.kafka.Read(t.Context(), election.VotesTopic, partition, func(r *kgo.Record) error {
			rec := election.VoteRecord{Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value}
			reason := count.Add(rec)
			if position >= len(made[partition]) || !bytes.Equal(made[partition][position].Value, r.Value) || made[partition][position].Reason != reason {
				return fmt.Errorf("record %d of partition %d, at offset %d, is another than was made, or %q is wrong: %.300q", position, partition, r.Offset, reason, r.Value)
			}
			position++
			if reason == "" {
				votes[string(r.Key)] = string(r.Value)
			} else {
				rejects[fmt.Sprintf("%d:%d", r.Partition, r.Offset)] = election.RejectedVote{
					Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Reason: reason, Key: r.Key, Raw: r.Value,
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if position != len(made[partition]) {
			t.Errorf("partition %d holds %d of %d committed records", partition, position, len(made[partition]))
		}
	}
	t.Logf("after round %d: %d votes of %d records; rejected %v", rounds, count.Votes(), count.Records(), count.Rejected())
	if diff := cmp.Diff(count.Results(1), y.published(t)); diff != "" {
		t.Errorf("the reference count and Spark differ (-count +Spark): %.3000s", diff)
	}
	conn, err := postgres.Connect(t.Context(), y.database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if diff := cmp.Diff(votes, stored(t, conn)); diff != "" {
		t.Errorf("the reference count and the ledger's votes differ (-count +ledger): %.3000s", diff)
	}
	if diff := cmp.Diff(rejects, rejected(t, conn), asBytes); diff != "" {
		t.Errorf("the reference count and the ledger's rejects differ (-count +ledger): %.3000s", diff)
	}
}

// asBytes compares byte slices, and tells nil from an empty slice.
var asBytes = cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) })

// published are the results of the first run in the result topics.
func (y *system) published(t *testing.T) map[string]map[string]election.Result {
	t.Helper()
	results := make(map[string]map[string]election.Result)
	for _, topic := range election.ResultTopics() {
		results[topic] = make(map[string]election.Result)
		err := y.kafka.Read(t.Context(), topic, 0, func(r *kgo.Record) error {
			run, natural, ok := election.CutRun(string(r.Key))
			if !ok || run != 1 {
				return fmt.Errorf("%s holds the key %s", topic, r.Key)
			}
			var result election.Result
			err := json.Unmarshal(r.Value, &result)
			results[topic][natural] = result
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return results
}

// stored are the ledger's ballots, written as in the topic, by id.
func stored(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT replace(ballot_id::text, '-', ''), candidate_id, district_id, age_group, gender,
		to_char(voting_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') FROM votes`)
	if err != nil {
		t.Fatal(err)
	}
	votes := make(map[string]string)
	var id, candidate, district, age, gender, at string
	_, err = pgx.ForEachRow(rows, []any{&id, &candidate, &district, &age, &gender, &at}, func() error {
		votes[id] = string(election.AppendVote(nil, election.Vote{
			BallotID: []byte(id), CandidateID: []byte(candidate), DistrictID: []byte(district),
			AgeGroup: []byte(age), Gender: []byte(gender), VotingTime: []byte(at),
		}))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return votes
}

// rejected are the ledger's rejects, by partition and offset.
func rejected(t *testing.T, conn *pgx.Conn) map[string]election.RejectedVote {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT topic, partition, record_offset, reason, key, raw FROM rejected_votes")
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[election.RejectedVote])
	if err != nil {
		t.Fatal(err)
	}
	rejects := make(map[string]election.RejectedVote)
	for _, r := range all {
		rejects[fmt.Sprintf("%d:%d", r.Partition, r.Offset)] = r
	}
	return rejects
}
