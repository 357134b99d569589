//go:build services

package ledger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/postgres"
	"realtime-election/ledger"
	"realtime-election/local/localtest"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(asLedger); config != "" {
		os.Exit(runLedger(config))
	}
	localtest.Main(m)
}

const (
	partitions = 3
	password   = "correct horse"
	untilLimit = 30 * time.Second
)

// system is an election on a broker and a database of its own.
type system struct {
	cluster    *kfake.Cluster
	kafka      kafka.Cluster // where the ledger finds the records
	definition *election.Definition
	database   string    // URL of the ledger's role
	conn       *pgx.Conn // of the owner
	log        *journal
}

func newSystem(t *testing.T) *system {
	t.Helper()
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	d.Electorate = nil // ballots of nobody count
	s := &system{cluster: kafkatest.NewElection(t, d, partitions), definition: d, log: new(journal)}
	s.kafka = kafkatest.Cluster(t, s.cluster.ListenAddrs())
	s.prepare(t, localtest.PostgreSQL(t))
	return s
}

// prepare makes a database in a server, with the tables and the role that `election init` makes.
func (s *system) prepare(t *testing.T, server string) {
	t.Helper()
	admin, err := postgres.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	name := fmt.Sprintf("ledger_%d", time.Now().UnixNano())
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	if s.conn, err = postgres.Connect(t.Context(), u.String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.conn.Close(context.Background()) })
	if err := postgres.Migrate(t.Context(), s.conn); err != nil {
		t.Fatal(err)
	}
	if err := postgres.EnsureRoles(t.Context(), s.conn, map[postgres.Role]string{postgres.LedgerRole: password}); err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(string(postgres.LedgerRole), password)
	s.database = u.String()
}

func (s *system) config() ledger.Config {
	log := slog.New(slog.NewTextHandler(s.log, nil))
	cluster := s.kafka
	cluster.Log = log
	return ledger.Config{Kafka: cluster, Postgres: s.database, Log: log}
}

// start runs a ledger. stop ends it, and may be called again.
func (s *system) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- ledger.Run(ctx, s.config()) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the ledger ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// until waits for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), untilLimit)
	defer cancel()
	for ticker := time.NewTicker(25 * time.Millisecond); !ok(); {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func (s *system) status(t *testing.T) (status election.LedgerStatus) {
	t.Helper()
	if _, err := s.kafka.LatestJSON(t.Context(), election.LedgerStatusTopic, election.LedgerKey, &status); err != nil {
		t.Fatal(err)
	}
	return status
}

func (s *system) untilCaughtUp(t *testing.T) {
	t.Helper()
	until(t, "all is stored", func() bool {
		caughtUp, err := inspect.Stored(t.Context(), s.kafka)
		if err != nil {
			t.Fatal(err)
		}
		return caughtUp
	})
}

// rows is every row of a table, or query, as text.
func (s *system) rows(t *testing.T, from string) []string {
	t.Helper()
	rows, err := s.conn.Query(t.Context(), "SELECT to_jsonb(q)::text FROM "+from+" q ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// wantExact compares what is stored of votes_topic with the reference count, row by row, and votes_rejected with both.
func (s *system) wantExact(t *testing.T) {
	t.Helper()
	count := election.NewCount(s.definition, partitions)
	votes, rejected := make(map[string]string), make(map[string]election.RejectedVote)
	for partition := range int32(partitions) {
		for _, r := range kafkatest.Read(t, s.cluster, election.VotesTopic, partition) {
			reason := count.Add(election.VoteRecord{Partition: r.Partition, Offset: r.Offset, Key: r.Key, Value: r.Value})
			if reason == "" {
				votes[string(r.Key)] = string(r.Value)
				continue
			}
			rejected[fmt.Sprintf("%s:%d:%d", r.Topic, r.Partition, r.Offset)] = election.RejectedVote{
				Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Reason: reason, Key: r.Key, Raw: r.Value,
			}
		}
	}
	if diff := cmp.Diff(votes, s.storedVotes(t)); diff != "" {
		t.Errorf("votes (-want +got): %s", shortened(diff))
	}
	if diff := cmp.Diff(rejected, s.storedRejects(t, election.VotesTopic), asBytes); diff != "" {
		t.Errorf("rejected_votes (-want +got): %s", shortened(diff))
	}
	for key, want := range rejected { // the topic takes only so much
		want.Raw = want.Raw[:min(len(want.Raw), 512<<10)]
		rejected[key] = want
	}
	if diff := cmp.Diff(rejected, s.publishedRejects(t, election.VotesTopic), asBytes); diff != "" {
		t.Errorf("votes_rejected (-want +got): %s", shortened(diff))
	}
}

// asBytes compares bytes as a whole. A nil slice differs from an empty one.
var asBytes = cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) })

func shortened(text string) string { return text[:min(len(text), 3000)] }

func (s *system) storedVotes(t *testing.T) map[string]string {
	t.Helper()
	rows, err := s.conn.Query(t.Context(), `SELECT replace(ballot_id::text, '-', ''), candidate_id, district_id, age_group, gender,
		to_char(voting_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') FROM votes`)
	if err != nil {
		t.Fatal(err)
	}
	votes := make(map[string]string)
	var id, candidate, district, age, gender, at string
	if _, err := pgx.ForEachRow(rows, []any{&id, &candidate, &district, &age, &gender, &at}, func() error {
		votes[id] = fmt.Sprintf(`{"ballot_id":"%s","candidate_id":"%s","district_id":"%s","age_group":"%s","gender":"%s","voting_time":"%s"}`,
			id, candidate, district, age, gender, at)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return votes
}

func (s *system) storedRejects(t *testing.T, topic string) map[string]election.RejectedVote {
	t.Helper()
	rows, err := s.conn.Query(t.Context(), "SELECT topic, partition, record_offset, reason, key, raw FROM rejected_votes WHERE topic = $1", topic)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[election.RejectedVote])
	if err != nil {
		t.Fatal(err)
	}
	rejected := make(map[string]election.RejectedVote)
	for _, r := range all {
		rejected[fmt.Sprintf("%s:%d:%d", r.Topic, r.Partition, r.Offset)] = r
	}
	return rejected
}

// publishedRejects reads the rejects of a topic in votes_rejected. A key that is there twice fails the test.
func (s *system) publishedRejects(t *testing.T, topic string) map[string]election.RejectedVote {
	t.Helper()
	rejected := make(map[string]election.RejectedVote)
	for _, record := range kafkatest.Read(t, s.cluster, election.RejectedVotesTopic, 0) {
		var r election.RejectedVote
		if err := json.Unmarshal(record.Value, &r); err != nil {
			t.Fatal(err)
		}
		if r.Topic != topic {
			continue
		}
		if _, twice := rejected[string(record.Key)]; twice {
			t.Errorf("votes_rejected holds %s twice", record.Key)
		}
		rejected[string(record.Key)] = r
	}
	return rejected
}

// vote is a valid vote with a ballot id made from the number.
func (s *system) vote(n int) *kgo.Record {
	return s.voteFor(n, s.definition.Candidates[0].ID)
}

func (s *system) voteFor(n int, candidate election.CandidateID) *kgo.Record {
	districts := s.definition.Districts()
	id := fmt.Appendf(nil, "%08x%024x", uint32(n)*2654435761, n) // scattered
	return s.voteRecord(election.VoteRecord{
		Partition: election.Partition(id, partitions), Key: id,
		Value: election.AppendVote(nil, election.Vote{
			BallotID: id, CandidateID: []byte(candidate), DistrictID: []byte(districts[n%len(districts)].ID),
			AgeGroup: []byte("25-34"), Gender: []byte("female"),
			VotingTime: election.AppendTime(nil, s.definition.Polling.Opens.Add(time.Duration(n)*time.Millisecond)),
		}),
	})
}

func (s *system) voteRecord(v election.VoteRecord) *kgo.Record {
	return &kgo.Record{Topic: election.VotesTopic, Partition: v.Partition, Key: v.Key, Value: v.Value}
}

func (s *system) votes(from, to int) (records []*kgo.Record) {
	for n := from; n < to; n++ {
		records = append(records, s.vote(n))
	}
	return records
}

// voter is an entry of the register. change may be nil.
func (s *system) voter(t *testing.T, n int, change func(*election.Voter)) *kgo.Record {
	t.Helper()
	district := s.definition.Districts()[n%len(s.definition.Districts())]
	v := election.Voter{
		ID: election.VoterID(fmt.Sprintf("voter-%08x", uint32(n)*2654435761)), Name: "Zoë O'Neil", DateOfBirth: "1980-02-29", Gender: "female",
		Nationality: "NL", RegistrationNumber: fmt.Sprint(n), Address: election.Address{Street: "Street 1", City: "City", State: district.Region.Name, Country: "NL", Postcode: "1234 AB"},
		Email: "zoe@example.org", PhoneNumber: "1", CellNumber: "2", Picture: "/p.svg", RegisteredAge: 45, DistrictID: district.ID,
	}
	if change != nil {
		change(&v)
	}
	r := kafkatest.JSON(t, election.VotersTopic, string(v.ID), v)
	r.Partition = election.VoterPartition(district.ID, partitions)
	return r
}

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

func connect(t *testing.T, url string) (*pgx.Conn, error) {
	t.Helper()
	conn, err := postgres.Connect(t.Context(), url)
	if err == nil {
		t.Cleanup(func() { conn.Close(context.Background()) })
	}
	return conn, err
}
