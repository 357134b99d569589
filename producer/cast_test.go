package producer

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"

	"github.com/google/go-cmp/cmp"
)

func (p *poll) cast(t *testing.T) CastConfig {
	return CastConfig{Kafka: kafkatest.Cluster(t, p.cluster.ListenAddrs()), District: p.installation.Definition.Districts()[0].ID, Candidate: "ana", Log: kafkatest.Log(t)}
}

// newReplayPoll is an election without a register.
func newReplayPoll(t *testing.T, registered ...int64) *poll {
	t.Helper()
	d := newElectorate(registered...)
	d.Electorate = nil
	return newPollOf(t, d, int32(len(registered)))
}

// mustCast casts a ballot. It wants the ballot at the offset of the receipt, and valid.
func (p *poll) mustCast(t *testing.T, c CastConfig) election.Vote {
	t.Helper()
	receipt, err := Cast(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range kafkatest.Read(t, p.cluster, election.VotesTopic, receipt.Partition) {
		if r.Offset != receipt.Offset {
			continue
		}
		if string(r.Value) != string(receipt.Line) {
			t.Errorf("offset %d holds %s, not %s", r.Offset, r.Value, receipt.Line)
		}
		count := election.NewCount(&p.installation.Definition, p.installation.VotePartitions)
		if p.installation.Definition.Electorate != nil {
			count.SetRegister(p.commitments(t))
		}
		if reason := count.Add(election.VoteRecord{Partition: r.Partition, Offset: r.Offset, Key: r.Key, Value: r.Value}); reason != "" {
			t.Errorf("%s is %s", r.Value, reason)
		}
		vote, _ := election.ParseVote(r.Value)
		return vote
	}
	t.Fatalf("offset %d of partition %d holds no record", receipt.Offset, receipt.Partition)
	return election.Vote{}
}

func TestCastBallotIsInTheTopicAndExpected(t *testing.T) {
	t.Parallel()
	p := newReplayPoll(t, 10, 10, 10)
	ids := make(map[string]bool)
	for n := range int64(5) {
		c := p.cast(t)
		c.AgeGroup, c.Gender, c.Time = "35-44", "other", p.installation.Definition.Polling.Opens.Add(90*time.Minute)
		vote := p.mustCast(t, c)
		want := fmt.Sprintf("ana %s 35-44 other 2025-10-29T08:00:00.000Z", c.District)
		if got := fmt.Sprintf("%s %s %s %s %s", vote.CandidateID, vote.DistrictID, vote.AgeGroup, vote.Gender, vote.VotingTime); got != want {
			t.Errorf("cast %s, want %s", got, want)
		}
		ids[string(vote.BallotID)] = true
		progress, _ := p.progress(t, election.CastProducer)
		if diff := cmp.Diff(election.Progress{NextSerial: n + 1, Size: n + 1, Fingerprint: p.installation.Fingerprint}, progress); diff != "" {
			t.Errorf("after %d ballots the progress is another: %s", n+1, diff)
		}
	}
	if len(ids) != 5 {
		t.Errorf("5 ballots have %d ids", len(ids))
	}
}

// TestCastIsTheBallotOfAVoterWhoDoesNotVote casts the ballots of all women who do not vote.
func TestCastIsTheBallotOfAVoterWhoDoesNotVote(t *testing.T) {
	t.Parallel()
	d := newElectorate(40, 40)
	d.Electorate.Turnout.Overall = 0.5
	p := newPollOf(t, d, 2)
	c := p.cast(t)
	c.Gender = "female"
	refused := func(says string) {
		t.Helper()
		_, err := Cast(t.Context(), c)
		wantInputError(t, err, says)
	}
	refused("ballot-key is missing")
	c.Key = new(election.BallotKey)
	refused("the ballot key is not the one that")
	c.Key = &key
	refused("the polls are not open yet")
	p.register(t)
	refused("the polls are not open yet")
	p.finish(t)

	abstaining := make(map[string]bool)
	ids := p.installation.Key(key)
	for partition := range p.installation.VotePartitions {
		for _, r := range kafkatest.Read(t, p.cluster, election.VotersTopic, partition) {
			var v election.Voter
			if err := json.Unmarshal(r.Value, &v); err != nil {
				t.Fatal(err)
			}
			if id, _ := ids.Draw(v.ID); v.DistrictID == c.District && v.Gender == c.Gender {
				abstaining[id.String()] = true
			}
		}
	}
	for partition := range p.installation.VotePartitions {
		for _, r := range kafkatest.Read(t, p.cluster, election.VotesTopic, partition) {
			delete(abstaining, string(r.Key))
		}
	}
	if len(abstaining) == 0 {
		t.Fatal("every woman votes")
	}
	commitments := p.commitments(t)
	for range len(abstaining) {
		vote := p.mustCast(t, c)
		if !abstaining[string(vote.BallotID)] || string(vote.DistrictID) != string(c.District) || !commitments.Has(vote) {
			t.Errorf("cast %+v", vote)
		}
		delete(abstaining, string(vote.BallotID))
	}
	refused("every registered voter of that district, age group and gender has voted, or will")
}

// TestCastBallotHasTheTimeOfTheNewest has ballots with later times that are aborted, invalid, or outside polling hours.
func TestCastBallotHasTheTimeOfTheNewest(t *testing.T) {
	t.Parallel()
	p := newReplayPoll(t, 10, 10)
	at := func() string { return string(p.mustCast(t, p.cast(t)).VotingTime) }
	if got := at(); got != "2025-10-29T06:30:00.000Z" {
		t.Errorf("the first ballot is cast at %s, want when the polls open", got)
	}
	put := func(partition int32, when string) *kgo.Record {
		return &kgo.Record{Topic: election.VotesTopic, Partition: partition, Value: election.AppendVote(nil, election.Vote{
			BallotID: []byte("00000000000000000000000000000000"), CandidateID: []byte("ana"), DistrictID: []byte("d0"), VotingTime: []byte(when),
		})}
	}
	kafkatest.ProduceInTransaction(t, p.cluster, kgo.TryCommit, put(0, "2025-10-29T12:34:56.789Z"), put(1, "2025-10-29T10:00:00.000Z"))
	kafkatest.ProduceInTransaction(t, p.cluster, kgo.TryAbort, put(0, "2025-10-29T19:00:00.000Z"))
	kafkatest.Produce(t, p.cluster, put(1, "2025-10-29T20:00:00.000Z"), put(1, "2026-01-01T00:00:00.000Z"), put(0, "2025-02-31T00:00:00.000Z"),
		&kgo.Record{Topic: election.VotesTopic, Partition: 1, Value: []byte("hostile")})
	if got := at(); got != "2025-10-29T12:34:00.000Z" {
		t.Errorf("a ballot is cast at %s, want the slot of the newest while the polls are open", got)
	}
}

func TestCastThatCannotCountIsRefused(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 10, 10, 10, 10, 10, 10, 10, 10)
	d := &p.installation.Definition
	second := d.Districts()[1]
	for says, change := range map[string]func(c *CastConfig){
		"district is missing":               func(c *CastConfig) { c.District = "" },
		"candidate is missing":              func(c *CastConfig) { c.Candidate = "" },
		"age-group is \"18\"; there are 18": func(c *CastConfig) { c.AgeGroup = "18" },
		"gender is \"f\"; there are female": func(c *CastConfig) { c.Gender = "f" },
		"there is " + string(second.ID) + " (" + second.Name + ")": func(c *CastConfig) {
			c.District = election.DistrictID("Distrikt" + second.Name[len("District"):])
		},
		"district is \"nowhere-at-all\", and there is no such district":                     func(c *CastConfig) { c.District = "nowhere-at-all" },
		"candidate is \"Ana\", and there is no such candidate; there is ana (Ana), bo (Bo)": func(c *CastConfig) { c.Candidate = "Ana" },
		"time is 2025-10-29T06:29:59.999Z; a ballot counts from":                            func(c *CastConfig) { c.Time = d.Polling.Opens.Add(-time.Millisecond) },
		"until just before 2025-10-29T20:00:00.000Z":                                        func(c *CastConfig) { c.Time = d.Polling.Closes },
	} {
		c := p.cast(t)
		change(&c)
		_, err := Cast(t.Context(), c)
		wantInputError(t, err, says)
	}
	if _, begun := p.progress(t, election.CastProducer); begun {
		t.Error("a ballot was cast all the same")
	}
}

// TestCastTellsWhetherTheBallotIsInTheTopic loses the answer to a commit. Another ballot is cast before the producer
// asks again.
func TestCastTellsWhetherTheBallotIsInTheTopic(t *testing.T) {
	for name, c := range map[string]struct {
		lose      func(b *broker, other func())
		committed bool
	}{
		"the commit was carried out": {func(b *broker, other func()) {
			b.atConfirmation(election.CastProducer, 0, other)
		}, true},
		"the commit did not arrive": {func(b *broker, other func()) {
			b.atCommit(election.CastProducer, 0, func() (handled bool) { b.cluster.SleepControl(other); return true })
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newReplayPoll(t, 10, 10)
			var fenced atomic.Bool
			c.lose(p.broker, func() {
				_, err := Cast(t.Context(), p.cast(t))
				fenced.Store(err == nil)
			})
			receipt, err := Cast(t.Context(), p.cast(t))
			if !fenced.Load() {
				t.Fatalf("nobody else cast: %v", err)
			}
			var n int
			for partition := range p.installation.VotePartitions {
				n += len(kafkatest.Read(t, p.cluster, election.VotesTopic, partition))
			}
			switch {
			case c.committed && (err != nil || n != 2):
				t.Errorf("the topic holds %d ballots, and Cast ended with %v", n, err)
			case c.committed:
				for _, r := range kafkatest.Read(t, p.cluster, election.VotesTopic, receipt.Partition) {
					if r.Offset == receipt.Offset && string(r.Value) != string(receipt.Line) {
						t.Errorf("offset %d holds %s, not %s", r.Offset, r.Value, receipt.Line)
					}
				}
			case err == nil || !strings.Contains(err.Error(), "this one is not in the topic; cast it again") || n != 1:
				t.Errorf("the topic holds %d ballots, and Cast ended with %v", n, err)
			}
		})
	}
}

// TestCastThatDoesNotKnowSaysWhereToLook loses the answer to the commit, and the connection to Kafka.
func TestCastThatDoesNotKnowSaysWhereToLook(t *testing.T) {
	t.Parallel()
	p := newReplayPoll(t, 10, 10)
	ctx, cancel := context.WithCancel(t.Context())
	p.atConfirmation(election.CastProducer, 0, cancel)
	_, err := Cast(ctx, p.cast(t))
	if err == nil || !strings.Contains(err.Error(), "is not known; look in partition ") || !strings.Contains(err.Error(), " of votes_topic (`election tail` prints it) whether ballot ") {
		t.Errorf("ended with %v", err)
	}
}

func TestDistanceBetweenWords(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"utrecht", "Utrecht", 0}, {"utrcht", "utrecht", 1}, {"urtecht", "utrecht", 2}, {"Den Hag", "den haag", 1}, {"amster", "Amsterdam", 0}, {"abc", "xyz", 3}, {"é", "e", 1},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("from %s to %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
