package producer

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

// commitments reads ballot_commitments.
func (p *poll) commitments(t *testing.T) *election.Commitments {
	t.Helper()
	cluster := kafkatest.Cluster(t, p.cluster.ListenAddrs())
	commitments, _, err := cluster.Commitments(t.Context(), &p.installation)
	if err != nil || commitments == nil {
		t.Fatalf("the commitments are not closed: %v", err)
	}
	return commitments
}

// TestCommitmentsStandBeforeTheFirstBallot holds back the commitments, and gives the ballots of the other partition time to come
// first.
func TestCommitmentsStandBeforeTheFirstBallot(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 100, 100)
	p.register(t)
	voting := make(chan struct{})
	p.atCommit(election.VotesProducer(1), 0, func() (handled bool) { close(voting); return false })
	p.atCommit(election.CommitmentsProducer, 0, func() (handled bool) {
		p.cluster.SleepControl(func() {
			select {
			case <-voting:
				t.Error("ballots are sent before it is published which are allowed")
			case <-time.After(300 * time.Millisecond):
			}
		})
		return false
	})
	p.finish(t)
	<-voting
}

// TestCommitmentsAreThoseOfTheWholeRegister wants a commitment for each voter, and none for anybody else.
func TestCommitmentsAreThoseOfTheWholeRegister(t *testing.T) {
	t.Parallel()
	d := newElectorate(1500, 700)
	d.Electorate.Turnout.Overall = 0.5
	p := newPollOf(t, d, 2)
	p.register(t)
	p.finish(t)
	commitments, voters, disclosure := p.commitments(t), 0, election.NewDisclosure(&p.installation.Definition)
	ids := p.installation.Key(key)
	for partition := range p.installation.VotePartitions {
		for _, r := range kafkatest.Read(t, p.cluster, election.VotersTopic, partition) {
			var v election.Voter
			if err := json.Unmarshal(r.Value, &v); err != nil {
				t.Fatal(err)
			}
			id, _ := ids.Draw(v.ID)
			states := stated(disclosure, v)
			vote := election.Vote{BallotID: []byte(id.String()), DistrictID: []byte(v.DistrictID), AgeGroup: []byte(states[0]), Gender: []byte(states[1])}
			if !commitments.Has(vote) {
				t.Fatalf("voter %s has no commitment", v.ID)
			}
			voters++
			vote.Gender = []byte("another")
			if commitments.Has(vote) {
				t.Fatal("a commitment does not depend on the gender")
			}
		}
	}
	if voters != 2200 || commitments.Len() != voters {
		t.Errorf("%d voters have %d commitments", voters, commitments.Len())
	}
}

// TestPollsOpenOnceTheCommitmentsAreCommitted has the progress of the commitments before Kafka has written that their transaction is
// committed.
func TestPollsOpenOnceTheCommitmentsAreCommitted(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 100, 100)
	p.register(t)
	progress, _ := p.progress(t, election.VotersProducer)
	electorate, err := newRegister(kafkatest.Cluster(t, p.cluster.ListenAddrs()), &p.installation, key, progress.Ends).read(t.Context(), kafkatest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	var records []*kgo.Record
	for n := range electorate.commitments.Records() {
		_, name, value := electorate.commitments.AppendRecord(nil, n)
		records = append(records, &kgo.Record{Topic: election.BallotCommitmentsTopic, Key: name, Value: value})
	}
	open := kafkatest.Begin(t, p.cluster, records...)
	p.said(t, election.CommitmentsProducer, election.Progress{NextSerial: int64(len(records)), Size: int64(len(records))})
	ended := make(chan error, 1)
	go func() { ended <- Votes(t.Context(), p.votes(t)) }()
	select {
	case err := <-ended:
		t.Fatalf("votes did not wait: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	if err := open.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	p.complete(t)
}
