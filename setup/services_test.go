//go:build services

package setup_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka"
	"realtime-election/internal/postgres"
	"realtime-election/local/localtest"
	"realtime-election/setup"
)

func TestMain(m *testing.M) { localtest.Main(m) }

// newSystem is empty servers, and the settings that prepare them for the default definition.
func newSystem(t *testing.T) (setup.Config, *kadm.Client, *pgx.Conn) {
	t.Helper()
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	c := setup.Config{
		Kafka: localtest.Kafka(t), Postgres: localtest.PostgreSQL(t), Definition: d, Partitions: 3,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	cl, err := c.Kafka.NewClient(kgo.MetadataMinAge(10 * time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	admin := kadm.NewClient(cl)
	deleteTopics(t, admin)
	conn, err := postgres.Connect(t.Context(), c.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
		t.Fatal(err)
	}
	return c, admin, conn
}

func deleteTopics(t *testing.T, admin *kadm.Client) {
	t.Helper()
	there, err := admin.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteTopics(t.Context(), there.Names()...); err != nil {
		t.Fatal(err)
	}
	for ticker := time.Tick(20 * time.Millisecond); len(there) > 0; <-ticker { // until every broker knows of the deletion
		if there, err = admin.ListTopics(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func prepare(t *testing.T, c setup.Config) {
	t.Helper()
	if err := setup.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// rows is the rows of a query as JSON.
func rows(t *testing.T, conn *pgx.Conn, query string) string {
	t.Helper()
	var text string
	if err := conn.QueryRow(t.Context(), "SELECT coalesce(json_agg(to_json(q)), '[]')::text FROM ("+query+") q").Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestInitPreparesEverythingAndMayRunAgain(t *testing.T) {
	c, admin, conn := newSystem(t)
	prepare(t, c)
	installation, err := c.Kafka.Election(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Definition, &installation.Definition); diff != "" || installation.VotePartitions != 3 || installation.Fingerprint != c.Definition.Fingerprint() {
		t.Errorf("the installation is of %d partitions, fingerprint %s: %s", installation.VotePartitions, installation.Fingerprint, diff)
	}
	state := func() [2]string {
		return [2]string{
			rows(t, conn, "SELECT * FROM candidates c, districts d JOIN regions r USING (region_id) ORDER BY candidate_id, district_id"),
			rows(t, conn, "SELECT * FROM schema_version"),
		}
	}
	before := state()
	other := c
	other.Partitions = 5
	if err := setup.Run(t.Context(), other); err == nil || !strings.Contains(err.Error(), "began with 3 partitions") {
		t.Errorf("with another number of partitions it ended with %v", err)
	}
	prepare(t, c)
	if diff := cmp.Diff(before, state()); diff != "" {
		t.Error("the second init changed the tables:", diff)
	}
	there, err := admin.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range election.Topics(3) {
		if got := len(there[topic.Name].Partitions); got != int(topic.Partitions) {
			t.Errorf("%s has %d partitions, want %d", topic.Name, got, topic.Partitions)
		}
	}
	installation, err = c.Kafka.Election(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if id := there[election.VotesTopic].ID.String(); installation.VotesTopicID != id {
		t.Errorf("the ballots' ids depend on the topic %q, want %q", installation.VotesTopicID, id)
	}
	ends, err := admin.ListEndOffsets(t.Context(), election.ElectionTopic)
	if err != nil {
		t.Fatal(err)
	}
	if end, _ := ends.Lookup(election.ElectionTopic, 0); end.Offset != 1 {
		t.Errorf("the election topic holds %d records, want 1", end.Offset)
	}
}

func TestTopicsHoldTheirSettings(t *testing.T) {
	c, admin, _ := newSystem(t)
	prepare(t, c)
	retention := "1000"
	if _, err := admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: "retention.ms", Value: &retention}}, election.VotesTopic); err != nil {
		t.Fatal(err)
	}
	prepare(t, c) // restores the setting
	for _, topic := range election.Topics(3) {
		described, err := admin.DescribeTopicConfigs(t.Context(), topic.Name)
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]string)
		for _, setting := range described[0].Configs {
			if _, wanted := topic.Settings[setting.Key]; wanted {
				got[setting.Key] = setting.MaybeValue()
			}
		}
		if diff := cmp.Diff(topic.Settings, got); diff != "" {
			t.Errorf("%s: %s", topic.Name, diff)
		}
	}
}

func TestTablesHoldTheDefinition(t *testing.T) {
	c, _, conn := newSystem(t)
	d := *c.Definition
	d.Regions = []election.Region{
		{ID: "north", Name: `North "quoted", é`, Districts: []election.District{{ID: "N-1", Name: "Hill", Registered: 10}, {ID: "N_2", Name: "Dale", Registered: 20}}},
		{ID: "south", Name: "South", Districts: []election.District{{ID: "3", Name: "Moor's"}}}, // its number of voters is not known
	}
	d.Candidates = []election.Candidate{
		{ID: "zoe", Name: "Zoë </script>", Party: "Red", Biography: "b\nb", Platform: "p\tp", Photo: "/portraits/zoe.svg"},
		{ID: "ana", Name: "Ana"}, // without votes
	}
	c.Definition = &d
	prepare(t, c)
	for query, want := range map[string]string{
		"SELECT * FROM regions ORDER BY region_id": `[{"region_id":"north","region_name":"North \"quoted\", é","registered_voters":30},
			{"region_id":"south","region_name":"South","registered_voters":null}]`,
		"SELECT * FROM districts ORDER BY district_id": `[
			{"district_id":"3","district_name":"Moor's","region_id":"south","registered_voters":null},
			{"district_id":"N-1","district_name":"Hill","region_id":"north","registered_voters":10},
			{"district_id":"N_2","district_name":"Dale","region_id":"north","registered_voters":20}]`,
		"SELECT * FROM candidates ORDER BY candidate_id": `[
			{"candidate_id":"ana","candidate_name":"Ana","party_affiliation":"","biography":"","campaign_platform":"","photo_url":""},
			{"candidate_id":"zoe","candidate_name":"Zoë </script>","party_affiliation":"Red","biography":"b\nb","campaign_platform":"p\tp","photo_url":"/portraits/zoe.svg"}]`,
	} {
		if diff := cmp.Diff(decode(t, want), decode(t, rows(t, conn, query))); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func decode(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func TestAnotherElectionLeavesTheFirstAlone(t *testing.T) {
	c, _, conn := newSystem(t)
	prepare(t, c)
	before := rows(t, conn, "SELECT * FROM candidates ORDER BY candidate_id")
	other := *c.Definition
	other.Candidates = other.Candidates[1:]
	c.Definition = &other
	err := setup.Run(t.Context(), c)
	var wrong *election.InputError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "already hold another election") {
		t.Errorf("ended with %v", err)
	}
	if after := rows(t, conn, "SELECT * FROM candidates ORDER BY candidate_id"); after != before {
		t.Error("the tables were changed all the same:", after)
	}
}

func TestTopicWithAnotherNumberOfPartitionsIsRefused(t *testing.T) {
	c, admin, _ := newSystem(t)
	if _, err := admin.CreateTopic(t.Context(), 7, 1, nil, election.VotesTopic); err != nil {
		t.Fatal(err)
	}
	err := setup.Run(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "topic votes_topic has 7 partitions where 3 are needed") {
		t.Errorf("ended with %v", err)
	}
	if _, err := c.Kafka.Election(t.Context()); !errors.Is(err, kafka.ErrNoElection) {
		t.Errorf("an election is there all the same: %v", err)
	}
}

// TestTablesOfAnotherElectionAreReplaced begins with tables whose topics are deleted, or were never made: init may have
// ended before it published the definition.
func TestTablesOfAnotherElectionAreReplaced(t *testing.T) {
	c, admin, conn := newSystem(t)
	prepare(t, c)
	deleteTopics(t, admin)
	other := *c.Definition
	other.Candidates = other.Candidates[1:]
	c.Definition = &other
	prepare(t, c)
	var candidates int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM candidates").Scan(&candidates); err != nil || candidates != len(other.Candidates) {
		t.Errorf("%d candidates (%v), want %d", candidates, err, len(other.Candidates))
	}
}

// TestReadOfRealLogs reads logs of a real Kafka, which a fake one may lay out in another way.
func TestReadOfRealLogs(t *testing.T) {
	c, _, _ := newSystem(t)
	topics, err := c.Kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer topics.Close()
	if err := kafka.EnsureTopics(t.Context(), topics, []election.Topic{{Name: "log", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	values := func() (values []string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err := c.Kafka.Read(ctx, "log", 0, func(r *kgo.Record) error {
			values = append(values, string(r.Value))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	transaction := func(id, value string, end kgo.TransactionEndTry) (finish func()) {
		t.Helper()
		cl, err := c.Kafka.NewClient(kgo.TransactionalID(id))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "log", Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := kafka.EndTransaction(t.Context(), cl, end); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff([]string(nil), values()); diff != "" {
		t.Error("empty:", diff)
	}
	transaction("a", "aborted", kgo.TryAbort)()
	if diff := cmp.Diff([]string(nil), values()); diff != "" {
		t.Error("aborted only:", diff)
	}
	transaction("b", "committed", kgo.TryCommit)()
	finish := transaction("c", "open", kgo.TryCommit)
	if diff := cmp.Diff([]string{"committed"}, values()); diff != "" {
		t.Error("with an open transaction:", diff)
	}
	finish()
	transaction("d", "aborted", kgo.TryAbort)()
	if diff := cmp.Diff([]string{"committed", "open"}, values()); diff != "" {
		t.Error("ending in an abort:", diff)
	}
}

func TestBallotKeyIsKept(t *testing.T) {
	c, _, _ := newSystem(t)
	c.BallotKeyFingerprint = "5ca1ab1e"
	prepare(t, c)
	prepare(t, c)
	installation, err := c.Kafka.Election(t.Context())
	if err != nil || installation.BallotKeyFingerprint != c.BallotKeyFingerprint {
		t.Errorf("the installation tells key %q (%v)", installation.BallotKeyFingerprint, err)
	}
	c.BallotKeyFingerprint = "decade"
	var wrong *election.InputError
	if err := setup.Run(t.Context(), c); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "5ca1ab1e, and the key given is decade") {
		t.Errorf("with another key: %v", err)
	}
}

func TestReplayHasNoBallotKey(t *testing.T) {
	c, _, _ := newSystem(t)
	replayed := *c.Definition
	replayed.Electorate = nil
	c.Definition, c.BallotKeyFingerprint = &replayed, "5ca1ab1e"
	prepare(t, c)
	c.BallotKeyFingerprint = "decade"
	prepare(t, c)
	installation, err := c.Kafka.Election(t.Context())
	if err != nil || installation.BallotKeyFingerprint != "" {
		t.Errorf("the installation tells key %q (%v)", installation.BallotKeyFingerprint, err)
	}
}

func TestVotesOfTopicsThatAreGoneAreNotTakenOver(t *testing.T) {
	c, admin, conn := newSystem(t)
	prepare(t, c)
	if _, err := conn.Exec(t.Context(), "INSERT INTO ledger_offsets VALUES ('votes_topic', 0, 7, gen_random_uuid())"); err != nil {
		t.Fatal(err)
	}
	prepare(t, c) // their topics exist
	deleteTopics(t, admin)
	var wrong *election.InputError
	if err := setup.Run(t.Context(), c); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "postgres is a database with voters or votes") {
		t.Errorf("ended with %v", err)
	}
	if _, err := c.Kafka.Election(t.Context()); !errors.Is(err, kafka.ErrNoElection) {
		t.Errorf("an election is there all the same: %v", err)
	}
}

func TestRolesGetTheirPasswords(t *testing.T) {
	c, _, _ := newSystem(t)
	c.Passwords = map[postgres.Role]string{postgres.SparkRole: "sesame"}
	prepare(t, c)
	u, err := url.Parse(c.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(string(postgres.SparkRole), "sesame")
	spark, err := postgres.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer spark.Close(t.Context())
	var candidates int
	if err := spark.QueryRow(t.Context(), "SELECT count(*) FROM candidates").Scan(&candidates); err != nil || candidates != len(c.Definition.Candidates) {
		t.Errorf("Spark reads %d candidates (%v), want %d", candidates, err, len(c.Definition.Candidates))
	}
}
