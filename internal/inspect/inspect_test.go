package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

func newElection(t *testing.T) *kfake.Cluster {
	t.Helper()
	return kafkatest.NewElection(t, &election.Definition{
		ID: "x", Name: "X",
		Candidates: []election.Candidate{{ID: "ana", Name: "Ana"}},
		Regions:    []election.Region{{ID: "n", Name: "North", Districts: []election.District{{ID: "n1", Name: "Hill", Registered: 90}}}},
	}, 2)
}

func vote(partition int32, at int, value string) *kgo.Record {
	return &kgo.Record{
		Topic: election.VotersTopic, Partition: partition, Key: []byte("k" + value), Value: []byte(value),
		Timestamp: time.Unix(1_700_000_000+int64(at), 0),
	}
}

func TestTopicsAreListedInTheirOrder(t *testing.T) {
	cluster := newElection(t)
	if err := cluster.CreateTopic("another", 3, nil); err != nil {
		t.Fatal(err)
	}
	kafkatest.Produce(t, cluster, vote(0, 1, "a"), vote(1, 2, "b"))
	kafkatest.ProduceInTransaction(t, cluster, kgo.TryCommit, vote(1, 3, "c"))
	topics, err := Topics(t.Context(), kafkatest.Cluster(t, cluster.ListenAddrs()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, topic := range election.Topics(2) {
		names = append(names, topic.Name)
	}
	names = append(names, "another")
	for i, name := range names {
		if topics[i].Name != name {
			t.Errorf("topic %d is %s, want %s", i, topics[i].Name, name)
		}
		if described := topics[i].Purpose != ""; described != (name != "another") {
			t.Errorf("%s is for %q", name, topics[i].Purpose)
		}
	}
	if voters := topics[1]; voters.Partitions != 2 || voters.Offsets != 4 || voters.Bytes == 0 {
		t.Errorf("the register is %+v, want 2 partitions, and 4 offsets for 3 records and a transaction's end", voters)
	}
}

// tailed are the values of the records from Tail.
func tailed(t *testing.T, cluster *kfake.Cluster, c TailConfig) string {
	t.Helper()
	var values []string
	c.Kafka = kafkatest.Cluster(t, cluster.ListenAddrs())
	if c.Topic == "" {
		c.Topic = election.VotersTopic
	}
	c.Each = func(r *kgo.Record) error { values = append(values, string(r.Value)); return nil }
	if err := Tail(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return strings.Join(values, " ")
}

func TestTailShowsTheFirstOrTheLast(t *testing.T) {
	cluster := newElection(t)
	if got := tailed(t, cluster, TailConfig{Count: 10, Partition: -1}); got != "" {
		t.Errorf("an empty topic holds %q", got)
	}
	kafkatest.Produce(t, cluster, vote(0, 1, "a"), vote(1, 2, "b"), vote(0, 3, "c"))
	for i := range 30 { // offsets without records, more than Tail reads at first
		kafkatest.ProduceInTransaction(t, cluster, kgo.TryAbort, vote(int32(i%2), 4, "aborted"))
	}
	kafkatest.ProduceInTransaction(t, cluster, kgo.TryCommit, vote(1, 5, "d"))
	open := kafkatest.Begin(t, cluster, vote(0, 6, "open"))
	defer open.Close()
	for _, c := range []struct {
		config TailConfig
		want   string
	}{
		{TailConfig{Count: 10, Partition: -1}, "a b c d"},
		{TailConfig{Count: 3, Partition: -1}, "b c d"},
		{TailConfig{Count: 1, Partition: 0}, "c"},
		{TailConfig{Count: 0, Partition: -1}, ""},
		{TailConfig{Count: 10, Partition: -1, FromStart: true}, "a c b d"},
		{TailConfig{Count: 3, Partition: -1, FromStart: true}, "a c b"},
		{TailConfig{Count: 1, Partition: 1, FromStart: true}, "b"},
	} {
		if got := tailed(t, cluster, c.config); got != c.want {
			t.Errorf("%+v shows %q, want %q", c.config, got, c.want)
		}
	}
}

func TestTailFollows(t *testing.T) {
	for fromStart, want := range map[bool]string{true: "a b c", false: "b c"} {
		cluster := newElection(t)
		kafkatest.Produce(t, cluster, vote(0, 1, "a"), vote(0, 2, "b"))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var values []string
		err := Tail(ctx, TailConfig{
			Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Topic: election.VotersTopic, Partition: -1,
			Count: 1, FromStart: fromStart, Follow: true,
			Each: func(r *kgo.Record) error {
				values = append(values, string(r.Value))
				if string(r.Value) == "b" {
					kafkatest.Produce(t, cluster, vote(1, 3, "c"))
				}
				if string(r.Value) == "c" {
					cancel()
				}
				return nil
			},
		})
		if got := strings.Join(values, " "); err != nil || got != want {
			t.Errorf("from the start %t: %q (%v), want %q", fromStart, got, err, want)
		}
	}
}

func TestTailRefusesWhatIsNotThere(t *testing.T) {
	cluster := newElection(t)
	for says, c := range map[string]TailConfig{
		`there is no topic "votes"; there are aggregated_turnout_by_location, `: {Topic: "votes", Partition: -1},
		"voters_topic has no partition 2; they go from 0 to 1":                  {Topic: election.VotersTopic, Partition: 2},
		"partition is -2": {Topic: election.VotersTopic, Partition: -2},
		"count is -1":     {Topic: election.VotersTopic, Count: -1},
	} {
		c.Kafka = kafkatest.Cluster(t, cluster.ListenAddrs())
		var input *election.InputError
		if err := Tail(t.Context(), c); !errors.As(err, &input) || !strings.Contains(input.Text, says) {
			t.Errorf("ended with %v, want %q", err, says)
		}
	}
}

func TestRecordsAreOneHarmlessLine(t *testing.T) {
	at := time.Unix(1_700_000_000, 5e6)
	for _, c := range []struct {
		key, value []byte
		text, json string
	}{
		{[]byte("k"), []byte(`{"a": "é"}`), `k  {"a": "é"}`, `"key":"k","value":{"a":"é"}}`},
		{[]byte("k"), nil, `k  (deleted)`, `"key":"k","value":null}`},
		{[]byte("\x1b[2J"), []byte("a\nb\u009b\u202e"), `\x1b[2J  a\nb\u009b\u202e`, `"key":"\u001b[2J","value":"a\nb\u009b\u202e"}`},
		{[]byte("\xff"), []byte("\xfe"), `\xff  \xfe`, `"key_base64":"/w==","value_base64":"/g=="}`},
		{[]byte("k"), []byte("{\"a\":\"\u009b\"}"), `k  {"a":"\u009b"}`, `"key":"k","value":{"a":"\u009b"}}`},
	} {
		r := &kgo.Record{Partition: 1, Offset: 2, Timestamp: at, Key: c.key, Value: c.value}
		if got, want := Text(r), "1:2  2023-11-14T22:13:20.005Z  "+c.text; got != want {
			t.Errorf("the text is %q, want %q", got, want)
		}
		got, err := JSON(r)
		if want := `{"partition":1,"offset":2,"timestamp":"2023-11-14T22:13:20.005Z",` + c.json; err != nil || string(got) != want {
			t.Errorf("the JSON is %s (%v), want %s", got, err, want)
		}
		if !json.Valid(got) {
			t.Errorf("%s is no JSON", got)
		}
	}
}

func TestStatusTellsHowFarEachIs(t *testing.T) {
	cluster := newElection(t)
	now := time.Unix(1_700_000_100, 0)
	progress := func(producer string, secondsAgo int, next, size int64) *kgo.Record {
		r := kafkatest.Progress(t, producer, election.Progress{NextSerial: next, Size: size})
		r.Timestamp = now.Add(-time.Duration(secondsAgo) * time.Second)
		return r
	}
	kafkatest.Produce(t, cluster,
		progress("voters", 60, 40, 90), progress("voters", 50, 90, 90),
		progress("votes/1", 30, 1, 70), progress("votes/1", 8, 10, 70), progress("votes/1", 4, 50, 70),
		&kgo.Record{Topic: election.VotesProgressTopic, Key: []byte("replay"), Value: []byte("x")}, // not in its partition
		&kgo.Record{Topic: election.ReplayProgressTopic, Key: []byte("nobody"), Value: []byte("x")},
		&kgo.Record{Topic: election.VotersProgressTopic, Key: []byte("voters"), Value: []byte("{")},
		progress("votes/1", 3, -30, -30),
		vote(0, 1, "a"), vote(0, 2, "b"), vote(1, 3, "c"))
	for partition := range int32(2) {
		kafkatest.Produce(t, cluster, &kgo.Record{Topic: election.VotesTopic, Partition: partition, Value: []byte("x")})
	}
	query := election.QueryStatus{Run: 3, State: "running", Counted: map[string]int64{"0": 1}, UpdatedAt: now.Add(24 * time.Hour)}
	ledger := election.LedgerStatus{State: "waiting", Error: "PostgreSQL is away", Stored: map[string]map[string]int64{
		election.VotersTopic: {"0": 2, "1": 1}, election.VotesTopic: {"0": 0, "1": 0},
	}}
	read := func() *Status {
		t.Helper()
		status, err := ReadStatus(t.Context(), kafkatest.Cluster(t, cluster.ListenAddrs()), now)
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	if status := read(); status.Query != nil || status.Ledger != nil || status.Behind != (Behind{2, 2, 3}) {
		t.Errorf("before anyone reports it is %+v", status)
	}
	kafkatest.Produce(t, cluster,
		kafkatest.JSON(t, election.QueryStatusTopic, election.QueryKey, query), kafkatest.JSON(t, election.LedgerStatusTopic, election.LedgerKey, ledger))
	status := read()
	if status.Behind != (Behind{Count: 1, LedgerVotes: 2, LedgerVoters: 0}) {
		t.Errorf("behind by %+v", status.Behind)
	}
	queries, ledgers := kafkatest.Read(t, cluster, election.QueryStatusTopic, 0), kafkatest.Read(t, cluster, election.LedgerStatusTopic, 0)
	if !status.QueryAt.Equal(queries[0].Timestamp) || !status.LedgerAt.Equal(ledgers[0].Timestamp) {
		t.Errorf("reported at %v and %v, want Kafka's times", status.QueryAt, status.LedgerAt)
	}
	if status.Election != "X" || status.Voters != 90 || status.Query.Run != 3 || status.Ledger.Error != "PostgreSQL is away" {
		t.Errorf("the status is %+v", status)
	}
	var got []string
	for _, p := range status.Producers {
		got = append(got, fmt.Sprint(p.Name, " ", p.Sent, "/", p.Size, " ", p.Rate, " ", p.Sent >= p.Size))
	}
	if diff := cmp.Diff([]string{"voters 90/90 0 true", "votes/1 50/70 10 false"}, got); diff != "" {
		t.Error(diff)
	}
	foreign := []string{
		"progress_voters 0 offset 2 cannot be what voters has written: it is no JSON of a progress",
		"progress_votes 2 offset 3 cannot be what votes/1 has written: record -30 of -30 is next",
	}
	if diff := cmp.Diff(foreign, status.Foreign); diff != "" {
		t.Error(diff)
	}
}
