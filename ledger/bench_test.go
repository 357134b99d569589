//go:build bench

package ledger_test

import (
	"context"
	"flag"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/postgres"
	"realtime-election/ledger"
	"realtime-election/local/localtest"
	"realtime-election/producer/generate"
)

var size = flag.Int64("size", 500_000, "voters, and votes, that are stored")

func TestMain(m *testing.M) {
	flag.Parse()
	localtest.Main(m)
}

// TestBenchLedger measures how fast a ledger stores a register, and then a vote of each voter, that Kafka holds
// already.
func TestBenchLedger(t *testing.T) {
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	d.Electorate = nil // ballots of nobody count
	if err := d.ScaleRegister(*size); err != nil {
		t.Fatal(err)
	}
	const partitions = 4
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	cluster := localtest.Kafka(t)
	cl, err := cluster.NewClient(kgo.MaxBufferedRecords(100_000))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := kafka.EnsureTopics(t.Context(), cl, election.Topics(partitions)); err != nil {
		t.Fatal(err)
	}
	record := kafkatest.JSON(t, election.ElectionTopic, election.DefinitionKey,
		election.Installation{Definition: *d, Fingerprint: d.Fingerprint(), VotePartitions: partitions})
	if err := cl.ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
	conn, err := postgres.Connect(t.Context(), localtest.PostgreSQL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := postgres.Migrate(t.Context(), conn); err != nil {
		t.Fatal(err)
	}

	voters := generate.NewVoters(d, 1)
	districts := d.Districts()
	measure(t, "voters", cl, cluster, log, func(n int64) *kgo.Record {
		line, district := voters.Append(nil, n)
		return &kgo.Record{
			Topic: election.VotersTopic, Partition: election.VoterPartition(districts[district].ID, partitions),
			Key: line[generate.VoterIDStart : generate.VoterIDStart+36], Value: line,
		}
	})
	key := election.BallotKey{1}
	measure(t, "votes", cl, cluster, log, func(n int64) *kgo.Record {
		line, district := voters.Append(nil, n)
		ballot, _ := key.Draw(election.VoterID(line[generate.VoterIDStart : generate.VoterIDStart+36]))
		id := []byte(ballot.String())
		value := election.AppendVote(nil, election.Vote{
			BallotID: id, CandidateID: []byte(d.Candidates[n%3].ID), DistrictID: []byte(districts[district].ID),
			AgeGroup: []byte("25-34"), Gender: []byte("female"),
			VotingTime: election.AppendTime(nil, d.Polling.Opens.Add(time.Duration(n)*time.Millisecond)),
		})
		return &kgo.Record{Topic: election.VotesTopic, Partition: election.Partition(id, partitions), Key: id, Value: value}
	})
	for _, table := range []string{"voters", "votes"} {
		var rows int64
		var bytes string
		if err := conn.QueryRow(t.Context(), "SELECT count(*), pg_size_pretty(pg_total_relation_size('"+table+"')) FROM "+table).Scan(&rows, &bytes); err != nil || rows != *size {
			t.Errorf("%d rows of %s are stored (%v), want %d", rows, table, err, *size)
		}
		t.Logf("%s: %d rows, %s", table, rows, bytes)
	}
}

// measure produces records, and then measures how fast a ledger stores them.
func measure(t *testing.T, what string, cl *kgo.Client, cluster kafka.Cluster, log *slog.Logger, record func(n int64) *kgo.Record) {
	t.Helper()
	failed := kgo.AbortingFirstErrPromise(cl)
	for n := range *size {
		cl.Produce(t.Context(), record(n), failed.Promise())
	}
	if err := failed.Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	began := time.Now()
	go func() {
		ended <- ledger.Run(ctx, ledger.Config{Kafka: cluster, Postgres: localtest.PostgreSQL(t), Log: log})
	}()
	for ticker := time.NewTicker(100 * time.Millisecond); ; <-ticker.C {
		caughtUp, err := inspect.Stored(t.Context(), cluster)
		if err != nil {
			t.Fatal(err)
		}
		if caughtUp {
			break
		}
	}
	took := time.Since(began)
	t.Logf("%d %s in %s: %.0f/s", *size, what, took.Round(time.Millisecond), float64(*size)/took.Seconds())
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
