package producer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka/kafkatest"
)

const partitions = 3

// The replayed file holds this many votes. At this rate they are sent in three transactions: 200, 200 and 100.
const (
	votes = 500
	rate  = 1000
)

const resultLines = `region,district_id,district,candidate,party,votes
North,N1,Hill,Ana,Red,250
North,N1,Hill,Bo,Blue,0
North,N2,Dale,Ana,Red,1
North,N2,Dale,Bo,Blue,149
South,S1,Moor,Bo,Blue,100
`

// replay is a result file, and the broker that its votes are sent to.
type replay struct {
	*broker
	config ReplayConfig
}

func newReplay(t *testing.T) *replay {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result.csv")
	write(t, path, resultLines)
	file, err := definition.ReadResultFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := newBroker(t, file.Definition, partitions)
	return &replay{b, ReplayConfig{Kafka: kafkatest.Cluster(t, b.cluster.ListenAddrs()), File: path, Rate: rate, Seed: 1, Log: kafkatest.Log(t)}}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// finish replays to the end. Then it wants each vote of the file in the topic once, and no other record.
func (r *replay) finish(t *testing.T) {
	t.Helper()
	if err := Replay(t.Context(), r.config); err != nil {
		t.Fatalf("replay to the end: %v", err)
	}
	r.complete(t)
}

func (r *replay) complete(t *testing.T) {
	t.Helper()
	file, err := definition.ReadResultFile(r.config.File, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]int64)
	for i, line := range file.Definition.Source.Lines {
		if file.Votes[i] > 0 {
			want[string(file.Definition.Districts()[line[0]].ID)+"/"+string(file.Definition.Candidates[line[1]].ID)] = file.Votes[i]
		}
	}
	count := election.NewCount(file.Definition, partitions)
	for partition := range int32(partitions) {
		for _, rec := range kafkatest.Read(t, r.cluster, election.VotesTopic, partition) {
			count.Add(election.VoteRecord{Partition: rec.Partition, Offset: rec.Offset, Timestamp: rec.Timestamp, Key: rec.Key, Value: rec.Value})
		}
	}
	got := make(map[string]int64)
	for natural, result := range count.Results(1)[election.ByDistrictTopic] {
		got[natural] = result.TotalVotes
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the votes sent are not the file's: %s", diff)
	}
	if rejected := count.Rejected(); len(rejected) > 0 {
		t.Errorf("ballots were sent that do not count: %v", rejected)
	}
}

func TestReplaySendsEveryVoteOnce(t *testing.T) {
	t.Parallel()
	r := newReplay(t)
	r.config.Rate = 0
	r.finish(t)
	r.finish(t) // a second replay adds nothing
}

func TestRecordsAreKeyedByBallotOnItsPartition(t *testing.T) {
	t.Parallel()
	r := newReplay(t)
	r.config.Rate = 0
	r.finish(t)
	for partition := range int32(partitions) {
		records := kafkatest.Read(t, r.cluster, election.VotesTopic, partition)
		if len(records) < votes/partitions/2 {
			t.Errorf("partition %d holds %d of %d ballots", partition, len(records), votes)
		}
		for _, rec := range records {
			vote, ok := election.ParseVote(rec.Value)
			if !ok || string(rec.Key) != string(vote.BallotID) || rec.Partition != election.Partition(rec.Key, partitions) {
				t.Fatalf("partition %d offset %d: key %q value %s", rec.Partition, rec.Offset, rec.Key, rec.Value)
			}
		}
	}
}

// TestKilledReplayGoesOn ends a replay at its first and its last transaction, in each way, and starts it again.
func TestKilledReplayGoesOn(t *testing.T) {
	t.Parallel()
	for name := range new(broker).kills("", "") {
		for _, at := range []int64{0, 2} {
			t.Run(fmt.Sprintf("%s of transaction %d", name, at+1), func(t *testing.T) {
				t.Parallel()
				r := newReplay(t)
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				r.kills(election.ReplayProducer, election.VotesTopic)[name](at, kill)
				if err := Replay(ctx, r.config); err == nil {
					t.Fatal("the replay was not ended")
				}
				r.finish(t)
			})
		}
	}
}

// TestLostConfirmationIsAskedForAgain cuts the connection after a commit, and lets the producer go on.
func TestLostConfirmationIsAskedForAgain(t *testing.T) {
	t.Parallel()
	r := newReplay(t)
	r.atConfirmation(election.ReplayProducer, 1, func() {})
	r.finish(t)
}

func TestReplayIsNotContinuedWithAnotherSeed(t *testing.T) {
	t.Parallel()
	r := newReplay(t)
	r.config.Rate = 0
	r.finish(t)
	r.config.Seed = 2
	wantInputError(t, Replay(t.Context(), r.config), "seed is 2; replay was begun with 1 and another seed cannot continue it")
	r.complete(t)
}

func TestReplayIsNotContinuedWithAnotherFile(t *testing.T) {
	t.Parallel()
	r := newReplay(t)
	r.config.Rate = 0
	for name, change := range map[string][2]string{
		"one vote more":    {",250\n", ",251\n"},
		"another district": {"S1,Moor", "S1,More"},
		"a line left out":  {"North,N1,Hill,Bo,Blue,0\n", ""},
	} {
		other := r.config
		other.File = filepath.Join(t.TempDir(), filepath.Base(r.config.File))
		write(t, other.File, strings.Replace(resultLines, change[0], change[1], 1))
		t.Log(name)
		wantInputError(t, Replay(t.Context(), other), "is another election")
	}
	other := r.config
	other.Regions = []string{"North"}
	wantInputError(t, Replay(t.Context(), other), "is another election")
	for partition := range int32(partitions) {
		if n := len(kafkatest.Read(t, r.cluster, election.VotesTopic, partition)); n > 0 {
			t.Errorf("%d records were sent all the same", n)
		}
	}
}

func TestProgressOfAnotherElectionIsNotContinued(t *testing.T) {
	t.Parallel()
	r := newReplay(t)
	progress := kafkatest.Progress(t, election.ReplayProducer,
		election.Progress{NextSerial: 200, Seed: r.config.Seed, Fingerprint: "another"})
	kafkatest.Produce(t, r.cluster, progress)
	wantInputError(t, Replay(t.Context(), r.config), "begun for another election")
}

func TestProgressThatCannotBeIsNotContinued(t *testing.T) {
	t.Parallel()
	for _, next := range []int64{-1, votes + 1} {
		r := newReplay(t)
		file, err := definition.ReadResultFile(r.config.File, nil)
		if err != nil {
			t.Fatal(err)
		}
		progress := kafkatest.Progress(t, election.ReplayProducer,
			election.Progress{NextSerial: next, Size: votes, Seed: r.config.Seed, Fingerprint: file.Definition.Fingerprint()})
		kafkatest.Produce(t, r.cluster, progress)
		wantInputError(t, Replay(t.Context(), r.config), fmt.Sprintf("says of replay that record %d is next, of 500", next))
	}
}

func TestNegativeRateIsRefused(t *testing.T) {
	wantInputError(t, Replay(t.Context(), ReplayConfig{Rate: -1}), "rate is -1")
}

func wantInputError(t *testing.T, err error, says string) {
	t.Helper()
	var wrong *election.InputError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), says) {
		t.Errorf("ended with %v, want an input error that says %q", err, says)
	}
}

// TestSecondProducerEndsTheFirst starts a second replay while the first waits for a commit. The commit is carried out
// after the second asked to become the producer, and before it is the producer. So the second must not read the
// progress earlier.
func TestSecondProducerEndsTheFirst(t *testing.T) {
	t.Parallel()
	r := newReplay(t)
	asked, second, goesOn := make(chan struct{}), make(chan struct{}), make(chan struct{})
	r.atCommit(election.ReplayProducer, 0, func() (handled bool) {
		close(asked)
		r.cluster.SleepControl(func() { <-second })
		r.cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			close(goesOn)
			r.cluster.DropControl()
			return nil, nil, false
		})
		return false
	})
	first := make(chan error, 1)
	go func() { first <- Replay(t.Context(), r.config) }()
	<-asked
	r.cluster.ControlKey(int16(kmsg.InitProducerID), func(kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.DropControl()
		close(second)
		r.cluster.SleepControl(func() { <-goesOn })
		return nil, nil, false
	})
	r.finish(t)
	err := <-first
	// Which error it is depends on the next request of the first.
	if !errors.Is(err, kerr.ProducerFenced) && !errors.Is(err, kerr.InvalidProducerEpoch) && !errors.Is(err, kerr.InvalidTxnState) {
		t.Errorf("the first ended with %v, want it fenced", err)
	}
	r.complete(t)
}
