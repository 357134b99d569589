package producer

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka"
	"realtime-election/producer/generate"
)

// ReplayConfig is what Replay needs.
type ReplayConfig struct {
	Kafka   kafka.Cluster
	File    string   // a result file: region,district_id,district,candidate,party,votes
	Regions []string // only these; all where empty
	Rate    int      // votes a second; 0 as fast as possible
	Seed    uint64   // of the order and the ballot ids
	Log     *slog.Logger
	Out     io.Writer       // for the progress bar, if it is a terminal; may be nil
	Health  *health.Service // may be nil
}

// Validate names a wrong setting, as an *election.Wrong.
func (c ReplayConfig) Validate() error {
	if c.Rate < 0 {
		return &election.Wrong{Setting: "rate", Value: c.Rate, Text: "write votes a second, or 0 for no limit"}
	}
	return nil
}

// Replay sends one ballot for every vote of a result file, each exactly once, however often Replay is stopped and
// started again. It returns nil when all are sent. The error is an *election.InputError where the file or the seed is
// not the one that it was begun with, and kafka.ErrNoElection where Kafka has no election.
func Replay(ctx context.Context, c ReplayConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	file, err := definition.ReadResultFile(c.File, c.Regions)
	if err != nil {
		return err
	}
	ready, err := readinessClient(c.Kafka, c.Health)
	if err != nil {
		return err
	}
	defer ready.Close()
	installation, err := c.Kafka.Election(ctx)
	if err != nil {
		return err
	}
	fingerprint := file.Definition.Fingerprint()
	if installation.Fingerprint != fingerprint {
		return &election.InputError{Text: fmt.Sprintf("the topics belong to %q, and %s with these regions is another election; begin anew with empty topics",
			installation.Definition.Name, c.File)}
	}
	ballots := generate.NewReplay(file.Definition, file.Votes, c.Seed)
	return sender{
		cluster:      c.Kafka,
		log:          c.Log,
		newPacer:     atRate(float64(c.Rate)),
		metrics:      c.Health.Kafka("producer"),
		sent:         c.Health.Counter("election_votes_produced_total", "Ballots sent, in committed transactions."),
		initial:      election.Progress{Seed: c.Seed, Fingerprint: fingerprint},
		showProgress: progressDisplay(c.Out, c.Log, "replay"),
	}.send(ctx, stream{
		name:  election.ReplayProducer,
		topic: election.VotesTopic,
		size:  ballots.Size(),
		appendRecord: func(buffer []byte, serial int64) (grown, key, value []byte, partition int32) {
			grown = ballots.Append(buffer, serial)
			line := grown[len(buffer):]
			id := line[election.BallotIDStart:election.BallotIDEnd]
			return grown, id, line, election.Partition(id, installation.VotePartitions)
		},
	})
}
