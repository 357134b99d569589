package producer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/producer/generate"
)

func (p *poll) votes(t *testing.T) VotesConfig {
	return VotesConfig{Kafka: kafkatest.Cluster(t, p.cluster.ListenAddrs()), Key: key, Log: kafkatest.Log(t)}
}

// joined is closed when a copy of Votes has been assigned its partitions.
func (p *poll) joined() <-chan struct{} {
	done := make(chan struct{})
	var once sync.Once
	p.cluster.ControlKey(int16(kmsg.Heartbeat), func(kmsg.Request) (kmsg.Response, error, bool) {
		once.Do(func() { close(done) })
		return nil, nil, false
	})
	return done
}

// complete wants the ballot of each voter who votes, according to the ballot key, in the topic once. It wants the
// ballots of a partition of the register in the order of their times.
func (p *poll) complete(t *testing.T) {
	t.Helper()
	d := &p.installation.Definition
	ballots := generate.NewBallots(d, p.installation.Key(key))
	want, places := make(map[string]int32), make(map[string]int) // the line's partition of the register
	for partition := range p.installation.VotePartitions {
		var cast []generate.Ballot
		for _, r := range kafkatest.Read(t, p.cluster, election.VotersTopic, partition) {
			var voter election.Voter
			if json.Unmarshal(r.Value, &voter) != nil {
				continue
			}
			district := slices.IndexFunc(d.Districts(), func(x election.DistrictIn) bool { return x.ID == voter.DistrictID })
			age, gender := slices.Index(election.AgeGroups(), election.AgeGroupOf(voter.RegisteredAge)), slices.Index(election.Genders(), voter.Gender)
			if ballot, votes := ballots.Of(voter.ID, district, age, gender); votes {
				cast = append(cast, ballot)
			}
		}
		slices.SortFunc(cast, generate.Ballot.Compare)
		for i, ballot := range cast {
			line := string(ballots.Append(nil, ballot))
			want[line], places[line] = partition, i
		}
		progress, begun := p.progress(t, election.VotesProducer(partition))
		if n := int64(len(cast)); !begun || progress.NextSerial != n || progress.Size != n || progress.Fingerprint != p.installation.Fingerprint || progress.Seed != 0 {
			t.Errorf("the progress of partition %d is %+v after %d ballots", partition, progress, n)
		}
	}
	sent := make(map[string]int)
	for partition := range p.installation.VotePartitions {
		last := make(map[int32]int)
		for _, r := range kafkatest.Read(t, p.cluster, election.VotesTopic, partition) {
			line := string(r.Value)
			from, known := want[line]
			if !known {
				t.Fatalf("nobody cast %s", line)
			}
			if sent[line]++; sent[line] > 1 {
				t.Fatalf("sent again: %s", line)
			}
			if id := line[election.BallotIDStart:election.BallotIDEnd]; string(r.Key) != id || partition != election.Partition([]byte(id), p.installation.VotePartitions) {
				t.Fatalf("on partition %d with key %s: %s", partition, r.Key, line)
			}
			if places[line] < last[from] {
				t.Fatalf("out of order: %s", line)
			}
			last[from] = places[line]
		}
	}
	if len(sent) != len(want) {
		t.Errorf("%d ballots were sent of %d", len(sent), len(want))
	}
}

// finish runs Votes to its end, and wants all ballots in the topic.
func (p *poll) finish(t *testing.T) {
	t.Helper()
	if err := Votes(t.Context(), p.votes(t)); err != nil {
		t.Fatalf("vote to the end: %v", err)
	}
	p.complete(t)
}

func TestEachVoterVotesOnce(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 300, 0, 200) // the second partition of the register is empty
	p.register(t)
	p.finish(t)
	p.finish(t) // a second time adds nothing
	count := election.NewCount(&p.installation.Definition, 3)
	count.SetRegister(p.commitments(t))
	for partition := range int32(3) {
		for _, r := range kafkatest.Read(t, p.cluster, election.VotesTopic, partition) {
			if reason := count.Add(election.VoteRecord{Partition: partition, Offset: r.Offset, Key: r.Key, Value: r.Value}); reason != "" {
				t.Errorf("%s is %s", r.Value, reason)
			}
		}
	}
	if got := count.Results(1)[election.TurnoutByLocationTopic]["north"].TotalVotes; got != 500 {
		t.Errorf("the north has %d votes, want all of 500", got)
	}
}

// TestKilledVotesGoOn ends Votes at each of the transactions of a partition of the register, in each way, and starts it
// again.
func TestKilledVotesGoOn(t *testing.T) {
	t.Parallel()
	for name := range new(broker).kills("", "") {
		for _, at := range []int64{0, 1, 2} {
			t.Run(fmt.Sprintf("%s of transaction %d", name, at+1), func(t *testing.T) {
				t.Parallel()
				p := newPoll(t, 50, 450)
				p.register(t)
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				p.kills(election.VotesProducer(1), election.VotesTopic)[name](at, kill)
				c := p.votes(t)
				c.Rate = 1112 // of which partition 1 has 1000.8: transactions of 200, 200 and 50
				if err := Votes(ctx, c); err == nil {
					t.Fatal("it was not ended")
				}
				if progress, _ := p.progress(t, election.VotesProducer(1)); progress.NextSerial > (at+1)*200 {
					t.Errorf("it was ended after %d", progress.NextSerial)
				}
				p.finish(t)
			})
		}
	}
}

func TestPollsOpenWhenTheRegisterIsClosed(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 300, 200)
	joined := p.joined()
	voted := make(chan error, 1)
	go func() { voted <- Votes(t.Context(), p.votes(t)) }()
	<-joined
	var sent atomic.Bool
	p.cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		if producedBy(request, election.VotesProducer(0)) || producedBy(request, election.VotesProducer(1)) {
			sent.Store(true)
		}
		return nil, nil, false
	})
	p.atCommit(election.VotersProducer, 2, func() (handled bool) {
		if sent.Load() {
			t.Error("ballots were sent before the register was closed")
		}
		return false
	})
	if err := Voters(t.Context(), p.voters(t, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := <-voted; err != nil {
		t.Fatal(err)
	}
	p.complete(t)
	if !sent.Load() {
		t.Error("the broker was not asked")
	}
}

// lockedBuffer holds what several goroutines log.
type lockedBuffer struct {
	mu sync.Mutex
	strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.Write(p)
}

func TestForeignBallotKeyIsRefused(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 100)
	p.register(t)
	c := p.votes(t)
	c.Key[0]++
	wantInputError(t, Votes(t.Context(), c), "the ballot key is not the one")
	if n := len(kafkatest.Read(t, p.cluster, election.VotesTopic, 0)); n > 0 {
		t.Errorf("%d ballots were sent all the same", n)
	}
}

// TestNobodyJoinsAClosedRegister adds voters to a closed register: one before the first ballot, one between two
// ballots.
func TestNobodyJoinsAClosedRegister(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 450)
	p.register(t)
	late := func(serial int64) {
		line, _ := generate.NewVoters(&p.installation.Definition, 2).Append(nil, serial) // of another seed
		kafkatest.Produce(t, p.cluster, &kgo.Record{Topic: election.VotersTopic, Value: line})
	}
	late(0)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	p.atCommit(election.VotesProducer(0), 1, func() (handled bool) { kill(); return true })
	c := p.votes(t)
	c.Rate = 1000
	if err := Votes(ctx, c); err == nil {
		t.Fatal("it was not ended")
	}
	late(1)
	if err := Votes(t.Context(), p.votes(t)); err != nil {
		t.Fatal(err)
	}
	if n := len(kafkatest.Read(t, p.cluster, election.VotesTopic, 0)); n != 450 {
		t.Errorf("%d ballots were cast by 450 voters", n)
	}
}

// TestVotesEndsThoughKafkaIsGone stops a copy that cannot leave the group, because Kafka does not answer.
func TestVotesEndsThoughKafkaIsGone(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 100)
	joined := p.joined()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	c := p.votes(t)
	c.Log = slog.New(slog.DiscardHandler) // it would log much
	ended := make(chan error, 1)
	go func() { ended <- Votes(ctx, c) }()
	<-joined
	p.cluster.Close()
	stop()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not end")
	}
}

func TestProgressOfAnotherElectionDecidesNothing(t *testing.T) {
	installation := &election.Installation{Fingerprint: "this", VotePartitions: 1}
	progress := newProducersProgress(installation)
	var ends map[int32]int64
	learn := func(fingerprint string, next int64, producers ...string) {
		t.Helper()
		for _, producer := range producers {
			value, err := json.Marshal(election.Progress{NextSerial: next, Size: 5, Fingerprint: fingerprint, Ends: ends})
			if err != nil {
				t.Fatal(err)
			}
			progress.learn(producer, value)
		}
	}
	all := []string{election.VotersProducer, election.CommitmentsProducer, election.VotesProducer(0)}
	progress.learn(election.VotersProducer, []byte("{"))
	learn("another", 5, all...)
	learn("this", 4, all...)
	select {
	case <-progress.commitmentsClosed:
		t.Error("the commitments are closed by another election, or before all are sent")
	default:
	}
	learn("this", 5, election.ReplayProducer, election.CastProducer, election.CommitmentsProducer, election.VotesProducer(0), election.VotersProducer)
	<-progress.commitmentsClosed
	select {
	case <-progress.registerClosed:
		t.Error("the register is closed")
	default:
	}
	if len(progress.unfinished) == 0 {
		t.Error("all is sent without a register")
	}
	ends = map[int32]int64{0: 7}
	learn("another", 5, all...)
	learn("this", 4, all...)
	select {
	case <-progress.registerClosed:
		t.Error("the register is closed by another election, or before all are on it")
	default:
	}
	learn("this", 5, all...) // this time with the ends that close the register
	<-progress.registerClosed
	if len(progress.unfinished) > 0 {
		t.Error("not all is sent")
	}
}

func TestUnreadableVotersDoNotVote(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 100, 100)
	voters := generate.NewVoters(&p.installation.Definition, p.voters(t, 0).Seed)
	var entry kgo.Record // of a voter of the second partition
	for serial, district := int64(0), 0; district != 1; serial++ {
		entry.Value, district = voters.Append(nil, serial)
	}
	entry.Key = entry.Value[generate.VoterIDStart:generate.VoterIDEnd]
	as := func(id string) string { return strings.Replace(string(entry.Value), string(entry.Key), id, 1) }
	for _, value := range []string{
		"", "null", "{", "\x00\xff", `[]`, `{"voter_id":"x"}`, `{"voter_id":7}`,
		strings.Replace(as("y"), `"district_id":"d`, `"district_id":"x`, 1),
		strings.Replace(strings.Replace(as("z"), `"gender":"female"`, `"gender":""`, 1), `"gender":"male"`, `"gender":""`, 1),
	} {
		record := &kgo.Record{Topic: election.VotersTopic, Partition: 1, Key: entry.Key, Value: []byte(value)}
		kafkatest.Produce(t, p.cluster, record)
	}
	// A voter of the second partition's district is on the first.
	kafkatest.Produce(t, p.cluster, &kgo.Record{Topic: election.VotersTopic, Partition: 0, Key: entry.Key, Value: []byte(as("w"))})
	if err := Voters(t.Context(), p.voters(t, 0)); err != nil {
		t.Fatal(err)
	}
	c, log := p.votes(t), new(lockedBuffer)
	c.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := Votes(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, warning := range []string{
		`voters=1 topic=voters_topic partition=0 offset=0 error="its district is not one of this partition"`,
		`voters=9 topic=voters_topic partition=1 offset=0 error="it is not the JSON of a voter"`,
	} {
		if text := log.String(); strings.Count(text, warning) != 1 || strings.Count(text, "cannot be read") != 2 {
			t.Errorf("%s is not one of two warnings:\n%s", warning, text)
		}
	}
	n := 0
	for partition := range int32(2) {
		n += len(kafkatest.Read(t, p.cluster, election.VotesTopic, partition))
	}
	if n != 200 {
		t.Errorf("%d ballots were cast by 200 voters", n)
	}
}

// TestProgressInAnotherPlaceDecidesNothing has another service write in its own topic that all ballots are sent.
func TestProgressInAnotherPlaceDecidesNothing(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 100, 100)
	for _, producer := range []string{election.CommitmentsProducer, election.VotesProducer(0), election.VotesProducer(1), election.VotersProducer} {
		forged := kafkatest.Progress(t, producer, election.Progress{Fingerprint: p.installation.Fingerprint, Ends: map[int32]int64{}})
		for _, topic := range election.ProgressTopics() {
			if forged.Topic != topic {
				kafkatest.Produce(t, p.cluster, &kgo.Record{Topic: topic, Key: forged.Key, Value: forged.Value})
			}
		}
	}
	p.register(t)
	p.finish(t)
}

// TestVoterOnTheRegisterTwiceKeepsThePollsClosed adds an entry of a voter, in each place and form.
func TestVoterOnTheRegisterTwiceKeepsThePollsClosed(t *testing.T) {
	voterOf := func(p *poll, wanted int) string {
		voters := generate.NewVoters(&p.installation.Definition, 1)
		for serial := int64(0); ; serial++ {
			if line, district := voters.Append(nil, serial); district == wanted {
				return string(line)
			}
		}
	}
	for name, change := range map[string]func(line string) string{
		"a copy":               func(line string) string { return line },
		"of another age":       func(line string) string { return strings.Replace(line, `"registered_age":`, `"registered_age":1`, 1) },
		"of another district":  func(line string) string { return strings.Replace(line, `"district_id":"d`, `"district_id":"x`, 1) },
		"that cannot be read":  func(line string) string { return strings.Replace(line, `"registered_age":`, `"registered_age":-`, 1) },
		"written in other way": func(line string) string { return strings.Replace(line, `"voter_id":`, ` "voter_id": `, 1) },
	} {
		for partition := range int32(2) {
			t.Run(fmt.Sprintf("%s in partition %d", name, partition), func(t *testing.T) {
				t.Parallel()
				p := newPoll(t, 100, 100)
				line := voterOf(p, 1)
				kafkatest.Produce(t, p.cluster, &kgo.Record{Topic: election.VotersTopic, Partition: partition, Value: []byte(change(line))})
				p.register(t)
				c := p.votes(t)
				c.Log = slog.New(slog.DiscardHandler) // it warns of what cannot be read
				err := Votes(t.Context(), c)
				wantInputError(t, err, fmt.Sprintf("%q (partition ", line[generate.VoterIDStart:generate.VoterIDEnd]))
				wantInputError(t, err, "so the polls do not open")
				wantInputError(t, err, fmt.Sprintf("partition %d offset 0", partition))
				for _, topic := range []string{election.VotesTopic, election.BallotCommitmentsTopic} {
					if records := kafkatest.Read(t, p.cluster, topic, 0); len(records) > 0 {
						t.Errorf("%s has %d records", topic, len(records))
					}
				}
			})
		}
	}
}

func TestPollingDayTakesItsTime(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 200, 100)
	p.register(t)
	c := p.votes(t)
	c.Speed = 2 * time.Second
	began := time.Now()
	if err := Votes(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 1900*time.Millisecond {
		t.Errorf("the polls were open for %s", took)
	}
	p.complete(t)
}

func TestVotesAtARate(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 900, 100)
	p.register(t)
	c := p.votes(t)
	c.Rate = 1000
	began := time.Now()
	if err := Votes(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 790*time.Millisecond { // the last of five transactions is sent after 0.8 seconds
		t.Errorf("1000 ballots at 1000 a second took %s", took)
	}
	p.complete(t)
}

func TestStoppedVotesLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 1000)
	p.register(t)
	ctx, stop := context.WithCancel(t.Context())
	p.atCommit(election.VotesProducer(0), 0, func() (handled bool) { stop(); return false })
	c := p.votes(t)
	c.Rate = 100
	if err := Votes(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	began := time.Now()
	p.finish(t)
	if took := time.Since(began); took > sessionTimeout-time.Second { // the group would wait for the first
		t.Errorf("the next took %s: the first did not leave the group", took)
	}
}

func TestVotesSettingsAreChecked(t *testing.T) {
	for says, c := range map[string]VotesConfig{
		"rate is -1": {Rate: -1}, "speed is -1s": {Speed: -time.Second}, "rate and speed are both given": {Rate: 1, Speed: time.Second},
	} {
		wantInputError(t, Votes(t.Context(), c), says)
	}
}
