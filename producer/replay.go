package producer

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka"
	"realtime-election/producer/generate"
)

// ReplayConfig is what Replay needs.
type ReplayConfig struct {
	Brokers []string
	File    string   // a result file: region,district_id,district,candidate,party,votes
	Regions []string // only these; all where empty
	Rate    int      // votes a second; 0 as fast as possible
	Seed    uint64   // of the order and the ballot ids
	Log     *slog.Logger
	Out     *os.File // where progress is shown
}

// Validate names what is wrong.
func (c ReplayConfig) Validate() error {
	if c.Rate < 0 {
		return &election.InputError{Text: fmt.Sprintf("--rate is %d; write votes a second, or 0 for no limit", c.Rate)}
	}
	return nil
}

// Replay sends one ballot for every vote of a result file, each exactly once however often it is stopped and started
// again. It returns when all are sent.
func Replay(ctx context.Context, c ReplayConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	file, err := definition.ReadResultFile(c.File, c.Regions)
	if err != nil {
		return err
	}
	record, err := kafka.Election(ctx, c.Brokers, c.Log)
	if err != nil {
		return err
	}
	fingerprint := file.Definition.Fingerprint()
	if record.Fingerprint != fingerprint {
		return &election.InputError{Text: fmt.Sprintf("the topics belong to %q, and %s with these regions is another election; begin anew with empty topics",
			record.Definition.Name, c.File)}
	}
	ballots := generate.NewReplay(file.Definition, file.Votes, c.Seed)
	return sender{
		brokers: c.Brokers,
		log:     c.Log,
		rate:    c.Rate,
		start:   election.Progress{Seed: c.Seed, Fingerprint: fingerprint},
		report:  reporter(c.Out, c.Log, "replay"),
	}.send(ctx, stream{
		name:  election.ReplayProducer,
		topic: election.VotesTopic,
		size:  ballots.Size(),
		record: func(buffer []byte, serial int64) (key, value []byte, partition int32) {
			line := ballots.Append(buffer, serial)
			id := line[election.BallotIDStart:election.BallotIDEnd]
			return id, line, election.Partition(id, record.VotePartitions)
		},
	})
}

// reportEvery is how often a producer that does not write to a terminal says how far it is.
const reportEvery = 3 * time.Second

// reporter shows progress: a bar on a terminal, a log line every few seconds elsewhere.
func reporter(out *os.File, log *slog.Logger, name string) func(sent, size int64) {
	if out != nil && term.IsTerminal(int(out.Fd())) {
		var bar *progressbar.ProgressBar
		return func(sent, size int64) {
			if bar == nil {
				bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(io.Writer(out)), progressbar.OptionSetDescription(name),
					progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionFullWidth(),
					progressbar.OptionOnCompletion(func() { fmt.Fprintln(out) }))
			}
			_ = bar.Set64(sent) // a terminal that cannot be written to is no reason to stop
		}
	}
	start, first, last := time.Now(), int64(-1), time.Time{}
	return func(sent, size int64) {
		if first < 0 {
			first = sent
		}
		if sent < size && time.Since(last) < reportEvery {
			return
		}
		last = time.Now()
		log.Info("progress", "producer", name, "sent", sent, "of", size, "rate", int64(float64(sent-first)/max(time.Since(start).Seconds(), 1e-3)))
	}
}
