package audit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/audit"
	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/producer/generate"
)

// keyed is an election whose polls are open. It has the records of what the voters do by the ballot key.
type keyed struct {
	*fixture
	definition        *election.Definition
	voting, abstainer []*kgo.Record
}

func newKeyed(t *testing.T) *keyed {
	t.Helper()
	f, d := newElectorateFixture(t, 60)
	installation, err := f.config.Kafka.Election(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.config.BallotKey = &election.BallotKey{1}
	voters, ballots := generate.NewVoters(d, 1), generate.NewBallots(d, installation.Key(*f.config.BallotKey))
	k := &keyed{fixture: f, definition: d}
	var entries []*kgo.Record
	for serial := range voters.Size() {
		line, _ := voters.Append(nil, serial)
		entries = append(entries, &kgo.Record{
			Topic: election.VotersTopic, Partition: election.VoterPartition(d.Districts()[0].ID, partitions), Key: line[generate.VoterIDStart:generate.VoterIDEnd], Value: line,
		})
		gender := 0
		for i, g := range election.Genders() {
			if strings.Contains(string(line), `"gender":"`+g+`"`) {
				gender = i
			}
		}
		x, votes := ballots.Of(election.VoterID(line[generate.VoterIDStart:generate.VoterIDEnd]), 0, 3, gender) // from 45 to 54 years old
		if r := ballot(ballots.Append(nil, x)); votes {
			k.voting = append(k.voting, r)
		} else {
			k.abstainer = append(k.abstainer, r)
		}
	}
	k.closeRegisterOf(t, d, entries, append(k.voting[:len(k.voting):len(k.voting)], k.abstainer...))
	return k
}

// changed is a ballot with a change.
func (k *keyed) changed(r *kgo.Record, change func(*election.Vote)) *kgo.Record {
	vote, _ := election.ParseVote(r.Value)
	change(&vote)
	return ballot(election.AppendVote(nil, vote))
}

func (k *keyed) another(vote *election.Vote) {
	candidates := k.definition.Candidates
	if string(vote.CandidateID) == string(candidates[0].ID) {
		candidates = candidates[1:]
	}
	vote.CandidateID = []byte(candidates[0].ID)
}

// TestBallotKeyTellsEveryBallot plants in an election of 60 voters what only the ballot key can find.
func TestBallotKeyTellsEveryBallot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cast func(k *keyed) []*kgo.Record
		sent int64 // of the ballots by hand
		ends int   // how many ballots are not sent when voting ends; negative if it goes on
		says []string
	}{
		"nothing": {cast: func(k *keyed) []*kgo.Record { return k.voting }},
		"two abstainers": {
			cast: func(k *keyed) []*kgo.Record {
				return append(k.voting[:len(k.voting):len(k.voting)], k.abstainer[0], k.changed(k.abstainer[1], k.another))
			}, sent: 2,
		},
		"an abstainer whom cast does not count": {
			cast: func(k *keyed) []*kgo.Record { return append(k.voting[2:len(k.voting):len(k.voting)], k.abstainer[0]) },
			says: []string{"ballots cast by hand 1 0 sent DIFFERS (1)", "1 counted ballots are of voters who abstain by the ballot key, and cast has sent 0"},
			ends: -1,
		},
		"a voter before the voter": {
			cast: func(k *keyed) []*kgo.Record {
				return append([]*kgo.Record{k.changed(k.voting[0], k.another)}, k.voting[1:]...)
			},
			says: []string{" offset 0 is for ", " where its voter chose ", "DIFFERS (1)"},
		},
		"a voter at another time": {
			cast: func(k *keyed) []*kgo.Record {
				later := func(v *election.Vote) {
					v.VotingTime = election.AppendTime(nil, k.definition.Polling.Closes.Add(-k.definition.Slot()))
				}
				return append([]*kgo.Record{k.changed(k.voting[0], later)}, k.voting[1:]...)
			},
			says: []string{" where its voter chose ", "DIFFERS (1)"},
		},
		"real ballots removed": {
			cast: func(k *keyed) []*kgo.Record {
				return append(k.voting[3:len(k.voting):len(k.voting)], k.abstainer[:3]...)
			}, sent: 3, ends: 3,
			says: []string{"voting has ended, and 3 voters who vote by the ballot key have no counted ballot", "ballots cast by hand 3 3 sent agrees", "DIFFERS (3)"},
		},
		"voting ended early": {
			cast: func(k *keyed) []*kgo.Record { return k.voting[4:] }, ends: 4,
			says: []string{"voting has ended, and 4 voters who vote by the ballot key have no counted ballot"},
		},
		"voting goes on": {cast: func(k *keyed) []*kgo.Record { return k.voting[4:] }, ends: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKeyed(t)
			records := c.cast(k)
			kafkatest.Produce(t, k.cluster, records...)
			size := int64(len(k.voting) - max(0, c.ends))
			next := size
			if c.ends < 0 {
				next = int64(len(records)) - c.sent
			}
			for partition, size := range []int64{size, 0, 0} {
				k.progress(t, election.VotesProducer(int32(partition)), min(size, next), size)
			}
			k.progress(t, election.CastProducer, c.sent, c.sent)
			k.recount(t, k.definition)
			k.publish(t)
			printed, err := k.audit(t)
			if c.says == nil && err != nil || c.says != nil && !errors.Is(err, audit.ErrDisagree) {
				t.Errorf("ended with %v:\n%s", err, printed)
			}
			wantSaid(t, printed, c.says...)
			if strings.Contains(printed, "DIFFERS") != (c.says != nil) || strings.Count(printed, "DIFFERS") > 1 {
				t.Errorf("not one line differs:\n%s", printed)
			}
			k.config.BallotKey = nil
			if printed, err = k.audit(t); err != nil {
				t.Errorf("without the key it ended with %v:\n%s", err, printed)
			}
		})
	}
}
