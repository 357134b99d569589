package producer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/health/healthtest"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/producer/generate"
)

// newElectorate makes a definition with one district for each partition of the register, of this many voters.
func newElectorate(registered ...int64) *election.Definition {
	d := &election.Definition{
		ID: "x", Name: "X",
		Polling:    election.Polling{Opens: time.Date(2025, 10, 29, 6, 30, 0, 0, time.UTC), Closes: time.Date(2025, 10, 29, 20, 0, 0, 0, time.UTC)},
		Candidates: []election.Candidate{{ID: "ana", Name: "Ana", Party: "Red"}, {ID: "bo", Name: "Bo", Party: "Blue"}},
		Regions:    []election.Region{{ID: "north", Name: "North"}, {ID: "south", Name: "South"}},
		Electorate: &election.Electorate{
			Ages:    map[string]float64{"18-24": 0.2, "35-44": 0.3, "65+": 0.5},
			Turnout: election.Turnout{Overall: 1},
			Arrival: []election.Arrival{{Until: "12:00", Share: 0.3}, {Until: "20:00", Share: 0.7}},
		},
	}
	for partition, n := range registered {
		id := 0
		for election.VoterPartition(election.DistrictID(fmt.Sprint("d", id)), int32(len(registered))) != int32(partition) {
			id++
		}
		region := &d.Regions[partition%2]
		region.Districts = append(region.Districts, election.District{ID: election.DistrictID(fmt.Sprint("d", id)), Name: fmt.Sprint("District ", id), Registered: n})
	}
	d.Regions = slices.DeleteFunc(d.Regions, func(r election.Region) bool { return len(r.Districts) == 0 })
	return d
}

// key is the ballot key of these tests.
var key = election.BallotKey{4, 2}

// poll is an election with an electorate, and the broker that holds it.
type poll struct {
	*broker
	installation election.Installation
}

func newPoll(t *testing.T, registered ...int64) *poll {
	t.Helper()
	return newPollOf(t, newElectorate(registered...), int32(len(registered)))
}

func newPollOf(t *testing.T, d *election.Definition, partitions int32) *poll {
	t.Helper()
	cluster := newBroker(t, d, partitions)
	topics, err := kadm.NewClient(kafkatest.NewClient(t, cluster.cluster)).ListTopics(t.Context(), election.VotesTopic)
	if err != nil {
		t.Fatal(err)
	}
	p := &poll{cluster, election.Installation{
		VotesTopicID: topics[election.VotesTopic].ID.String(), Definition: *d, Fingerprint: d.Fingerprint(), VotePartitions: partitions, BallotKeyFingerprint: key.Fingerprint(),
	}}
	kafkatest.Produce(t, p.cluster, kafkatest.JSON(t, election.ElectionTopic, election.DefinitionKey, p.installation))
	return p
}

func (p *poll) voters(t *testing.T, rate int) VotersConfig {
	return VotersConfig{Kafka: kafkatest.Cluster(t, p.cluster.ListenAddrs()), Rate: rate, Seed: 1, Log: kafkatest.Log(t)}
}

// register puts the electorate on the register.
func (p *poll) register(t *testing.T) {
	t.Helper()
	if err := Voters(t.Context(), p.voters(t, 0)); err != nil {
		t.Fatalf("register to the end: %v", err)
	}
}

// wantRegistered wants each voter of the seed on the register once, on the right partition, and in the order of
// serials.
func (p *poll) wantRegistered(t *testing.T) {
	t.Helper()
	voters := generate.NewVoters(&p.installation.Definition, 1)
	want := make([][]string, p.installation.VotePartitions)
	for serial := range voters.Size() {
		line, district := voters.Append(nil, serial)
		partition := election.VoterPartition(p.installation.Definition.Districts()[district].ID, p.installation.VotePartitions)
		want[partition] = append(want[partition], string(line))
	}
	for partition := range want {
		var got []string
		for _, r := range kafkatest.Read(t, p.cluster, election.VotersTopic, int32(partition)) {
			got = append(got, string(r.Value))
			var voter election.Voter
			if err := json.Unmarshal(r.Value, &voter); err != nil || string(r.Key) != string(voter.ID) {
				t.Fatalf("key %s of %s", r.Key, r.Value)
			}
		}
		if !slices.Equal(got, want[partition]) {
			t.Errorf("partition %d holds %d voters, want %d, each once in order", partition, len(got), len(want[partition]))
		}
	}
}

func (p *poll) progress(t *testing.T, producer string) (election.Progress, bool) {
	t.Helper()
	progress, begun, err := kafkatest.Cluster(t, p.cluster.ListenAddrs()).Progress(t.Context(), producer)
	if err != nil {
		t.Fatal(err)
	}
	return progress, begun
}

func TestVotersAreRegisteredOnce(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 300, 0, 200)
	p.register(t)
	p.wantRegistered(t)
	closed, _ := p.progress(t, election.VotersProducer)
	if len(closed.Ends) != 3 {
		t.Errorf("the register is closed at %v", closed.Ends)
	}
	want := election.Progress{NextSerial: 500, Size: 500, Seed: 1, Fingerprint: p.installation.Fingerprint, Ends: closed.Ends}
	if diff := cmp.Diff(want, closed); diff != "" {
		t.Error("the register is closed with another progress:", diff)
	}
	line, _ := generate.NewVoters(&p.installation.Definition, 2).Append(nil, 0) // of another seed
	kafkatest.Produce(t, p.cluster, &kgo.Record{Topic: election.VotersTopic, Value: line})
	p.register(t) // a second time adds nothing, and does not close it elsewhere
	if again, _ := p.progress(t, election.VotersProducer); !cmp.Equal(closed, again) {
		t.Errorf("the register was closed with %+v, and then with %+v", closed, again)
	}
}

// TestKilledVotersGoOn ends Voters at each of its three transactions, in each way, and starts it again.
func TestKilledVotersGoOn(t *testing.T) {
	t.Parallel()
	for name := range new(broker).kills("", "") {
		for _, at := range []int64{0, 1, 2} {
			t.Run(fmt.Sprintf("%s of transaction %d", name, at+1), func(t *testing.T) {
				t.Parallel()
				p := newPoll(t, 250, 250)
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				p.kills(election.VotersProducer, election.VotersTopic)[name](at, kill)
				if err := Voters(ctx, p.voters(t, 1000)); err == nil {
					t.Fatal("it was not ended")
				}
				if progress, _ := p.progress(t, election.VotersProducer); progress.NextSerial > (at+1)*200 {
					t.Errorf("it was ended after %d", progress.NextSerial)
				}
				p.register(t)
				p.wantRegistered(t)
			})
		}
	}
}

func TestVotersOfAnotherSeedAreNotMixedIn(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 100)
	p.register(t)
	other := p.voters(t, 0)
	other.Seed = 2
	wantInputError(t, Voters(t.Context(), other), "seed is 2; voters was begun with 1 and another seed cannot continue it")
	p.wantRegistered(t)
}

func TestElectionWithoutVotersIsRefused(t *testing.T) {
	t.Parallel()
	replayed := newElectorate(5)
	replayed.Electorate = nil
	for says, d := range map[string]*election.Definition{"has no electorate": replayed, "has registered voters": newElectorate(0)} {
		b := newBroker(t, d, 1)
		wantInputError(t, Voters(t.Context(), VotersConfig{Kafka: kafkatest.Cluster(t, b.cluster.ListenAddrs()), Log: kafkatest.Log(t)}), says)
		wantInputError(t, Votes(t.Context(), VotesConfig{Kafka: kafkatest.Cluster(t, b.cluster.ListenAddrs()), Log: kafkatest.Log(t)}), says)
	}
	wantInputError(t, Voters(t.Context(), VotersConfig{Rate: -1}), "rate is -1")
}

func TestProducersTellWhatTheySent(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 120, 80)
	voters, votes := p.voters(t, 0), p.votes(t)
	voters.Health, votes.Health = health.New("voters"), health.New("votes")
	if err := Voters(t.Context(), voters); err != nil {
		t.Fatal(err)
	}
	if err := Votes(t.Context(), votes); err != nil {
		t.Fatal(err)
	}
	for says, h := range map[string]*health.Service{
		"election_voters_produced_total 200\n": voters.Health, "election_votes_produced_total 200\n": votes.Health,
	} {
		if metrics := healthtest.Metrics(h); !strings.Contains(metrics, says) {
			t.Errorf("the metrics do not say %s", says)
		}
	}
}

func TestProducerIsReadyWhileKafkaAnswers(t *testing.T) {
	t.Parallel()
	p := newPoll(t, 100)
	c := p.votes(t)
	c.Health = health.New("votes")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	joined := p.joined()
	go func() { ended <- Votes(ctx, c) }()
	<-joined
	if status, ready := healthtest.Get(c.Health, "/readyz"); status != http.StatusOK || ready != "kafka: ok\n" {
		t.Errorf("it says %d %q", status, ready)
	}
	if metrics := healthtest.Metrics(c.Health); !strings.Contains(metrics, `client="group"`) {
		t.Error("the metrics tell nothing of the group's client")
	}
	stop()
	if err := <-ended; err == nil {
		t.Error("votes ended well without a register")
	}
}
