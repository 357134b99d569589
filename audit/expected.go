package audit

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// expectation is how many votes must be counted.
type expectation struct {
	votes  int64  // negative if nothing says how many
	from   string // the source of the number, as a word for the report
	byHand int64  // ballots that cast has sent
	ended  bool   // all producers have finished
}

// producers are the producers that an election waits for: the replay, or the register and all parts of its electorate.
func producers(installation *election.Installation) []string {
	switch {
	case installation.Definition.Source != nil:
		return []string{election.ReplayProducer}
	case installation.Definition.Electorate == nil:
		return nil
	}
	all := []string{election.VotersProducer}
	for partition := range installation.VotePartitions {
		all = append(all, election.VotesProducer(partition))
	}
	return all
}

// Sent reports whether all producers have sent everything.
func Sent(ctx context.Context, cluster kafka.Cluster) (bool, error) {
	installation, err := cluster.Election(ctx)
	if err != nil {
		return false, err
	}
	for _, producer := range producers(installation) {
		progress, found, err := readProgress(ctx, cluster, installation.Fingerprint, producer, ignore)
		if err != nil || !found || progress.NextSerial < progress.Size {
			return false, err
		}
	}
	return true, nil
}

// readExpectation reads how many ballots the producers have sent. It reports a replay that has not sent all votes of
// its file. Unless Expect is set, it reports each part of the electorate that has not begun to vote. It notes the
// producers that have not finished.
func readExpectation(ctx context.Context, c Config, report *report, installation *election.Installation) (expectation, error) {
	d := &installation.Definition
	var sent, byHand int64
	someSent, ended := false, true
	foreign := report.newKind("progress")
	var notBegun []string // producers of parts of the electorate
	for _, producer := range append(producers(installation), election.CastProducer) {
		progress, found, err := readProgress(ctx, c.Kafka, installation.Fingerprint, producer, foreign.add)
		if err != nil {
			return expectation{}, err
		}
		if producer == election.CastProducer {
			byHand = progress.NextSerial
		} else if !found || progress.NextSerial < progress.Size {
			ended = false
		}
		switch {
		case !found:
			// A producer commits its progress when it begins, even with no ballot to send.
			if d.Source == nil && producer != election.CastProducer && producer != election.VotersProducer {
				notBegun = append(notBegun, producer)
			}
			continue
		case producer == election.VotersProducer:
			if progress.NextSerial < progress.Size {
				report.addNote("The register is still being written: %d of %d voters. Differences may pass.", progress.NextSerial, progress.Size)
			}
			continue
		case producer != election.CastProducer && progress.NextSerial < progress.Size:
			report.addNote("Voting still goes on: %s has sent %d of %d ballots. Differences may pass.", producer, progress.NextSerial, progress.Size)
		}
		someSent = true
		sent += progress.NextSerial
		if producer == election.ReplayProducer && progress.NextSerial != d.Source.Votes {
			report.addRow("ballots replayed", strconv.FormatInt(d.Source.Votes, 10)+" in the file", strconv.FormatInt(progress.NextSerial, 10)+" sent", 1)
			report.addDifference("the replay has sent %d ballots where its file has %d votes", progress.NextSerial, d.Source.Votes)
		}
	}
	if n := foreign.finish(); n > 0 {
		report.addRow("progress of producers", "that of each", fmt.Sprintf("%d foreign", n), n)
	}
	if len(notBegun) > 0 {
		report.addNote("Voting has not begun in %d of %d partitions of the register: %s.", len(notBegun), installation.VotePartitions, strings.Join(notBegun, ", "))
		if c.Expect < 0 {
			begun := int64(installation.VotePartitions) - int64(len(notBegun))
			report.addRow("partitions that vote", strconv.Itoa(int(installation.VotePartitions)), strconv.FormatInt(begun, 10)+" begun", len(notBegun))
			report.addDifference("a part of the electorate has not begun to vote: start `election votes` and wait, or say how many votes to expect")
		}
	}
	switch {
	case c.Expect >= 0:
		return expectation{c.Expect, "expected", byHand, ended}, nil
	case someSent:
		return expectation{sent, "sent", byHand, ended}, nil
	case d.ExpectedVotes() > 0:
		return expectation{d.ExpectedVotes(), "in the file", byHand, ended}, nil
	}
	return expectation{votes: -1, byHand: byHand, ended: ended}, nil
}
