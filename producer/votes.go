package producer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka"
	"realtime-election/producer/generate"
)

// VotesConfig is what Votes needs.
type VotesConfig struct {
	Kafka  kafka.Cluster
	Key    election.BallotKey // the one whose fingerprint the installation holds
	Rate   int                // ballots a second, of all partitions and copies together; 0 for no limit
	Speed  time.Duration      // how long the polling day takes by the clock; 0 ignores the voting times. Not with Rate
	Log    *slog.Logger
	Health *health.Service // may be nil

	// For tests only.
	keepOrder      bool          // sends the ballots in the register's order, which Votes must not do: a test must notice it
	sessionTimeout time.Duration // 0 is the constant
}

// Validate names a wrong setting, as an *election.Wrong.
func (c VotesConfig) Validate() error {
	switch {
	case c.Rate < 0:
		return &election.Wrong{Setting: "rate", Value: c.Rate, Text: "write ballots a second, or 0 for no limit"}
	case c.Speed < 0:
		return &election.Wrong{Setting: "speed", Value: c.Speed, Text: "write how long the polling day takes, such as 10m"}
	case c.Rate > 0 && c.Speed > 0:
		return &election.Wrong{Setting: "rate", Text: "and {speed} are both given; choose one"}
	}
	return nil
}

// Votes lets the electorate vote, once the register is closed. Before the first ballot it publishes which ballots the
// register allows (see election.Commitment): those of all its voters, in an order that tells nothing about them.
// Whether, when and for whom a voter votes follows from the voter and the ballot key. Several copies of Votes may run.
// Each ballot is sent exactly once, by the copy that has the voter's partition of the register, however often copies
// are stopped and started again. Votes returns nil when all ballots of all partitions are sent, by this copy or
// another.
//
// The ballots of a partition are sent in the order of their voting times, which are random. So neither the order nor
// the time nor the transaction of a ballot shows where its voter stands in the register.
//
// The error is ErrNoElectorate for a replayed election, another *election.InputError for another ballot key and for a register
// that has a voter twice, and kafka.ErrNoElection where Kafka has no election.
func Votes(ctx context.Context, c VotesConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	ready, err := readinessClient(c.Kafka, c.Health)
	if err != nil {
		return err
	}
	defer ready.Close()
	installation, err := installationWithVoters(ctx, c.Kafka)
	if err != nil {
		return err
	}
	if err := installation.CheckKey(c.Key); err != nil {
		return err
	}
	if c.sessionTimeout == 0 {
		c.sessionTimeout = sessionTimeout
	}
	v := &voting{
		VotesConfig:  c,
		installation: installation,
		progress:     newProducersProgress(installation),
		registerRead: make(chan struct{}),
		pollsOpen:    make(chan struct{}),
		committed:    c.Health.Counter("election_ballot_commitments_produced_total", "Records of ballot commitments sent, in committed transactions."),
		sent:         c.Health.Counter("election_votes_produced_total", "Ballots sent, in committed transactions."),
	}
	v.commitmentMetrics = c.Health.Kafka(election.CommitmentsProducer)
	for partition := range installation.VotePartitions {
		v.metrics = append(v.metrics, c.Health.Kafka(election.VotesProducer(partition)))
	}
	group, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var allSent atomic.Bool
	group.Go(func() error { // any copy may send the last ballot
		if err := v.progress.follow(ctx, c.Kafka); err != nil {
			return err
		}
		if err := v.compareSent(ctx); err != nil {
			return err
		}
		allSent.Store(true)
		stop()
		return nil
	})
	for _, do := range []func(context.Context) error{v.produceAssigned, v.awaitRegister, v.awaitCommitments} {
		group.Go(func() error {
			err := do(ctx)
			if allSent.Load() {
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

// voting is one copy of Votes at work.
type voting struct {
	VotesConfig
	installation *election.Installation
	progress     *producersProgress

	registerRead chan struct{} // closed when ballots and electorate are set
	ballots      *generate.Ballots
	electorate   *electorate
	pollsOpen    chan struct{} // closed when ballot_commitments allows the ballots of the electorate, and no others

	committed, sent   prometheus.Counter
	commitmentMetrics kgo.Opt
	metrics           []kgo.Opt // by partition
}

// await returns when all channels are closed, or when ctx is over.
func await(ctx context.Context, channels ...<-chan struct{}) error {
	for _, closed := range channels {
		select {
		case <-closed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// awaitRegister reads the register, once it is closed.
func (v *voting) awaitRegister(ctx context.Context) error {
	if err := await(ctx, v.progress.registerClosed); err != nil {
		return err
	}
	began := time.Now()
	register := newRegister(v.Kafka, v.installation, v.Key, v.progress.ends)
	register.keepOrder = v.keepOrder
	electorate, err := register.read(ctx, v.Log)
	if err != nil {
		return err
	}
	v.Log.Debug("register is read", "took", time.Since(began))
	v.ballots, v.electorate = register.ballots, electorate
	close(v.registerRead)
	return nil
}

// awaitCommitments reads ballot_commitments, once it is closed. Somebody else may have written it in the name of `votes`.
func (v *voting) awaitCommitments(ctx context.Context) error {
	if err := await(ctx, v.registerRead, v.progress.commitmentsClosed); err != nil {
		return err
	}
	// Kafka may not have written yet that the transaction with the last of them is committed, of which the progress is part too.
	commitments, _, err := v.Kafka.DecidedCommitments(ctx, v.installation)
	switch {
	case err != nil:
		return fmt.Errorf("read which ballots the register allows: %w", err)
	case commitments == nil || !commitments.Equal(v.electorate.commitments):
		return &election.InputError{Text: fmt.Sprintf("%s allows other ballots than those of the voters on the register, so the polls do not open; "+
			"find out who wrote that, and begin anew with empty topics", election.BallotCommitmentsTopic)}
	}
	close(v.pollsOpen)
	return nil
}

// compareSent compares what all producers of ballots say they have sent with what there is to send. Somebody else may have written
// that in the name of `votes`.
func (v *voting) compareSent(ctx context.Context) error {
	if err := await(ctx, v.pollsOpen); err != nil {
		return err
	}
	for partition, ballots := range v.electorate.ballots {
		producer := election.VotesProducer(int32(partition))
		if says := v.progress.sizes[producer]; says != int64(len(ballots)) {
			return &election.InputError{Text: fmt.Sprintf("%s says that %s has sent all of %d ballots, and there are %d; "+
				"find out who wrote that, and begin anew with empty topics", election.VotesProgressTopic, producer, says, len(ballots))}
		}
	}
	return nil
}

// produce sends the ballots of a partition of the register, once it is published which ballots the register allows. The copy
// with partition 0 publishes that. produce returns when all is sent, or ctx is over.
func (v *voting) produce(ctx context.Context, partition int32) error {
	if err := await(ctx, v.registerRead); err != nil {
		return err
	}
	if partition == 0 {
		if err := v.untilSent(ctx, election.CommitmentsProducer, v.sendCommitments); err != nil {
			return err
		}
	}
	if err := await(ctx, v.pollsOpen); err != nil {
		return err
	}
	name, ballots := election.VotesProducer(partition), v.electorate.ballots[partition]
	return v.untilSent(ctx, name, func(ctx context.Context) error { return v.send(ctx, name, partition, ballots) })
}

// untilSent calls send again where Kafka has fenced it.
func (v *voting) untilSent(ctx context.Context, name string, send func(context.Context) error) error {
	for {
		err := send(ctx)
		if err == nil || ctx.Err() != nil || !fenced(err) {
			return err
		}
		// Another copy has the partition, and the group is about to say so. If it does not, Kafka has aborted a
		// transaction that took too long, and this copy must still send the records.
		v.Log.Warn("fenced", "producer", name, "error", err)
		if err := sleepUntil(ctx, time.Now().Add(2*v.sessionTimeout)); err != nil {
			return err
		}
	}
}

func (v *voting) sendCommitments(ctx context.Context) error {
	return sender{
		cluster:      v.Kafka,
		log:          v.Log,
		newPacer:     atRate(0),
		initial:      election.Progress{Fingerprint: v.installation.Fingerprint},
		metrics:      v.commitmentMetrics,
		sent:         v.committed,
		showProgress: func(int64, int64) {},
	}.send(ctx, stream{
		name:  election.CommitmentsProducer,
		topic: election.BallotCommitmentsTopic,
		size:  v.electorate.commitments.Records(),
		appendRecord: func(buffer []byte, serial int64) (grown, key, value []byte, partition int32) {
			grown, key, value = v.electorate.commitments.AppendRecord(buffer, serial)
			return grown, key, value, 0
		},
	})
}

func (v *voting) send(ctx context.Context, name string, partition int32, ballots []generate.Ballot) error {
	return sender{
		cluster:      v.Kafka,
		log:          v.Log,
		newPacer:     v.newPacer(partition, ballots),
		initial:      election.Progress{Fingerprint: v.installation.Fingerprint},
		metrics:      v.metrics[partition],
		sent:         v.sent,
		showProgress: progressDisplay(nil, v.Log, name),
	}.send(ctx, stream{
		name:  name,
		topic: election.VotesTopic,
		size:  int64(len(ballots)),
		appendRecord: func(buffer []byte, serial int64) (grown, key, value []byte, partition int32) {
			grown = v.ballots.Append(buffer, ballots[serial])
			line := grown[len(buffer):]
			id := line[election.BallotIDStart:election.BallotIDEnd]
			return grown, id, line, election.Partition(id, v.installation.VotePartitions)
		},
	})
}

// newPacer makes the pacer of a partition's ballots: at the speed of the polling day, or at the partition's share of
// the rate, by its registered voters.
func (v *voting) newPacer(partition int32, ballots []generate.Ballot) func(int64) pacer {
	d := &v.installation.Definition
	if v.Speed > 0 {
		speed := float64(d.Polling.Closes.Sub(d.Polling.Opens)) / float64(v.Speed)
		due := func(serial int64) time.Duration { return v.ballots.Due(ballots[serial]) }
		return func(next int64) pacer { return newDayPacer(next, int64(len(ballots)), speed, due) }
	}
	return atRate(float64(v.Rate) * float64(registered(v.installation, partition)) / float64(d.RegisteredVoters()))
}

// fenced reports whether Kafka refused a producer because a later one of the same stream has begun, or because Kafka
// has aborted its transaction.
func fenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.InvalidTxnState) ||
		errors.Is(err, kerr.InvalidProducerIDMapping)
}
