//go:build services

package sparkjob_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/producer"
	"realtime-election/producer/generate"
)

// smallResult is a small result file, and its content.
func smallResult(t *testing.T) (path string, file *definition.ResultFile) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "small.csv")
	const text = `region,district_id,district,candidate,party,votes
North,01,Hill,Ana,Red,4321
North,01,Hill,Bo,Blue,1234
North,02,Dale,Ana,Red,0
North,02,Dale,Bo,Blue,2500
South,03,Moor,Ana,Red,1
South,03,Moor,Bo,Blue,1999
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := definition.ReadResultFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return path, file
}

// TestRejectsAndCopiesAmongGoodVotes plants a hundred records of each reason, a thousand ballots sent twice, and a
// thousand sent for two candidates, among good votes in one micro-batch.
func TestRejectsAndCopiesAmongGoodVotes(t *testing.T) {
	_, file := smallResult(t)
	const partitions = 2
	c := newElection(t, file.Definition, partitions)

	ballots := generate.NewReplay(file.Definition, file.Votes, 1)
	planted := generate.NewReplay(file.Definition, file.Votes, 2) // other ids
	var votes []election.VoteRecord
	add := func(line []byte, partition int32) {
		votes = append(votes, election.VoteRecord{Partition: partition, Key: line[election.BallotIDStart:election.BallotIDEnd], Value: line})
	}
	partitionOf := func(line []byte) int32 {
		return election.Partition(line[election.BallotIDStart:election.BallotIDEnd], partitions)
	}
	changed := func(line []byte, change func(*election.Vote)) []byte {
		vote, ok := election.ParseVote(line)
		if !ok {
			t.Fatalf("%s is no vote", line)
		}
		change(&vote)
		return election.AppendVote(nil, vote)
	}
	other := map[string]string{"ana": "bo", "bo": "ana"}
	for serial := range ballots.Size() {
		line := ballots.Append(nil, serial)
		add(line, partitionOf(line))
		switch {
		case serial < 1000: // sent twice
			add(line, partitionOf(line))
		case serial < 2000: // and for the other candidate
			add(changed(line, func(v *election.Vote) { v.CandidateID = []byte(other[string(v.CandidateID)]) }), partitionOf(line))
		}
		if serial%100 != 0 {
			continue
		}
		bad := planted.Append(nil, serial)
		add(append(bad[:len(bad):len(bad)], ' '), partitionOf(bad))
		add(planted.Append(nil, serial+1), 1-partitionOf(planted.Append(nil, serial+1)))
		for i, change := range []func(*election.Vote){
			func(v *election.Vote) { v.CandidateID = []byte("nobody-" + hex.EncodeToString([]byte{byte(serial)})) },
			func(v *election.Vote) { v.DistrictID = []byte("nowhere") },
			func(v *election.Vote) { v.VotingTime = []byte("2024-11-05T20:00:00.000Z") },
		} {
			line := changed(planted.Append(nil, serial+2+int64(i)), change)
			add(line, partitionOf(line))
		}
	}
	produce(t, c, votes)
	awaitCounted(t, c, submit(t, c))

	got := published(t, c, 1)
	if diff := cmp.Diff(recount(t, c, file.Definition, partitions, 1), got); diff != "" {
		t.Error("the reference count and Spark differ:", diff)
	}
	planted100 := (ballots.Size() + 99) / 100
	for _, reason := range election.Reasons()[:5] {
		if n := got[election.PerReasonTopic][string(reason)].TotalVotes; n != planted100 {
			t.Errorf("%d records are %s, want %d", n, reason, planted100)
		}
	}
	wantDistricts(t, file, got)
}

func wantDistricts(t *testing.T, file *definition.ResultFile, got map[string]map[string]election.Result) {
	t.Helper()
	districts := file.Definition.Districts()
	for i, line := range file.Definition.Source.Lines {
		natural := string(districts[line[0]].ID) + "/" + string(file.Definition.Candidates[line[1]].ID)
		if n := got[election.ByDistrictTopic][natural].TotalVotes; n != file.Votes[i] {
			t.Errorf("%s has %d votes, want %d", natural, n, file.Votes[i])
		}
	}
}

// TestOneSeedGivesOneResult replays a file twice, each time into new topics that Spark counts anew.
func TestOneSeedGivesOneResult(t *testing.T) {
	path, file := smallResult(t)
	replay := func(t *testing.T) map[string]map[string]election.Result {
		c := newElection(t, file.Definition, 4)
		ended := submit(t, c)
		err := producer.Replay(t.Context(), producer.ReplayConfig{Kafka: c.Kafka, File: path, Seed: 7, Log: c.Log})
		if err != nil {
			t.Fatal(err)
		}
		awaitCounted(t, c, ended)
		got := published(t, c, 1)
		for _, results := range got {
			for natural, result := range results {
				result.NewestRecordAt = "" // differs from replay to replay
				results[natural] = result
			}
		}
		return got
	}
	var once map[string]map[string]election.Result
	t.Run("once", func(t *testing.T) { once = replay(t) })
	t.Run("again", func(t *testing.T) {
		again := replay(t)
		if diff := cmp.Diff(once, again); diff != "" {
			t.Error(diff)
		}
		wantDistricts(t, file, again)
	})
}

// TestHostileTimestampDoesNotStopTheQuery sends a vote with a time that Spark cannot read.
func TestHostileTimestampDoesNotStopTheQuery(t *testing.T) {
	_, file := smallResult(t)
	c := newElection(t, file.Definition, 2)
	cl, err := c.Kafka.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	line := generate.NewReplay(file.Definition, file.Votes, 1).Append(nil, 0)
	id := line[election.BallotIDStart:election.BallotIDEnd]
	hostile := &kgo.Record{
		Topic: election.VotesTopic, Partition: election.Partition(id, 2), Key: id, Value: line,
		Timestamp: time.UnixMilli(-9_223_370_000_000_000_000),
	}
	if err := cl.ProduceSync(t.Context(), hostile).FirstErr(); err != nil {
		t.Fatal(err)
	}
	awaitCounted(t, c, submit(t, c))
	wantExact(t, c, file.Definition, 2, 1)
}
