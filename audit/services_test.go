//go:build services

package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/postgres"
	"realtime-election/local/localtest"
)

func TestMain(m *testing.M) { localtest.Main(m) }

// tables is an election whose votes, voters and rejects are stored, without any difference.
type tables struct {
	*fixture
	conn *pgx.Conn // of the owner
}

const registered = 40 // voters

func newTables(t *testing.T) *tables {
	t.Helper()
	early := cast(4, "ana", "N1")
	early.Value = []byte(strings.Replace(string(early.Value), "T12:34", "T06:59", 1))
	f := newFixture(t,
		cast(1, "ana", "N1"), cast(1, "ana", "N1"), cast(1, "bo", "N1"), early, cast(6, "unknown", "N1"), cast(7, "ana", "unknown"),
		&kgo.Record{Topic: election.VotesTopic}, &kgo.Record{Topic: election.VotesTopic, Key: []byte{}, Value: []byte{}},
		&kgo.Record{Topic: election.VotesTopic, Partition: 1, Key: []byte("x"), Value: []byte(strings.Repeat("long ", 130_000))})
	f.progress(t, election.CastProducer, 1, 1)
	f.publish(t)
	s := &tables{fixture: f, conn: newDatabase(t, f)}
	s.register(t)
	s.store(t)
	return s
}

func newDatabase(t *testing.T, f *fixture) *pgx.Conn {
	t.Helper()
	server := localtest.PostgreSQL(t)
	admin, err := postgres.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = fmt.Sprintf("/audit_%d", time.Now().UnixNano())
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+u.Path[1:]); err != nil {
		t.Fatal(err)
	}
	conn, err := postgres.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	if err := postgres.Migrate(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if err := postgres.EnsureRoles(t.Context(), conn, map[postgres.Role]string{postgres.ReaderRole: "reader"}); err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(string(postgres.ReaderRole), "reader")
	f.config.Postgres = u.String()
	return conn
}

// voter is an entry of the register.
func voter(t *testing.T, n int, district election.DistrictID, name string) *kgo.Record {
	t.Helper()
	v := election.Voter{
		ID: election.VoterID(fmt.Sprintf("voter-%d", n)), Name: name, DateOfBirth: "1970-01-01", Gender: "other", Nationality: "NL", RegistrationNumber: "R1",
		Address: election.Address{Street: "Street 1", City: "City", State: "State", Country: "Country", Postcode: "1234 AB"},
		Email:   "z@example.org", PhoneNumber: "1", CellNumber: "2", Picture: "/p.svg", RegisteredAge: 54, DistrictID: district,
	}
	return kafkatest.JSON(t, election.VotersTopic, string(v.ID), v)
}

// register writes voters, and records that are rejected, to voters_topic.
func (s *tables) register(t *testing.T) {
	t.Helper()
	var records []*kgo.Record
	for n := range registered {
		records = append(records, voter(t, n, "N1", "Zoë"))
	}
	kafkatest.Produce(t, s.cluster, append(records, voter(t, 0, "N1", "Zoë"), voter(t, 1, "N1", "Another"), voter(t, 100, "unknown", ""),
		&kgo.Record{Topic: election.VotersTopic, Key: []byte("voter-101"), Value: []byte("{}")})...)
}

func (s *tables) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	tag, err := s.conn.Exec(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	if tag.RowsAffected() == 0 {
		t.Fatalf("%s: no row", sql)
	}
}

// store stores the records of the topics, as the ledger must.
func (s *tables) store(t *testing.T) {
	t.Helper()
	count := election.NewCount(resultFile(t).Definition, partitions)
	var rejects []*kgo.Record
	reject := func(r *kgo.Record, reason election.Reason) {
		s.exec(t, "INSERT INTO rejected_votes VALUES ($1, $2, $3, $4, $5, $6)", r.Topic, r.Partition, r.Offset, string(reason), r.Key, r.Value)
		rejects = append(rejects, published(t, r, reason))
	}
	for partition := range int32(partitions) {
		for _, r := range kafkatest.Read(t, s.cluster, election.VotesTopic, partition) {
			if reason := count.Add(election.VoteRecord{Partition: r.Partition, Offset: r.Offset, Key: r.Key, Value: r.Value}); reason != "" {
				reject(r, reason)
				continue
			}
			var v map[string]string
			if err := json.Unmarshal(r.Value, &v); err != nil {
				t.Fatal(err)
			}
			s.exec(t, "INSERT INTO votes VALUES ($1::text::uuid, $2::text::timestamptz, $3, $4, $5, $6)",
				v["ballot_id"], v["voting_time"], v["candidate_id"], v["district_id"], v["age_group"], v["gender"])
		}
		for _, topic := range []string{election.VotesTopic, election.VotersTopic} {
			s.exec(t, "INSERT INTO ledger_offsets VALUES ($1, $2, $3, gen_random_uuid())", topic, partition, len(kafkatest.Read(t, s.cluster, topic, partition)))
		}
	}
	for i, r := range kafkatest.Read(t, s.cluster, election.VotersTopic, 0) {
		if i < registered {
			s.exec(t, "INSERT INTO voters VALUES ($1, '1970-01-01', 54, 'Zoë', 'other', 'NL', 'R1', 'Street 1', 'City', 'State', 'Country', '1234 AB', "+
				"'z@example.org', '1', '2', '/p.svg', 'N1')", string(r.Key))
			continue
		}
		reject(r, []election.Reason{election.Duplicate, election.Conflicting, election.UnknownDistrict, election.Malformed}[i-registered])
	}
	kafkatest.Produce(t, s.cluster, rejects...)
}

// published is the record of a reject in votes_rejected.
func published(t *testing.T, r *kgo.Record, reason election.Reason) *kgo.Record {
	t.Helper()
	return kafkatest.JSON(t, election.RejectedVotesTopic, fmt.Sprintf("%s:%d:%d", r.Topic, r.Partition, r.Offset), election.RejectedVote{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Reason: reason, Key: r.Key, Raw: r.Value[:min(len(r.Value), 512<<10)],
	})
}

func TestAuditOfAgreeingTables(t *testing.T) {
	s := newTables(t)
	printed, err := s.audit(t)
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "table votes 201 rows 201 rows agrees", "table rejected_votes 8 rows 8 rows agrees",
		"table voters 40 rows 40 rows agrees", "of them rejected 4 rows agrees", "votes_rejected 12 rejects 12 rejects agrees", "Everything agrees.")
	// A reject may be in the topic twice.
	kafkatest.Produce(t, s.cluster, kafkatest.Read(t, s.cluster, election.RejectedVotesTopic, 0)[3])
	if printed, err := s.audit(t); err != nil {
		t.Errorf("with a reject that is there twice: %v:\n%s", err, printed)
	}
}

// TestLockOfAnotherDoesNotHoldUpTheAudit has another role lock a table.
func TestLockOfAnotherDoesNotHoldUpTheAudit(t *testing.T) {
	s := newTables(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tx, err := s.conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(ctx, "LOCK TABLE rejected_votes IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	s.config.LockTimeout = 200 * time.Millisecond
	err = audit.Run(ctx, s.config)
	if err == nil || !strings.Contains(err.Error(), "another session has locked a table for 200ms") || !strings.Contains(err.Error(), "pg_blocking_pids") {
		t.Errorf("ended with %v", err)
	}
}

// TestAuditNamesWhatIsPlantedInTables plants one error at a time, and undoes it.
func TestAuditNamesWhatIsPlantedInTables(t *testing.T) {
	s := newTables(t)
	const one = `ballot_id = '00000000-0000-0000-0000-000000000001'`
	changed := func(column, value string) string {
		return "UPDATE votes SET " + column + " = " + value + " WHERE " + one
	}
	row := func(rest string) string { return `votes: row {"ballot_id":"00000000000000000000000000000001",` + rest }
	const isNot = " is not what votes_topic holds of the ballot"
	for sql, says := range map[string][]string{
		"DELETE FROM votes WHERE " + one: {
			"votes: ballot 00000000000000000000000000000001 is missing", "table votes 201 rows 200 rows DIFFERS (1)",
		},
		"INSERT INTO votes SELECT '00000000-0000-0000-0000-000000000002', voting_time, candidate_id, district_id, '', '' FROM votes WHERE " + one: {
			`votes: row {"ballot_id":"00000000000000000000000000000002","candidate_id":"ana"`, "must not be there: votes_topic has no such ballot that counts",
			"table votes 201 rows 202 rows DIFFERS (1)",
		},
		changed("candidate_id", "'bo'"):                                                                         {row(`"candidate_id":"bo"`), isNot, "table votes 201 rows 201 rows DIFFERS (1)"},
		changed("district_id", "'N2'"):                                                                          {row(`"candidate_id":"ana","district_id":"N2"`), isNot},
		changed("age_group", "'65+'"):                                                                           {isNot},
		changed("gender", "'other'"):                                                                            {isNot},
		changed("voting_time", "voting_time + interval '1 ms'"):                                                 {isNot},
		changed("voting_time", "voting_time + interval '1 us'"):                                                 {isNot},
		changed("ballot_id", "'00000000-0000-0000-0000-00000000000a'"):                                          {"votes: ballot 00000000000000000000000000000001 is missing", "DIFFERS (2)"},
		"DELETE FROM rejected_votes WHERE reason = 'unknown_candidate'":                                         {"is missing; it must be unknown_candidate", "table rejected_votes 8 rows 7 rows DIFFERS (1)"},
		"UPDATE rejected_votes SET reason = 'duplicate' WHERE reason = 'conflicting' AND topic = 'votes_topic'": {"is duplicate; it must be conflicting", "table rejected_votes 8 rows 8 rows DIFFERS (1)"},
		"UPDATE rejected_votes SET raw = raw || 'x' WHERE reason = 'unknown_candidate'":                         {"does not hold the record's key and value"},
		"UPDATE rejected_votes SET raw = '' WHERE raw IS NULL":                                                  {"does not hold the record's key and value"},
		"UPDATE rejected_votes SET key = NULL WHERE reason = 'unknown_candidate'":                               {"does not hold the record's key and value"},
		"INSERT INTO rejected_votes VALUES ('votes_topic', 2, 99999, 'malformed', '', '')":                      {"rejected_votes: votes_topic 2 offset 99999 must not be there, as malformed"},
		"DELETE FROM voters WHERE voter_id = 'voter-7'":                                                         {"voters: voter voter-7 is missing", "table voters 40 rows 39 rows DIFFERS (1)"},
		"UPDATE voters SET voter_id = 'voter-x' WHERE voter_id = 'voter-7'":                                     {"voters: voter voter-7 is missing", "voters: voter voter-x must not be there", "DIFFERS (2)"},
		"DELETE FROM rejected_votes WHERE topic = 'voters_topic' AND reason = 'malformed'":                      {"rejected_votes: voters_topic 0 offset 43 is missing; it must be malformed"},
		"DELETE FROM rejected_votes WHERE topic = 'voters_topic' AND reason = 'duplicate'":                      {"voters_topic 0 offset 40 is a further entry of a voter, and not rejected"},
		"UPDATE rejected_votes SET reason = 'malformed' WHERE topic = 'voters_topic' AND reason = 'duplicate'":  {"voters_topic 0 offset 40 is malformed; it must be stored"},
		"UPDATE rejected_votes SET key = 'x' WHERE topic = 'voters_topic' AND reason = 'unknown_district'":      {"rejected_votes: voters_topic 0 offset 42 does not hold the record's key and value", "of them rejected 4 rows DIFFERS (1)"},
		"UPDATE rejected_votes SET raw = 'x' WHERE topic = 'voters_topic' AND reason = 'duplicate'":             {"rejected_votes: voters_topic 0 offset 40 does not hold the record's key and value", "of them rejected 4 rows DIFFERS (1)"},
		"INSERT INTO rejected_votes VALUES ('voters_topic', 2, 7, 'malformed', '', '')":                         {"rejected_votes: voters_topic 2 offset 7 must not be there: the topic has no such record"},
		"UPDATE ledger_offsets SET next_offset = next_offset - 1 WHERE topic = 'votes_topic' AND partition = 1": {"The ledger is behind: it has stored votes_topic 1 up to offset", "Everything agrees."},
	} {
		t.Run(sql, func(t *testing.T) {
			tables := []string{"votes", "voters", "rejected_votes", "ledger_offsets"}
			for _, table := range tables {
				if _, err := s.conn.Exec(t.Context(), "CREATE TABLE kept_"+table+" AS SELECT * FROM "+table); err != nil {
					t.Fatal(err)
				}
			}
			defer func() {
				for _, table := range tables {
					if _, err := s.conn.Exec(t.Context(), "TRUNCATE "+table+"; INSERT INTO "+table+" SELECT * FROM kept_"+table+"; DROP TABLE kept_"+table); err != nil {
						t.Fatal(err)
					}
				}
			}()
			s.exec(t, sql)
			printed, err := s.audit(t)
			if agrees := says[len(says)-1] == "Everything agrees."; agrees != (err == nil) || err != nil && !errors.Is(err, audit.ErrDisagree) {
				t.Errorf("ended with %v", err)
			}
			wantSaid(t, printed, says...)
		})
	}
}

// TestAuditNamesEveryColumnOfAVoter changes one column of one voter at a time, and undoes it.
func TestAuditNamesEveryColumnOfAVoter(t *testing.T) {
	s := newTables(t)
	rows, err := s.conn.Query(t.Context(), "SELECT attname FROM pg_attribute WHERE attrelid = 'voters'::regclass AND attnum > 1")
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(columns) < 16 {
		t.Fatalf("voters has the columns %v (%v)", columns, err)
	}
	s.exec(t, "CREATE TABLE kept AS SELECT * FROM voters WHERE voter_id = 'voter-7'")
	for _, column := range columns {
		for _, value := range map[string][]string{"date_of_birth": {"date_of_birth + 1", "'infinity'"}, "registered_age": {"55"}}[column] {
			s.wantChangedVoter(t, column, value)
		}
		if column != "date_of_birth" && column != "registered_age" {
			s.wantChangedVoter(t, column, "'N2'")
		}
	}
}

func (s *tables) wantChangedVoter(t *testing.T, column, value string) {
	t.Helper()
	s.exec(t, "UPDATE voters SET "+column+" = "+value+" WHERE voter_id = 'voter-7'")
	printed, err := s.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("%s is %s: ended with %v", column, value, err)
	}
	wantSaid(t, printed, `voters: row {"voter_id":"voter-7",`, "is not what voters_topic holds of the voter", "table voters 40 rows 40 rows DIFFERS (1)")
	s.exec(t, "UPDATE voters SET "+column+" = (SELECT "+column+" FROM kept) WHERE voter_id = 'voter-7'")
}

func TestVoterRejectedAsACopyOfNobodyIsNamed(t *testing.T) {
	s := newTables(t)
	s.exec(t, "INSERT INTO rejected_votes SELECT 'voters_topic', 0, 7, 'duplicate', $1, $2", []byte("voter-7"), voter(t, 7, "N1", "Zoë").Value)
	s.exec(t, "DELETE FROM voters WHERE voter_id = 'voter-7'")
	printed, err := s.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "voters_topic 0 offset 7 is rejected as a copy, and so is every other entry of the voter")
}

func TestAuditNamesWhatVotesRejectedDoesNotHold(t *testing.T) {
	all := func(t *testing.T, s *tables) []*kgo.Record {
		return kafkatest.Read(t, s.cluster, election.RejectedVotesTopic, 0)
	}
	for name, c := range map[string]struct {
		plant func(t *testing.T, s *tables)
		says  string
	}{
		"nothing":              {func(t *testing.T, s *tables) { s.deleteRejects(t, 12) }, "votes_rejected 12 rejects 0 rejects DIFFERS (12)"},
		"the first is missing": {func(t *testing.T, s *tables) { s.deleteRejects(t, 1) }, "is missing; it must be"},
		"another reason": {func(t *testing.T, s *tables) {
			first := all(t, s)[0]
			var v election.RejectedVote
			if err := json.Unmarshal(first.Value, &v); err != nil {
				t.Fatal(err)
			}
			s.deleteRejects(t, 1)
			v.Reason = "whim"
			kafkatest.Produce(t, s.cluster, kafkatest.JSON(t, election.RejectedVotesTopic, string(first.Key), v))
		}, "is whim; it must be"},
		"two that contradict each other": {func(t *testing.T, s *tables) {
			first := all(t, s)[0]
			var v election.RejectedVote
			if err := json.Unmarshal(first.Value, &v); err != nil {
				t.Fatal(err)
			}
			v.Raw = []byte("other")
			kafkatest.Produce(t, s.cluster, kafkatest.JSON(t, election.RejectedVotesTopic, string(first.Key), v))
		}, "contradicts an earlier record of"},
		"one that is none": {func(t *testing.T, s *tables) {
			kafkatest.Produce(t, s.cluster, published(t, &kgo.Record{Topic: election.VotesTopic, Partition: 1, Offset: 7_777}, election.Malformed))
		}, "votes_rejected: votes_topic 1 offset 7777 must not be there, as malformed"},
		"another key": {func(t *testing.T, s *tables) {
			r := published(t, &kgo.Record{Topic: election.VotesTopic, Partition: 1}, election.Malformed)
			r.Key = []byte("k")
			kafkatest.Produce(t, s.cluster, r)
		}, `votes_rejected: offset 12 has the key "k", and is of votes_topic:1:0`},
		"no JSON": {func(t *testing.T, s *tables) {
			kafkatest.Produce(t, s.cluster, &kgo.Record{Topic: election.RejectedVotesTopic, Value: []byte("{")})
		}, "votes_rejected: offset 12 cannot be read: unexpected end of JSON input"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTables(t)
			c.plant(t, s)
			printed, err := s.audit(t)
			if !errors.Is(err, audit.ErrDisagree) {
				t.Errorf("ended with %v", err)
			}
			wantSaid(t, printed, c.says, "table rejected_votes 8 rows 8 rows agrees")
		})
	}
}

// deleteRejects deletes the first records of votes_rejected.
func (s *tables) deleteRejects(t *testing.T, n int64) {
	t.Helper()
	if err := s.cluster.DeleteRecords(election.RejectedVotesTopic, 0, n); err != nil {
		t.Fatal(err)
	}
}

func TestManyDifferencesOfAKindAreCounted(t *testing.T) {
	s := newTables(t)
	s.exec(t, "DELETE FROM votes")
	s.exec(t, "DELETE FROM voters")
	printed, err := s.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "votes: missing: and 181 more", "voters: missing: and 20 more", "table votes 201 rows 0 rows DIFFERS (201)")
	if n := strings.Count(printed, "votes: ballot "); n != 20 {
		t.Errorf("%d ballots are named, want 20", n)
	}
}

func TestPostgreSQLThatIsNotThereIsSaid(t *testing.T) {
	f := newPublished(t)
	f.config.Postgres = "postgres://reader:hunter2@127.0.0.1:1/election?connect_timeout=1"
	_, err := f.audit(t)
	if err == nil || errors.Is(err, audit.ErrDisagree) || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "connect to PostgreSQL") {
		t.Errorf("ended with %v", err)
	}
}
