// Package audit recounts an election and compares everything that is published with its own count.
//
// It reads the committed records of votes_topic to the stable end, and counts them with the reference count of package
// election. Then it reads, with code of its own, every record of every result topic, the page's API, and every column
// of every row of the ledger's tables. It names each difference. It shares no code for counting, folding or storing
// with the services that it checks. Only the rules for a valid vote, in package election, are also the ledger's.
// What voters do by the ballot key is computed by the code of `votes`, in package generate.
package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// ErrDisagree is returned when the audit was carried out and something does not agree.
var ErrDisagree = errors.New("the audit found differences")

// Config is what Run needs.
type Config struct {
	Kafka           kafka.Cluster
	Postgres        string              // URL, of a role that may read all tables; if it is empty, the tables are not compared
	Page            string              // the dashboard's URL; if it is empty, the page is not compared
	PageTimeout     time.Duration       // how long the page may take to show what the topics hold; 0 means 20 s
	DecisionTimeout time.Duration       // how long transactions of votes_topic may take to be decided; 0 means 5 s
	LockTimeout     time.Duration       // how long another session may lock a table; 0 means 30 s
	Wait            bool                // wait first until all is sent, counted and stored
	BallotKey       *election.BallotKey // if not nil, each commitment and each ballot is compared with what its voter does by the key
	Linkage         bool                // how many ballots are alone with what may be known of their voters is printed too
	Expect          int64               // votes that must be counted; if negative, as many as the producers have sent
	Out             io.Writer
	Log             *slog.Logger
}

// Run audits, and prints its findings to Out. It returns ErrDisagree if there is a difference, or if no vote was
// counted.
func Run(ctx context.Context, c Config) error {
	if c.Wait {
		if err := awaitEnd(ctx, c); err != nil {
			return err
		}
	}
	installation, err := c.Kafka.Election(ctx)
	if err != nil {
		return err
	}
	if c.BallotKey != nil && installation.Definition.Electorate != nil {
		if err := installation.CheckKey(*c.BallotKey); err != nil {
			return err
		}
	}
	report := &report{}
	var official election.OfficialRun
	found, err := c.Kafka.LatestJSON(ctx, election.RunsTopic, election.OfficialRunKey, &official)
	if err != nil {
		return err
	}
	if found && official.Fingerprint != installation.Fingerprint { // then nothing else can be compared
		report.addRow("definition", installation.Fingerprint, "of the official run "+official.Fingerprint, 1)
		report.addDifference("%s: the official run counts by the definition %q, and the topic %s holds %q; somebody has changed one of them", election.RunsTopic, official.Fingerprint, election.ElectionTopic, installation.Fingerprint)
		return report.print(c.Out)
	}
	var mustBeStored *ballots
	if c.Postgres != "" {
		mustBeStored = newBallots()
	}
	ends, err := decidedEnds(ctx, c, report)
	if err != nil {
		return err
	}
	register, err := readRegister(ctx, c, report, installation)
	if err != nil {
		return err
	}
	count, err := recount(ctx, c, installation, ends, register, mustBeStored)
	if err != nil {
		return err
	}
	register.compare(report)
	expected, err := readExpectation(ctx, c, report, installation)
	if err != nil {
		return err
	}
	report.addCount(count, expected)
	register.compareBallots(report, expected)

	found, err = c.Kafka.LatestJSON(ctx, election.RunsTopic, election.OfficialRunKey, &official) // it may have changed meanwhile
	switch {
	case err != nil:
		return err
	case !found:
		report.addRow("official run", "one", "none", 1)
		report.addDifference("no run is official: the streaming query has not begun; start `election submit`")
	default:
		if err := compareStatus(ctx, c, report); err != nil {
			return err
		}
		var latest election.LatestRun
		if _, err := c.Kafka.LatestJSON(ctx, election.RunsTopic, election.LatestRunKey, &latest); err != nil {
			return err
		}
		if err := compareTopics(ctx, c, report, count.Results(official.Run), official.Run, latest.Run); err != nil {
			return err
		}
	}
	if c.Page != "" {
		step, err := districtStep(ctx, c, count, installation)
		if err != nil {
			return err
		}
		if err := comparePage(ctx, c, report, pageExpectation(count, installation, official.Run, step)); err != nil {
			return err
		}
	}
	if c.Postgres != "" {
		if err := compareTables(ctx, c, report, installation, mustBeStored); err != nil {
			return err
		}
	}
	if err := noteGrowth(ctx, c, report, ends); err != nil {
		return err
	}
	if c.Linkage {
		if err := printLinkage(ctx, c, installation, ends); err != nil {
			return err
		}
	}
	return report.print(c.Out)
}

// compareStatus compares how far the query says that it has counted with what there is. Votes may be cast and counted meanwhile.
func compareStatus(ctx context.Context, c Config, report *report) error {
	var status election.QueryStatus
	if _, err := c.Kafka.LatestJSON(ctx, election.QueryStatusTopic, election.QueryKey, &status); err != nil {
		return err
	}
	cl, err := c.Kafka.NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	ends, err := kafka.StableEnds(ctx, cl, election.VotesTopic)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	for _, partition := range slices.Sorted(maps.Keys(status.Counted)) {
		number, err := strconv.ParseInt(partition, 10, 32)
		if counted, end := status.Counted[partition], ends[int32(number)]; err != nil || counted > end {
			report.addRow("query status", fmt.Sprint(end), fmt.Sprint(counted), 1)
			report.addDifference("%s: the query says that it has counted partition %s of %s up to offset %d, which ends at %d", election.QueryStatusTopic, partition, election.VotesTopic, counted, end)
		}
	}
	return nil
}

// recount counts votes_topic up to ends. It counts one partition after another, so that it must remember the ballots of
// only one. It adds every record to mustBeStored, unless that is nil.
func recount(ctx context.Context, c Config, installation *election.Installation, ends map[int32]int64, register *register, mustBeStored *ballots) (*election.Count, error) {
	count := election.NewCount(&installation.Definition, installation.VotePartitions)
	if register != nil {
		count.SetRegister(register.commitments)
	}
	for partition := range installation.VotePartitions {
		err := c.Kafka.ReadTo(ctx, election.VotesTopic, partition, ends[partition], func(r *kgo.Record) error {
			reason := count.Add(election.VoteRecord{
				Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value,
			})
			if mustBeStored != nil {
				mustBeStored.add(r, reason)
			}
			register.add(r, reason)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("recount: %w", err)
		}
		count.PartitionDone(partition)
		c.Log.Info("recounted", "topic", election.VotesTopic, "partition", partition, "of", installation.VotePartitions, "records", count.Records())
	}
	return count, nil
}
