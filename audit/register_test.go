package audit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
)

// TestAuditComparesTheRegister plants in an election of 24 voters what may not be there.
func TestAuditComparesTheRegister(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plant func(t *testing.T, f *fixture, d *election.Definition) // it closes the register
		says  []string
	}{
		"nothing": {func(t *testing.T, f *fixture, d *election.Definition) { f.closeRegister(t, d, 24) }, nil},
		"ballots of nobody, one of them twice": {func(t *testing.T, f *fixture, d *election.Definition) {
			f.closeRegister(t, d, 24)
			kafkatest.Produce(t, f.cluster, castIn(d, 100), castIn(d, 101), castIn(d, 100))
		}, []string{"ballots of nobody on it 0 3 DIFFERS (3)", "offset 0 is the ballot of nobody on the register", "not counted: unregistered 3"}},
		"a ballot for another candidate before the voter's": {func(t *testing.T, f *fixture, d *election.Definition) {
			f.closeRegister(t, d, 24)
			vote, _ := election.ParseVote(castIn(d, 3).Value)
			vote.CandidateID = []byte(d.Candidates[1].ID)
			kafkatest.Produce(t, f.cluster, ballot(election.AppendVote(nil, vote)))
		}, []string{"conflicting copies of ballots 0 1 DIFFERS (1)", "offset 3 differs from the counted copy of its ballot", "not counted: conflicting 1"}},
		"a ballot that says another age": {func(t *testing.T, f *fixture, d *election.Definition) {
			f.closeRegister(t, d, 24)
			line := strings.Replace(string(castIn(d, 8).Value), "45-54", "18-24", 1)
			kafkatest.Produce(t, f.cluster, ballot([]byte(line)))
		}, []string{"ballots of nobody on it 0 1 DIFFERS (1)"}},
		"a voter twice": {
			func(t *testing.T, f *fixture, d *election.Definition) { f.closeRegister(t, d, 24, voterIn(t, d, 3)) },
			[]string{"voters: voter voter-3 is on the register again at voters_topic", "25 voters are on the register, and ballot_commitments allows 24 ballots"},
		},
		"a voter without a ballot": {
			func(t *testing.T, f *fixture, d *election.Definition) { f.closeRegister(t, d, 24, voterIn(t, d, 77)) },
			[]string{"25 voters are on the register, and ballot_commitments allows 24 ballots"},
		},
		"more voters than the definition has": {func(t *testing.T, f *fixture, d *election.Definition) {
			f.closeRegister(t, d, 25)
		}, []string{"13 voters of ", "/45-54/female are on the register, and the definition has 12", "the register was to have 25 voters, and the definition has 24"}},
		"fewer voters than the definition has": {
			func(t *testing.T, f *fixture, d *election.Definition) { f.closeRegister(t, d, 23) },
			[]string{"11 voters of ", "/45-54/male are on the register, and the definition has 12", "the register was to have 23 voters, and the definition has 24"},
		},
		"more ballots of a group than voters": {func(t *testing.T, f *fixture, d *election.Definition) {
			young := voterIn(t, d, 0)
			young.Value = []byte(strings.Replace(string(young.Value), `"registered_age":54`, `"registered_age":20`, 1))
			entries, ballots := []*kgo.Record{young}, []*kgo.Record{castIn(d, 0)}
			for n := 1; n < 7; n++ {
				entries, ballots = append(entries, voterIn(t, d, n)), append(ballots, castIn(d, n))
			}
			f.closeRegisterOf(t, d, entries, ballots)
		}, []string{"7 ballots of ", "/45-54/female are counted, where 6 voters are registered"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := newElectorateFixture(t, 24)
			c.plant(t, f, d)
			for n := range 7 {
				kafkatest.Produce(t, f.cluster, castIn(d, n))
			}
			f.recount(t, d)
			f.publish(t)
			f.config.Expect = 7
			printed, err := f.audit(t)
			if c.says == nil && err != nil || c.says != nil && !errors.Is(err, audit.ErrDisagree) {
				t.Errorf("ended with %v", err)
			}
			wantSaid(t, printed, c.says...)
		})
	}
}

// TestAuditKnowsWhatBallotsState has a district in which ballots state no gender.
func TestAuditKnowsWhatBallotsState(t *testing.T) {
	t.Parallel()
	f, d := newElectorateFixture(t, 15) // eight women and seven men
	f.closeRegister(t, d, 15)
	for n := range 4 {
		kafkatest.Produce(t, f.cluster, castIn(d, n))
	}
	f.recount(t, d)
	f.publish(t)
	f.config.Expect = 4
	if printed, err := f.audit(t); err != nil {
		t.Errorf("ended with %v:\n%s", err, printed)
	}
}

// TestBallotKeyShowsWhoseBallotsAreAllowed has commitments that do not follow from the key.
func TestBallotKeyShowsWhoseBallotsAreAllowed(t *testing.T) {
	t.Parallel()
	f, d := newElectorateFixture(t, 24)
	f.closeRegister(t, d, 24)
	kafkatest.Produce(t, f.cluster, castIn(d, 3))
	f.config.BallotKey, f.config.Expect = &election.BallotKey{2}, 1
	if _, err := f.audit(t); err == nil || !strings.Contains(err.Error(), "the ballot key is not the one that") {
		t.Errorf("with the key of another election it ends with %v", err)
	}
	f.config.BallotKey = &election.BallotKey{1}
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "ballot_commitments: the ballot of voter voter-0 is not among them", "voters on the register 24 24 allowed DIFFERS (24)",
		"offset 0 is counted, and by the ballot key it is the ballot of nobody on the register")
}

// TestAuditBeforeThePollsOpen has ballots, but no commitments.
func TestAuditBeforeThePollsOpen(t *testing.T) {
	t.Parallel()
	f, d := newElectorateFixture(t, 24)
	f.progress(t, election.VotersProducer, 90, 100)
	kafkatest.Produce(t, f.cluster, castIn(d, 1))
	printed, err := f.audit(t)
	if !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, printed, "The polls have not opened", "The register is still being written: 90 of 100 voters.", "not counted: unregistered 1")

	// Somebody else has written what `votes` would write.
	kafkatest.Produce(t, f.cluster, &kgo.Record{Topic: election.BallotCommitmentsTopic, Key: []byte(election.CommitmentsClosed), Value: []byte("{}")})
	if printed, err = f.audit(t); err == nil || !strings.Contains(err.Error(), "ballot_commitments, offset 0: they are those of another election") {
		t.Errorf("ended with %v: %s", err, printed)
	}
}

// TestLinkageSaysHowManyBallotsAreAlone has seven ballots of one group, and one of another at another time.
func TestLinkageSaysHowManyBallotsAreAlone(t *testing.T) {
	t.Parallel()
	f, d := newElectorateFixture(t, 24)
	f.closeRegister(t, d, 24)
	for n := range 7 {
		kafkatest.Produce(t, f.cluster, castIn(d, n))
	}
	other, _ := election.ParseVote(castIn(d, 7).Value)
	other.AgeGroup, other.VotingTime = []byte("65+"), election.AppendTime(nil, d.Polling.Opens.Add(d.Slot()))
	kafkatest.Produce(t, f.cluster, ballot(election.AppendVote(nil, other)))
	f.config.Linkage = true
	printed, _ := f.audit(t)
	wantSaid(t, printed, "district, age group and gender 1 (12.50 %) 1 (12.50 %) 8", "district and voting_time 1 (12.50 %) 1 (12.50 %) 8")
}

func TestLinkageOfAReplayHasNoVoters(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t)
	f.config.Linkage = true
	printed, err := f.audit(t)
	if err != nil {
		t.Error(err)
	}
	wantSaid(t, printed, "The ballots of a result file have no voters.")
}

// TestRegisterThatEndsNowhere has a closing record with offsets that the register does not have, for which nobody must wait.
func TestRegisterThatEndsNowhere(t *testing.T) {
	t.Parallel()
	f, d := newElectorateFixture(t, 24)
	kafkatest.Produce(t, f.cluster, kafkatest.Progress(t, election.VotersProducer,
		election.Progress{NextSerial: 24, Size: 24, Fingerprint: d.Fingerprint(), Ends: map[int32]int64{0: 1 << 40, 1: 0, 2: 0}}))
	kafkatest.PublishCommitments(t, f.config.Kafka, election.NewCommitments(d.Fingerprint(), nil))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := audit.Run(ctx, f.config); !errors.Is(err, audit.ErrDisagree) {
		t.Errorf("ended with %v", err)
	}
	wantSaid(t, f.out.String(), "progress_voters: the register ends at offset 1099511627776 of voters_topic 0, which ends at 0")
}
