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
	Seed   uint64 // decides who the voters are, and their order
	Log    *slog.Logger
	Out    io.Writer       // for the progress bar, if it is a terminal; may be nil
	Health *health.Service // may be nil
}

// Validate names a wrong setting, as an *election.Wrong.
func (c VotersConfig) Validate() error {
	if c.Rate < 0 {
		return &election.Wrong{Setting: "rate", Value: c.Rate, Text: "write voters a second, or 0 for no limit"}
	}
	return nil
}

// ErrNoElectorate is returned for an election without an electorate: nobody is registered, and nobody votes.
var ErrNoElectorate error = &election.InputError{Text: "the election has no electorate, and so no register: a replayed election's votes come from its result file; " +
	"run `election replay`, or begin anew with a definition that has an electorate"}

// Voters writes the public register of the election that Kafka holds, each voter exactly once, however often Voters is
// stopped and started again. When all voters are on the register, Voters closes it and returns nil. The error is
// ErrNoElectorate for a replayed election, another *election.InputError where the seed is not the one that Voters was
// begun with, and kafka.ErrNoElection where Kafka has no election.
func Voters(ctx context.Context, c VotersConfig) error {
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
	d := &installation.Definition
	var partitions []int32
	for _, district := range d.Districts() {
		partitions = append(partitions, election.VoterPartition(district.ID, installation.VotePartitions))
	}
	voters := generate.NewVoters(d, c.Seed)
	return sender{
		cluster:      c.Kafka,
		log:          c.Log,
		newPacer:     atRate(float64(c.Rate)),
		initial:      election.Progress{Seed: c.Seed, Fingerprint: installation.Fingerprint},
		metrics:      c.Health.Kafka("producer"),
		sent:         c.Health.Counter("election_voters_produced_total", "Voters put on the register, in committed transactions."),
		showProgress: progressDisplay(c.Out, c.Log, election.VotersProducer),
	}.send(ctx, stream{
		name:        election.VotersProducer,
		topic:       election.VotersTopic,
		size:        voters.Size(),
		closesTopic: true,
		appendRecord: func(buffer []byte, serial int64) (grown, key, value []byte, partition int32) {
			grown, district := voters.Append(buffer, serial)
			line := grown[len(buffer):]
			return grown, line[generate.VoterIDStart:generate.VoterIDEnd], line, partitions[district]
		},
	})
}

// installationWithVoters reads the election that the topics belong to. It is an error if nobody is registered in it.
func installationWithVoters(ctx context.Context, cluster kafka.Cluster) (*election.Installation, error) {
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

// readinessClient makes a client, and makes the service ready only while Kafka answers that client.
func readinessClient(cluster kafka.Cluster, h *health.Service) (*kgo.Client, error) {
	cl, err := cluster.NewClient()
	if err != nil {
		return nil, err
	}
	h.Needs(health.Need{What: "kafka", Check: cl.Ping})
	return cl, nil
}
