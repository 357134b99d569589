package audit

import (
	"context"
	"fmt"
	"strconv"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// expectation is how many votes must be counted, by those who sent them.
type expectation struct {
	votes int64  // negative where nobody says
	from  string // who says so
}

// expect asks the producers how many ballots they have sent. A replay must have sent all votes of its file. It notes
// who is not done.
func expect(ctx context.Context, c Config, report *report, record *election.Record) (expectation, error) {
	d := &record.Definition
	producers := []string{election.CastProducer}
	if d.Source != nil {
		producers = append(producers, election.ReplayProducer)
	} else {
		producers = append(producers, election.VotersProducer)
		for partition := range record.VotePartitions {
			producers = append(producers, election.VotesProducer(partition))
		}
	}
	var sent int64
	anyone := false
	for _, producer := range producers {
		progress, found, err := kafka.Progress(ctx, c.Brokers, c.Log, producer)
		if err != nil {
			return expectation{}, fmt.Errorf("read how far %s came: %w", producer, err)
		}
		switch {
		case !found:
			continue
		case producer == election.VotersProducer:
			if progress.NextSerial < progress.Size {
				report.note("The register is still being written: %d of %d voters. Differences may pass.", progress.NextSerial, progress.Size)
			}
			continue
		case producer != election.CastProducer && progress.NextSerial < progress.Size:
			report.note("Voting still goes on: %s has sent %d of %d ballots. Differences may pass.", producer, progress.NextSerial, progress.Size)
		}
		anyone = true
		sent += progress.NextSerial
		if producer == election.ReplayProducer && progress.NextSerial != d.Source.Votes {
			report.row("ballots replayed", strconv.FormatInt(d.Source.Votes, 10)+" in the file", strconv.FormatInt(progress.NextSerial, 10)+" sent", 1)
			report.say("the replay has sent %d ballots where its file has %d votes", progress.NextSerial, d.Source.Votes)
		}
	}
	switch {
	case c.Expect >= 0:
		return expectation{c.Expect, "expected"}, nil
	case anyone:
		return expectation{sent, "sent"}, nil
	case d.ExpectedVotes() > 0:
		return expectation{d.ExpectedVotes(), "in the file"}, nil
	}
	return expectation{votes: -1}, nil
}
