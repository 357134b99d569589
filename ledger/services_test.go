//go:build services

package ledger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/scenario"
)

func TestEveryRecordIsStoredOrRejected(t *testing.T) {
	s := newSystem(t)
	records := s.votes(0, 100)
	for _, h := range scenario.Hostiles(s.definition, partitions, 2) {
		records = append(records, s.voteRecord(h.VoteRecord))
	}
	kafkatest.Produce(t, s.cluster, append(records, s.votes(100, 150)...)...)
	s.start(t)
	s.untilCaughtUp(t)
	s.wantExact(t)
	reasons := s.rows(t, "(SELECT DISTINCT reason FROM rejected_votes)")
	if want := len(election.Reasons()) - 1; len(reasons) != want { // unregistered needs a register; internal/scenario has one
		t.Errorf("the reasons are %v, want all %d", reasons, want)
	}
	status := s.status(t)
	if int(status.Votes) != len(s.rows(t, "votes")) || int(status.Rejected) != len(s.rows(t, "rejected_votes")) || status.State != "running" {
		t.Errorf("it reports %+v", status)
	}
}

func TestVotersAreStoredOrRejected(t *testing.T) {
	s := newSystem(t)
	good := s.voter(t, 1, nil)
	with := func(change func(r *kgo.Record)) *kgo.Record {
		r := *s.voter(t, 2, nil)
		change(&r)
		return &r
	}
	replaced := func(old, text string) *kgo.Record {
		return with(func(r *kgo.Record) {
			value := strings.Replace(string(r.Value), old, text, 1)
			if value == string(r.Value) {
				t.Fatalf("%s has no %s", value, old)
			}
			r.Value = []byte(value)
		})
	}
	malformed := []*kgo.Record{
		with(func(r *kgo.Record) { r.Key = nil }),
		with(func(r *kgo.Record) { r.Value = nil }),
		with(func(r *kgo.Record) { r.Value = []byte{} }),
		with(func(r *kgo.Record) { r.Key = []byte("another") }),
		with(func(r *kgo.Record) { r.Value = append(slices.Clone(r.Value), " {}"...) }),
		with(func(r *kgo.Record) { r.Value = slices.Repeat([]byte{0}, 1_000_000) }),
		replaced("1980-02-29", "1981-02-29"),
		replaced("1980-02-29", "infinity"),
		replaced(`"Street 1"`, `7`),
		replaced(`Street 1`, `Street\u0000 1`),
		replaced(`Street 1`, "Street \xff"),
		replaced(`Street 1`, strings.Repeat("x", 1001)),
		replaced(`"registered_age":45`, `"registered_age":9999999999`),
		replaced(`"registered_age":45`, `"registered_age":-1`),
		replaced(`"registered_age":45`, `"registered_age":4.5`),
		replaced(`"voter_name"`, `"vote"`),
		replaced(`"voter_name"`, `"VOTER_NAME"`),
		replaced(`"voter_name"`, `"voter_name":"Twice","voter_name"`),
		replaced(`"gender":"female",`, ``),
		replaced(`:`, `: `),
		s.voter(t, 3, func(v *election.Voter) { v.ID = election.VoterID(strings.Repeat("x", 3000)) }),
		s.voter(t, 3, func(v *election.Voter) { v.ID = "" }),
		s.voter(t, 3, func(v *election.Voter) { v.ID = "a\x00b" }),
	}
	unknown := s.voter(t, 4, func(v *election.Voter) { v.DistrictID = "nowhere" })
	duplicate := s.voter(t, 1, nil)
	conflicting := s.voter(t, 1, func(v *election.Voter) { v.Name = "Another" })
	last := s.voter(t, 5, nil)

	records := append([]*kgo.Record{good}, malformed...)
	records = append(records, unknown, duplicate, conflicting)
	want := make(map[string]int)
	want["malformed"], want["unknown_district"], want["duplicate"], want["conflicting"] = len(malformed), 1, 1, 1
	kafkatest.Produce(t, s.cluster, append(records, last)...)
	s.start(t)
	s.untilCaughtUp(t)

	kafkatest.Produce(t, s.cluster, s.voter(t, 5, nil), s.voter(t, 1, func(v *election.Voter) { v.RegisteredAge++ }))
	want["duplicate"]++
	want["conflicting"]++
	s.untilCaughtUp(t)

	got := make(map[string]int)
	rejects := s.storedRejects(t, election.VotersTopic)
	for _, r := range rejects {
		got[string(r.Reason)]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rejected (-want +got): %s", diff)
	}
	for key, r := range rejects {
		r.Raw = r.Raw[:min(len(r.Raw), 512<<10)]
		rejects[key] = r
	}
	if diff := cmp.Diff(rejects, s.publishedRejects(t, election.VotersTopic), asBytes); diff != "" {
		t.Errorf("votes_rejected is not rejected_votes: %s", shortened(diff))
	}
	voters := s.rows(t, "voters")
	first := s.definition.Districts()[1].ID
	wantFirst := `{"email": "zoe@example.org", "gender": "female", "picture": "/p.svg", "voter_id": "` + string(good.Key) + `", "voter_name": "Zoë O'Neil", "cell_number": "2", ` +
		`"district_id": "` + string(first) + `", "nationality": "NL", "address_city": "City", "phone_number": "1", "address_state": "` + s.definition.Districts()[1].Region.Name +
		`", "date_of_birth": "1980-02-29", "address_street": "Street 1", "registered_age": 45, "address_country": "NL", "address_postcode": "1234 AB", "registration_number": "1"}`
	if len(voters) != 2 || !slices.Contains(voters, wantFirst) {
		t.Errorf("the voters are %s\nwant two, and among them %s", voters, wantFirst)
	}
}

// TestAuditAgrees audits what the ledger stores of hostile records. Ledger and auditor judge a vote by the same rules,
// those of package election, and share nothing else.
func TestAuditAgrees(t *testing.T) {
	s := newSystem(t)
	var records []*kgo.Record
	for n := range 300 {
		records = append(records, s.voter(t, n, nil))
	}
	records = append(records, s.voter(t, 1, nil), s.voter(t, 2, func(v *election.Voter) { v.Name = "Another" }),
		s.voter(t, 400, func(v *election.Voter) { v.Name = "\x00" }), s.voter(t, 401, func(v *election.Voter) { v.DistrictID = "nowhere" }),
		&kgo.Record{Topic: election.VotersTopic, Value: []byte("{}")})
	for _, h := range scenario.Hostiles(s.definition, partitions, 2) {
		records = append(records, s.voteRecord(h.VoteRecord))
	}
	kafkatest.Produce(t, s.cluster, append(records, s.votes(0, 200)...)...)
	s.start(t)
	s.untilCaughtUp(t)
	var printed strings.Builder
	err := audit.Run(t.Context(), audit.Config{
		Kafka: s.kafka, Postgres: s.conn.Config().ConnString(), Expect: -1, Out: &printed, Log: kafkatest.Log(t),
	})
	if !errors.Is(err, audit.ErrDisagree) { // there are no result topics here
		t.Errorf("ended with %v", err)
	}
	for _, row := range []string{"table votes ", "table rejected_votes ", "table voters ", "  of them rejected ", "votes_rejected "} {
		_, after, found := strings.Cut(printed.String(), "\n"+row)
		if line, _, _ := strings.Cut(after, "\n"); !found || !strings.HasSuffix(line, "agrees") {
			t.Errorf("%s does not agree:\n%s", row, printed.String())
		}
	}
}

// TestFirstCopyIsStored sends copies within one batch, and copies of ballots that an earlier batch stored.
func TestFirstCopyIsStored(t *testing.T) {
	s := newSystem(t)
	one, other := s.definition.Candidates[0].ID, s.definition.Candidates[1].ID
	kafkatest.Produce(t, s.cluster, s.voteFor(1, one), s.voteFor(1, other), s.voteFor(1, one), s.voteFor(2, other), s.voteFor(2, one), s.vote(3))
	stop := s.start(t)
	s.untilCaughtUp(t)
	s.wantExact(t)
	kafkatest.Produce(t, s.cluster, s.voteFor(1, one), s.voteFor(2, one), s.voteFor(4, other), s.voteFor(4, one), s.voteFor(4, other))
	s.untilCaughtUp(t)
	s.wantExact(t)
	stop()
	kafkatest.Produce(t, s.cluster, s.voteFor(2, other), s.voteFor(4, other))
	s.start(t)
	s.untilCaughtUp(t)
	s.wantExact(t)
	if got := len(s.rows(t, "votes")); got != 4 {
		t.Errorf("%d votes are stored, want 4", got)
	}
}

func TestRowsLieInTheOrderOfTheirIDs(t *testing.T) {
	s := newSystem(t)
	var voters []*kgo.Record
	for n := range 500 {
		voters = append(voters, s.voter(t, n, nil))
	}
	kafkatest.Produce(t, s.cluster, append(voters, s.votes(0, 500)...)...)
	s.start(t)
	s.untilCaughtUp(t)
	// The rows of one transaction lie one after another in the table.
	const query = `(SELECT 1 FROM (SELECT %[1]s AS id, lag(%[1]s) OVER (PARTITION BY xmin::text ORDER BY ctid) AS before FROM %[2]s) o WHERE id < before)`
	for table, id := range map[string]string{"votes": "ballot_id", "voters": "voter_id"} {
		if wrong := s.rows(t, fmt.Sprintf(query, id, table)); len(wrong) > 0 {
			t.Errorf("%d rows of %s lie behind one with a greater id", len(wrong), table)
		}
	}
	if shared := s.rows(t, "(SELECT 1 FROM votes WHERE xmin::text IN (SELECT xmin::text FROM voters))"); len(shared) > 0 {
		t.Error("a transaction stored voters and votes")
	}
}

// TestEndsAreReachedOverMarkers ends topics in transactions, committed and aborted, whose markers are no records.
func TestEndsAreReachedOverMarkers(t *testing.T) {
	s := newSystem(t)
	kafkatest.ProduceInTransaction(t, s.cluster, kgo.TryCommit, s.votes(0, 20)...)
	kafkatest.ProduceInTransaction(t, s.cluster, kgo.TryAbort, s.votes(20, 40)...)
	s.start(t)
	s.untilCaughtUp(t)
	s.wantExact(t)
	kafkatest.ProduceInTransaction(t, s.cluster, kgo.TryAbort, s.votes(40, 60)...)
	s.untilCaughtUp(t)
	s.wantExact(t)
	open := kafkatest.Begin(t, s.cluster, s.votes(60, 80)...)
	if err := kafka.EndTransaction(t.Context(), open, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	s.untilCaughtUp(t)
	s.wantExact(t)
	if got := len(s.rows(t, "votes")); got != 40 {
		t.Errorf("%d votes are stored, want 40", got)
	}
}

// TestStoppedAnywhereGoesOn stops the ledger, or breaks its connection, at whatever it is doing.
func TestStoppedAnywhereGoesOn(t *testing.T) {
	s := newSystem(t)
	hostile := slices.DeleteFunc(scenario.Hostiles(s.definition, partitions, 12), func(h scenario.Hostile) bool {
		return len(h.Value) > 100_000 // these only take time here
	})
	stop := s.start(t)
	for round := range 12 {
		records := s.votes(round*1000, (round+1)*1000)
		for i := round; i < len(hostile); i += 12 {
			records = append(records, s.voteRecord(hostile[i].VoteRecord))
		}
		kafkatest.Produce(t, s.cluster, append(records, s.votes(round*1000, round*1000+10)...)...)
		if round%3 == 2 {
			stop()
			stop = s.start(t)
		} else if _, err := s.conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'election_ledger' AND datname = current_database()"); err != nil {
			t.Fatal(err)
		}
	}
	s.untilCaughtUp(t)
	s.wantExact(t)
}

// TestTopicMadeAnewIsRefused makes topics of the same names, with fewer records than are stored, and with more.
func TestTopicMadeAnewIsRefused(t *testing.T) {
	for name, records := range map[string]int{"shorter": 5, "longer": 200} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t)
			stop := s.start(t)
			kafkatest.Produce(t, s.cluster, s.votes(0, 50)...)
			s.untilCaughtUp(t)
			stop()
			s.cluster = kafkatest.NewElection(t, s.definition, partitions)
			s.kafka = kafkatest.Cluster(t, s.cluster.ListenAddrs())
			kafkatest.Produce(t, s.cluster, s.votes(50, 50+records)...)
			s.start(t)
			until(t, "it says so", func() bool { return s.log.count("is not the one that was stored") > 0 })
			if got := len(s.rows(t, "votes")); got != 50 {
				t.Errorf("%d votes are stored, want 50", got)
			}
		})
	}
}

// TestTopicMadeAnewBeforeAnythingWasStoredIsStored has no row in the tables that could be of another topic.
func TestTopicMadeAnewBeforeAnythingWasStoredIsStored(t *testing.T) {
	s := newSystem(t)
	stop := s.start(t)
	s.untilCaughtUp(t)
	stop()
	s.cluster = kafkatest.NewElection(t, s.definition, partitions)
	s.kafka = kafkatest.Cluster(t, s.cluster.ListenAddrs())
	kafkatest.Produce(t, s.cluster, s.votes(0, 50)...)
	s.start(t)
	s.untilCaughtUp(t)
	s.wantExact(t)
}

// TestRejectsSentAheadAreNotSentAgain begins as if a ledger had been killed after it sent rejects to Kafka, and before
// its transaction committed. A voter is to be stored before them.
func TestRejectsSentAheadAreNotSentAgain(t *testing.T) {
	s := newSystem(t)
	bad := &kgo.Record{Topic: election.VotesTopic, Key: []byte("k"), Value: []byte("v")}
	worse := &kgo.Record{Topic: election.VotesTopic, Partition: 1, Key: []byte{}, Value: nil}
	sent := func(offset int64) *kgo.Record {
		return kafkatest.JSON(t, election.RejectedVotesTopic, fmt.Sprintf("votes_topic:0:%d", offset), election.RejectedVote{
			Topic: election.VotesTopic, Offset: offset, Reason: election.Malformed, Key: bad.Key, Raw: bad.Value,
		})
	}
	kafkatest.Produce(t, s.cluster, bad, bad, worse, s.voter(t, 1, nil), sent(0), sent(1))
	s.start(t)
	s.untilCaughtUp(t)
	s.wantExact(t) // fails on a key that is there twice
	if got := len(s.publishedRejects(t, election.VotesTopic)); got != 3 {
		t.Errorf("%d rejects are published, want 3", got)
	}
}

// TestLargeRejectsArePublished rejects more bytes at once than Kafka takes in a batch.
func TestLargeRejectsArePublished(t *testing.T) {
	s := newSystem(t)
	for n := range 12 {
		value := make([]byte, 1_000_000)
		rand.NewChaCha8([32]byte{byte(n)}).Read(value)
		kafkatest.Produce(t, s.cluster, &kgo.Record{Topic: election.VotesTopic, Value: value})
	}
	s.start(t)
	s.untilCaughtUp(t)
	s.wantExact(t)
}

func (s *system) client(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := s.kafka.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// transaction writes records in a transaction of their own, and ends it.
func (s *system) transaction(t *testing.T, end kgo.TransactionEndTry, records ...*kgo.Record) {
	t.Helper()
	cl := s.client(t, kgo.TransactionalID("test"))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := kafka.EndTransaction(t.Context(), cl, end); err != nil {
		t.Fatal(err)
	}
}
