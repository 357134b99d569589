package audit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka/kafkatest"
)

func TestReplayMustHaveSentItsFile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t)
	f.progress(t, election.ReplayProducer, 150, votes)
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "Voting still goes on: replay has sent 150 of 200 ballots.", "200 votes are counted where 150 are sent",
		"the replay has sent 150 ballots where its file has 200 votes", "ballots replayed 200 in the file 150 sent DIFFERS (1)")
}

func TestBallotsCastByHandAreExpected(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cast(1, "ana", "N1"), cast(2, "bo", "N1"))
	f.publish(t)
	f.progress(t, election.CastProducer, 2, 2)
	if printed, err := f.audit(t); err != nil {
		t.Errorf("ended with %v:\n%s", err, printed)
	}
	f.progress(t, election.CastProducer, 3, 3)
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "202 votes are counted where 203 are sent")
}

// newElectorateFixture is an election with this many voters, all in the first district and from 45 to 54 years old. Its topics hold
// no voters and no votes.
func newElectorateFixture(t *testing.T, voters int64) (*fixture, *election.Definition) {
	t.Helper()
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	for i, district := range d.Districts() {
		if district.Registered = 0; i == 0 {
			district.Registered = voters
		}
	}
	d.Electorate.Ages = map[string]float64{"45-54": 1}
	f := newEmptyFixture(t)
	f.cluster = kafkatest.NewElection(t, d, partitions)
	f.config.Kafka = kafkatest.Cluster(t, f.cluster.ListenAddrs())
	kafkatest.Produce(t, f.cluster, kafkatest.JSON(t, election.ElectionTopic, election.DefinitionKey, election.Installation{
		Definition: *d, Fingerprint: d.Fingerprint(), VotePartitions: partitions, BallotKeyFingerprint: election.BallotKey{1}.Fingerprint(),
	}))
	return f, d
}

func TestElectorateIsExpectedByWhatItSent(t *testing.T) {
	t.Parallel()
	f, d := newElectorateFixture(t, 24)
	f.closeRegister(t, d, 24)
	for n := range 7 {
		kafkatest.Produce(t, f.cluster, castIn(d, n))
	}
	f.recount(t, d)
	f.publish(t)
	f.progress(t, election.VotesProducer(0), 4, 9)
	f.progress(t, election.VotesProducer(2), 3, 3)
	const notBegun = "Voting has not begun in 1 of 3 partitions of the register: votes/1."
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("where a part has not begun to vote, ended with %v", err)
	}
	wantSaid(t, printed, "votes counted 7 7 sent agrees", notBegun, "partitions that vote 3 2 begun DIFFERS (1)")
	f.config.Expect = 7
	if printed, err = f.audit(t); err != nil {
		t.Errorf("where 7 are expected, ended with %v", err)
	}
	wantSaid(t, printed, notBegun, "votes counted 7 7 expected agrees", "Everything agrees.")
	f.config.Expect = -1

	f.progress(t, election.VotesProducer(1), 0, 0) // it has no voters
	printed, err = f.audit(t)
	if err != nil {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "votes counted 7 7 sent agrees", "Voting still goes on: votes/0 has sent 4 of 9 ballots.", "Everything agrees.")
	if strings.Contains(printed, "not begun") {
		t.Errorf("it says that voting has not begun:\n%s", printed)
	}

	f.progress(t, election.VotesProducer(0), 9, 9)
	printed, err = f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "7 votes are counted where 12 are sent")
	if strings.Contains(printed, "still") {
		t.Errorf("it says that something still goes on:\n%s", printed)
	}
}

func TestSentWhenEveryProducerIsDone(t *testing.T) {
	t.Parallel()
	f, d := newElectorateFixture(t, 24)
	expect := func(want bool, when string) {
		t.Helper()
		if sent, err := audit.Sent(t.Context(), kafkatest.Cluster(t, f.cluster.ListenAddrs())); err != nil || sent != want {
			t.Errorf("%s: %t, %v", when, sent, err)
		}
	}
	expect(false, "before anybody began")
	f.progress(t, election.VotersProducer, 100, 100)
	f.progress(t, election.VotesProducer(0), 4, 9)
	f.progress(t, election.VotesProducer(1), 0, 0)
	expect(false, "a part has not begun, another is not done")
	f.progress(t, election.VotesProducer(2), 3, 3)
	expect(false, "a part is not done")
	f.progress(t, election.VotesProducer(0), 9, 9)
	expect(true, "all are done")
	f.progress(t, election.VotersProducer, 99, 100)
	expect(false, "the register is not closed")

	f.cluster = kafkatest.NewElection(t, resultFile(t).Definition, partitions)
	expect(false, "before the replay began")
	f.progress(t, election.ReplayProducer, 9, 9)
	expect(true, "the replay is done")

	d.Electorate = nil
	f.cluster = kafkatest.NewElection(t, d, partitions)
	expect(true, "there is nobody to wait for")
}

func TestWaitingAuditPrintsNothingBeforeAllIsSent(t *testing.T) {
	t.Parallel()
	f, _ := newElectorateFixture(t, 24)
	f.config.Wait = true
	f.out.Reset()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := audit.Run(ctx, f.config); !errors.Is(err, context.DeadlineExceeded) || f.out.String() != "" {
		t.Errorf("ended with %v, printed %q", err, f.out.String())
	}
}
