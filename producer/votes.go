package producer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	Rate   int                // ballots a second, of all partitions and copies together; 0 as fast as possible
	Speed  time.Duration      // the polling day takes this long by the clock; 0 for no regard to time. Not with Rate
	Log    *slog.Logger
	Health *health.Service // may be nil

	// Of tests.
	keepOrder bool          // ballots are sent in the register's order: what Votes must not do, for a test to recognise
	session   time.Duration // instead of sessionTimeout, where it is not 0
}

// Validate names what is wrong, as an *election.Wrong.
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

// Votes lets the electorate vote, once the register is closed. What each voter does follows from the voter and the
// ballot key. Each ballot is sent exactly once, by whichever of several copies of Votes has the voter's partition of the
// register, however often they are stopped and started again. Votes returns when all ballots of all partitions are sent,
// by this copy or another.
//
// The ballots of a partition are sent in the order of the time at which they are cast, which chance decides: neither
// order nor time nor transaction of a ballot tells anything about the place of its voter in the register.
//
// The error is ErrNoElectorate for a replayed election, another *election.InputError for another ballot key, and
// kafka.ErrNoElection where Kafka has no election.
func Votes(ctx context.Context, c VotesConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	ready, err := answers(c.Kafka, c.Health)
	if err != nil {
		return err
	}
	defer ready.Close()
	installation, err := electorate(ctx, c.Kafka)
	if err != nil {
		return err
	}
	if c.Key.Fingerprint() != installation.BallotKeyFingerprint {
		return &election.InputError{Text: fmt.Sprintf("the ballot key is not the one that %q was prepared with; give that key, "+
			"or begin anew with empty topics", installation.Definition.Name)}
	}
	if c.session == 0 {
		c.session = sessionTimeout
	}
	v := &voting{
		VotesConfig:  c,
		installation: installation,
		ballots:      generate.NewBallots(&installation.Definition, c.Key),
		course:       newCourse(installation),
		sent:         c.Health.Counter("election_votes_produced_total", "Ballots sent, in committed transactions."),
	}
	for partition := range installation.VotePartitions {
		v.metrics = append(v.metrics, c.Health.Kafka(election.VotesProducer(partition)))
	}
	group, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group.Go(func() error { // any copy may send the last ballot
		defer stop()
		return v.course.follow(ctx, c.Kafka)
	})
	group.Go(func() error {
		err := v.share(ctx)
		if v.course.isOver() {
			return nil
		}
		return err
	})
	return group.Wait()
}

// voting is one copy of Votes at work.
type voting struct {
	VotesConfig
	installation *election.Installation
	ballots      *generate.Ballots
	course       *course
	sent         prometheus.Counter
	metrics      []kgo.Opt // by partition
}

// produce sends the ballots of a partition of the register. It returns when all are sent, or ctx is over.
func (v *voting) produce(ctx context.Context, partition int32) error {
	select {
	case <-v.course.register:
	case <-ctx.Done():
		return ctx.Err()
	}
	began := time.Now()
	ballots, err := v.castOf(ctx, partition)
	if err != nil {
		return err
	}
	v.Log.Debug("register is read", "partition", partition, "ballots", len(ballots), "took", time.Since(began))
	name := election.VotesProducer(partition)
	for {
		err := v.send(ctx, name, partition, ballots)
		if err == nil || ctx.Err() != nil || !fenced(err) {
			return err
		}
		// Another has the partition, and the group is about to say so. If it does not, Kafka had given up a
		// transaction that took too long, and this is still the one to send the ballots.
		v.Log.Warn("fenced", "producer", name, "error", err)
		if err := until(ctx, time.Now().Add(2*v.session)); err != nil {
			return err
		}
	}
}

func (v *voting) send(ctx context.Context, name string, partition int32, ballots []generate.Ballot) error {
	return sender{
		cluster: v.Kafka,
		log:     v.Log,
		pace:    v.pace(partition, ballots),
		start:   election.Progress{Fingerprint: v.installation.Fingerprint},
		metrics: v.metrics[partition],
		sent:    v.sent,
		report:  reporter(nil, v.Log, name),
	}.send(ctx, stream{
		name:  name,
		topic: election.VotesTopic,
		size:  int64(len(ballots)),
		record: func(buffer []byte, serial int64) (grown, key, value []byte, partition int32) {
			grown = v.ballots.Append(buffer, ballots[serial])
			line := grown[len(buffer):]
			id := line[election.BallotIDStart:election.BallotIDEnd]
			return grown, id, line, election.Partition(id, v.installation.VotePartitions)
		},
	})
}

// pace is how fast the ballots of a partition are sent: at its share of the rate by registered voters, or at the
// polling day's speed.
func (v *voting) pace(partition int32, ballots []generate.Ballot) func(int64) pacing {
	d := &v.installation.Definition
	if v.Speed > 0 {
		speed := float64(d.Polling.Closes.Sub(d.Polling.Opens)) / float64(v.Speed)
		due := func(serial int64) time.Duration { return time.Duration(ballots[serial].Millisecond) * time.Millisecond }
		return func(next int64) pacing { return newDay(next, int64(len(ballots)), speed, due) }
	}
	return steady(float64(v.Rate) * float64(v.registered(partition)) / float64(d.RegisteredVoters()))
}

// registered is how many voters the definition puts into a partition of the register.
func (v *voting) registered(partition int32) int64 {
	var n int64
	for _, district := range v.installation.Definition.Districts() {
		if election.VoterPartition(district.ID, v.installation.VotePartitions) == partition {
			n += district.Registered
		}
	}
	return n
}

// fenced reports whether Kafka knows a later producer of the same stream, or has ended this one's transaction.
func fenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.InvalidTxnState) ||
		errors.Is(err, kerr.InvalidProducerIDMapping)
}
