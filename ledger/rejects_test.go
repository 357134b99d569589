package ledger

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

func TestRejectsSentAheadAreThoseFromWhatIsStored(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	s.next[topicPartition{election.VotesTopic, 0}] = 5
	for _, key := range []string{
		"votes_topic:0:4", "votes_topic:0:5", "votes_topic:0:6", "votes_topic:1:0", "voters_topic:1:7",
		"votes_topic:9:9", "another:0:9", "votes_topic:0:x", "votes_topic:x:9", "votes_topic", "votes_topic:0:9:9", "votes_topic:0:+9", "votes_topic:00:9",
	} {
		kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.RejectedVotesTopic, Key: []byte(key)})
	}
	if err := s.readSentAhead(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"voters_topic:1:7", "votes_topic:0:5", "votes_topic:0:6", "votes_topic:1:0"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(s.sentAhead))); diff != "" {
		t.Errorf("sent ahead (-want +got): %s", diff)
	}
}

func rejected(topic string, partition int32, offset int64) reject {
	return reject{&kgo.Record{Topic: topic, Partition: partition, Offset: offset, Key: []byte("k"), Value: []byte("v")}, election.Malformed}
}

// TestRejectsSentAheadAreForgottenWithTheirOwnBatch commits a batch of voters, and then one of votes.
func TestRejectsSentAheadAreForgottenWithTheirOwnBatch(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	s.status.noteOpened(nil, s.next, leaseHeld)
	s.sentAhead["votes_topic:0:1"] = true
	s.noteCommitted(&batch{topic: election.VotersTopic, next: map[int32]int64{0: 9}}, 9, []reject{rejected(election.VotersTopic, 0, 1)})
	votes := []reject{rejected(election.VotesTopic, 0, 0), rejected(election.VotesTopic, 0, 1), rejected(election.VotesTopic, 0, 2)}
	if err := s.publishRejects(t.Context(), votes); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, r := range kafkatest.Read(t, cluster, election.RejectedVotesTopic, 0) {
		keys = append(keys, string(r.Key))
	}
	if want := []string{"votes_topic:0:0", "votes_topic:0:2"}; !slices.Equal(keys, want) {
		t.Errorf("published are %q, want %q: the other was sent ahead", keys, want)
	}
	if err := s.publishRejects(t.Context(), votes); err != nil { // as when PostgreSQL asks for the transaction again
		t.Fatal(err)
	}
	if n := len(kafkatest.Read(t, cluster, election.RejectedVotesTopic, 0)); n != 2 {
		t.Errorf("%d are published after another try, want 2", n)
	}
	s.noteCommitted(&batch{topic: election.VotesTopic, next: map[int32]int64{0: 3}}, 0, votes)
	if len(s.sentAhead) > 0 {
		t.Errorf("it remembers %v, which are stored", s.sentAhead)
	}
}

func TestCommittedBatchIsReported(t *testing.T) {
	t.Parallel()
	s, _ := newTestSession(t)
	s.status.noteOpened(map[string]int64{"voters": 10, "votes": 20, "rejected_votes": 30}, s.next, leaseHeld)
	s.noteCommitted(&batch{topic: election.VotersTopic, next: map[int32]int64{0: 4}}, 3, []reject{rejected(election.VotersTopic, 0, 0)})
	s.noteCommitted(&batch{topic: election.VotesTopic, next: map[int32]int64{1: 7}}, 5, nil)
	got := s.status.current
	want := election.LedgerStatus{
		State: "running", Voters: 13, Votes: 25, Rejected: 31, Stored: map[string]map[string]int64{
			election.VotersTopic: {"0": 4, "1": 0}, election.VotesTopic: {"0": 0, "1": 7},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it reports (-want +got): %s", diff)
	}
	for table, want := range map[string]int64{"voters": 13, "votes": 25, "rejected_votes": 31} {
		if n := s.status.rows(table); n != want {
			t.Errorf("%s has %d rows, want %d", table, n, want)
		}
	}
	if next := s.next[topicPartition{election.VotesTopic, 1}]; next != 7 {
		t.Errorf("it goes on at %d, want 7", next)
	}
}

func TestPublishedRejectHoldsTheRecord(t *testing.T) {
	t.Parallel()
	s, cluster := newTestSession(t)
	long := rejected(election.VotesTopic, 1, 8)
	long.Key, long.Value = bytes.Repeat([]byte("k"), longestKey+1), bytes.Repeat([]byte("v"), longestRaw+1)
	none := rejected(election.VotersTopic, 0, 2)
	none.Key, none.Value, none.reason = nil, []byte{}, election.UnknownDistrict
	if err := s.publishRejects(t.Context(), []reject{long, none}); err != nil {
		t.Fatal(err)
	}
	want := map[string]election.RejectedVote{
		"votes_topic:1:8":  {Topic: election.VotesTopic, Partition: 1, Offset: 8, Reason: election.Malformed, Key: long.Key[:64<<10], Raw: long.Value[:512<<10]},
		"voters_topic:0:2": {Topic: election.VotersTopic, Offset: 2, Reason: election.UnknownDistrict, Raw: []byte{}},
	}
	got := make(map[string]election.RejectedVote)
	for _, r := range kafkatest.Read(t, cluster, election.RejectedVotesTopic, 0) {
		var v election.RejectedVote
		if err := json.Unmarshal(r.Value, &v); err != nil {
			t.Fatal(err)
		}
		got[string(r.Key)] = v
	}
	if !cmp.Equal(want, got) {
		t.Errorf("published are %d rejects, not those that were given", len(got))
	}
}

func TestTransactionIsTriedAgainWherePostgreSQLAsks(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{"40001": true, "40P01": true, "23505": false, "57P01": false} {
		if got := retryable(&pgconn.PgError{Code: code}); got != want {
			t.Errorf("%s: %t", code, got)
		}
	}
	if retryable(errOffsetsMoved) {
		t.Error("an error that is not PostgreSQL's")
	}
}

func TestErrorsThatDoNotPassSayWhatToDo(t *testing.T) {
	t.Parallel()
	for code, says := range map[string]string{
		"42P01": "election init", "3F000": "election init", "42501": "election init",
	} {
		if err := explain(&pgconn.PgError{Code: code}); !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", code, err)
		}
	}
	if err := explain(errOffsetsMoved); err != errOffsetsMoved {
		t.Errorf("another error became %v", err)
	}
}

// FuzzRejectKey checks that a key is parsed only if rejectKey makes the same key of what was parsed.
func FuzzRejectKey(f *testing.F) {
	for _, key := range []string{"votes_topic:0:1", "votes_topic:1:+1", "votes_topic:01:1", "::", "votes_topic:99999999999:1", ""} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if at, offset, ok := parseRejectKey(key); ok && rejectKey(at.topic, at.partition, offset) != key {
			t.Errorf("%q is taken for %v, offset %d", key, at, offset)
		}
	})
}
