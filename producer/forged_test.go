package producer

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

// TestWhatSomebodyWroteInTheNameOfAProducerIsRefused has somebody with the login of `votes` or `voters` write, before the polls open.
func TestWhatSomebodyWroteInTheNameOfAProducerIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		forge func(t *testing.T, p *poll) // the progress of 300 voters
		says  string
	}{
		"commitments to other ballots": {func(t *testing.T, p *poll) {
			p.register(t)
			var others []election.Commitment
			for n := range 300 {
				others = append(others, election.CommitTo(p.installation.Fingerprint, election.Vote{BallotID: fmt.Appendf(nil, "%032x", n)}))
			}
			commitments := election.NewCommitments(p.installation.Fingerprint, others)
			kafkatest.PublishCommitments(t, kafkatest.Cluster(t, p.cluster.ListenAddrs()), commitments)
			p.said(t, election.CommitmentsProducer, election.Progress{NextSerial: commitments.Records(), Size: commitments.Records()})
		}, "ballot_commitments allows other ballots than those of the voters on the register"},
		"no commitments": {func(t *testing.T, p *poll) {
			p.register(t)
			p.said(t, election.CommitmentsProducer, election.Progress{NextSerial: 2, Size: 2})
		}, "ballot_commitments allows other ballots than those of the voters on the register"},
		"an empty record of commitments": {func(t *testing.T, p *poll) {
			p.register(t)
			kafkatest.Produce(t, p.cluster, &kgo.Record{Topic: election.BallotCommitmentsTopic})
		}, "a value has 0 bytes"},
		"no ballots": {func(t *testing.T, p *poll) {
			p.register(t)
			p.said(t, election.VotesProducer(0), election.Progress{})
			p.said(t, election.VotesProducer(1), election.Progress{})
		}, "progress_votes says that votes/0 has sent all of 0 ballots, and there are 200"},
		"a register without voters": {func(t *testing.T, p *poll) {
			p.said(t, election.VotersProducer, election.Progress{NextSerial: 300, Size: 300, Ends: map[int32]int64{0: 0, 1: 0}})
		}, "0 voters of d0 are on the register (voters_topic), and the definition has 200, so the polls do not open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPoll(t, 200, 100)
			c.forge(t, p)
			wantInputError(t, Votes(t.Context(), p.votes(t)), c.says)
		})
	}
}

// said writes progress in the name of a producer.
func (p *poll) said(t *testing.T, producer string, progress election.Progress) {
	t.Helper()
	progress.Fingerprint = p.installation.Fingerprint
	kafkatest.Produce(t, p.cluster, kafkatest.Progress(t, producer, progress))
}
