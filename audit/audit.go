// Package audit recounts an election by itself and compares everything that is published with its own count.
//
// It reads votes_topic, committed records only, to its stable end; classifies, deduplicates and counts with the
// reference count of package election; and then reads every record of every result topic, with code of its own, the
// page's API, and the ledger's tables, every row in every column. Each difference is named. It shares no counting,
// folding or storing with what it checks; what a vote is, package election says to it and to the ledger.
package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// ErrDisagree is returned when the audit was carried out and something does not agree.
var ErrDisagree = errors.New("the audit found differences")

// Config is what Run needs.
type Config struct {
	Kafka    kafka.Cluster
	Postgres string        // URL, of a role that may read all tables; they are not compared where it is empty
	Page     string        // the dashboard's URL; the page is not compared where it is empty
	Settles  time.Duration // how long the page may take to show what the topics hold; 0 means 20 s
	Decides  time.Duration // how long transactions of votes_topic may take to be decided; 0 means 5 s
	Wait     bool          // wait first until all is sent, counted and stored
	Expect   int64         // votes that must be counted; negative: as many as the producers have sent
	Out      io.Writer
	Log      *slog.Logger
}

// Run audits, prints what it found to Out, and returns ErrDisagree unless all agrees and something was counted.
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
	var stored *ballots
	if c.Postgres != "" {
		stored = newBallots()
	}
	report := &report{}
	ends, err := decidedEnds(ctx, c, report)
	if err != nil {
		return err
	}
	count, err := recount(ctx, c, installation, ends, stored)
	if err != nil {
		return err
	}
	expected, err := expect(ctx, c, report, installation)
	if err != nil {
		return err
	}
	report.counted(count, expected)

	var official election.OfficialRun
	found, err := c.Kafka.LatestJSON(ctx, election.ElectionTopic, election.OfficialRunKey, &official)
	switch {
	case err != nil:
		return err
	case !found:
		report.row("official run", "one", "none", 1)
		report.say("no run is official: the streaming query has not begun; start `election submit`")
	default:
		var latest election.LatestRun
		if _, err := c.Kafka.LatestJSON(ctx, election.ElectionTopic, election.LatestRunKey, &latest); err != nil {
			return err
		}
		if err := compareTopics(ctx, c, report, count.Results(official.Run), official.Run, latest.Run); err != nil {
			return err
		}
	}
	if c.Page != "" {
		if err := comparePage(ctx, c, report, pageExpectation(count, installation, official.Run)); err != nil {
			return err
		}
	}
	if c.Postgres != "" {
		if err := compareTables(ctx, c, report, installation, stored); err != nil {
			return err
		}
	}
	if err := noteGrowth(ctx, c, report, ends); err != nil {
		return err
	}
	return report.print(c.Out)
}

// recount counts votes_topic up to ends, a partition at a time, so that only one partition's copies are looked for at a
// time. It hands every record on to stored, where there is one.
func recount(ctx context.Context, c Config, installation *election.Installation, ends map[int32]int64, stored *ballots) (*election.Count, error) {
	count := election.NewCount(&installation.Definition, installation.VotePartitions)
	for partition := range installation.VotePartitions {
		err := c.Kafka.ReadTo(ctx, election.VotesTopic, partition, ends[partition], func(r *kgo.Record) error {
			reason := count.Add(election.VoteRecord{
				Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value,
			})
			if stored != nil {
				stored.add(r, reason)
			}
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
