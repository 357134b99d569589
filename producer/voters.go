package producer

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka"
	"realtime-election/producer/generate"
)

// VotersConfig is what Voters needs.
type VotersConfig struct {
	Kafka  kafka.Cluster
	Rate   int    // voters a second; 0 as fast as possible
	Seed   uint64 // of who the voters are, and their order
	Log    *slog.Logger
	Out    io.Writer       // where progress is shown; may be nil
	Health *health.Service // may be nil
}

// Validate names what is wrong, as an *election.Wrong.
func (c VotersConfig) Validate() error {
	if c.Rate < 0 {
		return &election.Wrong{Setting: "rate", Value: c.Rate, Text: "write voters a second, or 0 for no limit"}
	}
	return nil
}

// ErrNoElectorate is returned where there is no register and nobody to vote.
var ErrNoElectorate error = &election.InputError{Text: "the election has no electorate, and so no register: a replayed election's votes come from its result file; " +
	"run `election replay`, or begin anew with a definition that has an electorate"}

// Voters writes the public register of the election that Kafka holds, each voter exactly once however often it is
// stopped and started again. It returns when all are on the register, which is closed by that. The error is ErrNoElectorate
// for a replayed election, another *election.InputError where the seed is not the one it was begun with, and
// kafka.ErrNoElection where Kafka has no election.
func Voters(ctx context.Context, c VotersConfig) error {
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
	d := &installation.Definition
	var partitions []int32
	for _, district := range d.Districts() {
		partitions = append(partitions, election.VoterPartition(district.ID, installation.VotePartitions))
	}
	voters := generate.NewVoters(d, c.Seed)
	return sender{
		cluster: c.Kafka,
		log:     c.Log,
		pace:    steady(float64(c.Rate)),
		start:   election.Progress{Seed: c.Seed, Fingerprint: installation.Fingerprint},
		metrics: c.Health.Kafka("producer"),
		sent:    c.Health.Counter("election_voters_produced_total", "Voters put on the register, in committed transactions."),
		report:  reporter(c.Out, c.Log, election.VotersProducer),
	}.send(ctx, stream{
		name:   election.VotersProducer,
		topic:  election.VotersTopic,
		size:   voters.Size(),
		closes: true,
		record: func(buffer []byte, serial int64) (grown, key, value []byte, partition int32) {
			grown, district := voters.Append(buffer, serial)
			line := grown[len(buffer):]
			return grown, line[generate.VoterIDStart:generate.VoterIDEnd], line, partitions[district]
		},
	})
}

// electorate reads the election that the topics belong to, which must have voters.
func electorate(ctx context.Context, cluster kafka.Cluster) (*election.Installation, error) {
	installation, err := cluster.Election(ctx)
	switch {
	case err != nil:
		return nil, err
	case installation.Definition.Electorate == nil:
		return nil, ErrNoElectorate
	case installation.Definition.RegisteredVoters() == 0:
		return nil, &election.InputError{Text: fmt.Sprintf("no district of %q has registered voters; begin anew with a definition that gives registered", installation.Definition.Name)}
	}
	return installation, nil
}

// answers is a client for asking whether Kafka answers, which readiness does until the client is closed.
func answers(cluster kafka.Cluster, h *health.Service) (*kgo.Client, error) {
	cl, err := cluster.NewClient()
	if err != nil {
		return nil, err
	}
	h.Needs(health.Need{What: "kafka", Check: cl.Ping})
	return cl, nil
}
