//go:build services

package sparkjob_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/scenario"
	"realtime-election/producer/generate"
	"realtime-election/sparkjob"
)

// byHand are the records of every result topic for the votes of TestResultRecordsWrittenByHand and the definition of the
// scenario "counting". A person wrote them.
const byHand = `{
"aggregated_votes_per_candidate": {
  "1/ana": {"run": 1, "candidate_id": "ana", "candidate_name": "Ana", "party_affiliation": "Red", "photo_url": "/portraits/ana.svg", "total_votes": 3, "newest_record_at": "2025-10-29T07:00:05.007Z"},
  "1/bo": {"run": 1, "candidate_id": "bo", "candidate_name": "Bo </script>", "party_affiliation": "Blue", "photo_url": "", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:06.100Z"}
},
"aggregated_turnout_by_location": {
  "1/north": {"run": 1, "region_id": "north", "region_name": "North", "registered_voters": 30, "total_votes": 2, "newest_record_at": "2025-10-29T07:00:05.007Z"},
  "1/south": {"run": 1, "region_id": "south", "region_name": "South \"quoted\" and é", "total_votes": 2, "newest_record_at": "2025-10-29T07:00:06.100Z"}
},
"aggregated_votes_by_location": {
  "1/north/ana": {"run": 1, "region_id": "north", "candidate_id": "ana", "total_votes": 2, "newest_record_at": "2025-10-29T07:00:05.007Z"},
  "1/south/ana": {"run": 1, "region_id": "south", "candidate_id": "ana", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:02.000Z"},
  "1/south/bo": {"run": 1, "region_id": "south", "candidate_id": "bo", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:06.100Z"}
},
"aggregated_votes_by_district": {
  "1/N-1/ana": {"run": 1, "district_id": "N-1", "candidate_id": "ana", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:01.250Z"},
  "1/N_2/ana": {"run": 1, "district_id": "N_2", "candidate_id": "ana", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:05.007Z"},
  "1/3/ana": {"run": 1, "district_id": "3", "candidate_id": "ana", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:02.000Z"},
  "1/3/bo": {"run": 1, "district_id": "3", "candidate_id": "bo", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:06.100Z"}
},
"aggregated_votes_by_demographic": {
  "1/north/18-24/female/ana": {"run": 1, "region_id": "north", "age_group": "18-24", "gender": "female", "candidate_id": "ana", "total_votes": 2, "newest_record_at": "2025-10-29T07:00:05.007Z"},
  "1/south//other/ana": {"run": 1, "region_id": "south", "age_group": "", "gender": "other", "candidate_id": "ana", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:02.000Z"},
  "1/south/65+/male/bo": {"run": 1, "region_id": "south", "age_group": "65+", "gender": "male", "candidate_id": "bo", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:06.100Z"}
},
"aggregated_votes_per_slot": {
  "1/north/2025-10-29T07:00/ana": {"run": 1, "region_id": "north", "slot": "2025-10-29T07:00", "candidate_id": "ana", "total_votes": 2, "newest_record_at": "2025-10-29T07:00:05.007Z"},
  "1/south/2025-10-29T12:00/ana": {"run": 1, "region_id": "south", "slot": "2025-10-29T12:00", "candidate_id": "ana", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:02.000Z"},
  "1/south/2025-10-29T19:59/bo": {"run": 1, "region_id": "south", "slot": "2025-10-29T19:59", "candidate_id": "bo", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:06.100Z"}
},
"aggregated_votes_rejected": {
  "1/malformed": {"run": 1, "reason": "malformed", "total_votes": 2, "newest_record_at": "2025-10-29T07:00:04.010Z"},
  "1/unknown_candidate": {"run": 1, "reason": "unknown_candidate", "total_votes": 1, "newest_record_at": "2025-10-29T07:00:03.999Z"}
}}`

// TestResultRecordsWrittenByHand lets Kafka keep the times at which the votes were sent, which are not in the order of the
// offsets. So the newest record of a total is neither the last one, nor one that does not count.
func TestResultRecordsWrittenByHand(t *testing.T) {
	var counting scenario.Scenario
	for _, s := range scenario.All(t) {
		if s.Name == "counting" {
			counting = s
		}
	}
	c := newElection(t, counting.Definition, 1)
	cl, err := c.Kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	keep := "CreateTime"
	_, err = kadm.NewClient(cl).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: "message.timestamp.type", Value: &keep}}, election.VotesTopic)
	if err != nil {
		t.Fatal(err)
	}
	const (
		first  = `{"ballot_id":"9e3779b97f4a7c15f39cc0605cedc835","candidate_id":"ana","district_id":"N-1","age_group":"18-24","gender":"female","voting_time":"2025-10-29T07:00:00.000Z"}`
		second = `{"ballot_id":"3c6ef372fe94f82be73980c0b9db906a","candidate_id":"ana","district_id":"N_2","age_group":"18-24","gender":"female","voting_time":"2025-10-29T07:00:59.999Z"}`
		third  = `{"ballot_id":"1715609f7c746c6dc20fc1e1d0a4e909","candidate_id":"ana","district_id":"3","age_group":"","gender":"other","voting_time":"2025-10-29T12:00:00.000Z"}`
		fourth = `{"ballot_id":"78dde6e5fd29f057ce73018173b720d4","candidate_id":"bo","district_id":"3","age_group":"65+","gender":"male","voting_time":"2025-10-29T19:59:59.999Z"}`
		nobody = `{"ballot_id":"daa66d2c7ddf7441dad6412116c9589f","candidate_id":"zoe","district_id":"N-1","age_group":"","gender":"","voting_time":"2025-10-29T07:01:00.000Z"}`
	)
	var records []*kgo.Record
	for _, sent := range []struct{ at, line string }{
		{"07:00:01.250", first},
		{"07:00:05.007", second},
		{"07:00:04.010", "a line that is no vote"},
		{"07:00:02.000", third},
		{"07:09:09.009", first},
		{"07:00:03.999", nobody},
		{"07:00:06.100", fourth},
		{"07:00:00.000", "another"},
	} {
		at, err := time.Parse(time.RFC3339, "2025-10-29T"+sent.at+"Z")
		if err != nil {
			t.Fatal(err)
		}
		r := &kgo.Record{Topic: election.VotesTopic, Value: []byte(sent.line), Timestamp: at}
		if len(sent.line) > election.BallotIDEnd {
			r.Key = r.Value[election.BallotIDStart:election.BallotIDEnd]
		}
		records = append(records, r)
	}
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	awaitCounted(t, c, submit(t, c))

	var want map[string]map[string]any
	if err := json.Unmarshal([]byte(byHand), &want); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]map[string]any)
	for _, topic := range election.ResultTopics() {
		got[topic] = make(map[string]any)
		err := c.Kafka.Read(t.Context(), topic, 0, func(r *kgo.Record) error {
			var value any
			err := json.Unmarshal(r.Value, &value)
			got[topic][string(r.Key)] = value
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// begin sends records in a transaction of their own, and leaves it open.
func begin(t *testing.T, c sparkjob.Config, id string, records ...*kgo.Record) *kgo.Client {
	t.Helper()
	cl, err := c.Kafka.NewClient(kgo.TransactionalID(t.Name()+id), kgo.TransactionTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return cl
}

// TestBallotOfATransactionCountsWhenItIsCommitted aborts a transaction with a ballot of its own, and leaves another
// transaction open until all other ballots are counted.
func TestBallotOfATransactionCountsWhenItIsCommitted(t *testing.T) {
	_, file := smallResult(t)
	c := newElection(t, file.Definition, 1)
	ballots := generate.NewReplay(file.Definition, file.Votes, 1)
	ballot := func(serial int64) *kgo.Record {
		line := ballots.Append(nil, serial)
		return &kgo.Record{Topic: election.VotesTopic, Key: line[election.BallotIDStart:election.BallotIDEnd], Value: line}
	}
	end := func(of *kgo.Client, as kgo.TransactionEndTry) {
		t.Helper()
		if err := kafka.EndTransaction(t.Context(), of, as); err != nil {
			t.Fatal(err)
		}
	}
	votes := func() (n int64) {
		for _, result := range published(t, c, 1)[election.PerCandidateTopic] {
			n += result.TotalVotes
		}
		return n
	}
	end(begin(t, c, "committed", ballot(0), ballot(1)), kgo.TryCommit)
	end(begin(t, c, "aborted", ballot(2)), kgo.TryAbort)
	end(begin(t, c, "committed", ballot(3)), kgo.TryCommit)
	open := begin(t, c, "open", ballot(4))
	ended := submit(t, c)
	eventually(t, "all that is decided is counted", func() bool {
		var status election.QueryStatus
		_, err := c.Kafka.LatestJSON(t.Context(), election.QueryStatusTopic, election.QueryKey, &status)
		if err != nil {
			t.Fatal(err)
		}
		ends, err := kafka.StableEnds(t.Context(), open, election.VotesTopic)
		if err != nil {
			t.Fatal(err)
		}
		return status.Counted != nil && election.Behind(ends, status.Counted) == 0
	})
	if n := votes(); n != 3 {
		t.Errorf("%d ballots are counted of 3 that are committed, one that is aborted and one that is undecided", n)
	}
	end(open, kgo.TryCommit)
	awaitCounted(t, c, ended)
	if n := votes(); n != 4 {
		t.Errorf("%d ballots are counted of 4 that are committed and one that is aborted", n)
	}
	wantExact(t, c, file.Definition, 1, 1)
}
