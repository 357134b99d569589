package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// Status is how an election is doing, as far as its Kafka knows. When it was reported, Kafka's timestamps say: the clocks
// of submit and ledger may be wrong.
type Status struct {
	Election  string                 `json:"election"` // its name
	Voters    int64                  `json:"registered_voters,omitempty"`
	Producers []Producer             `json:"producers"`
	Query     *election.QueryStatus  `json:"query,omitempty"` // nil before submit has reported
	QueryAt   time.Time              `json:"query_reported_at,omitzero"`
	Ledger    *election.LedgerStatus `json:"ledger,omitempty"` // nil before ledger has reported
	LedgerAt  time.Time              `json:"ledger_reported_at,omitzero"`
	// Behind is, for each reader of a topic, how many offsets lie between where it is and the topic's stable end. Offsets
	// are not records: transactions take some too, so this is at least the number of records, and 0 is exact.
	Behind Behind `json:"offsets_behind"`
}

// Behind are offsets. A reader that has not reported has read nothing.
type Behind struct {
	Count        int64 `json:"count"`         // of votes_topic, for the streaming query
	LedgerVotes  int64 `json:"ledger_votes"`  // of votes_topic, for the ledger
	LedgerVoters int64 `json:"ledger_voters"` // of voters_topic, for the ledger
}

// Producer is how far a producer came.
type Producer struct {
	Name   string    `json:"name"`
	Sent   int64     `json:"sent"`
	Size   int64     `json:"size"`
	Rate   float64   `json:"records_per_second"` // lately; 0 where nothing was sent lately
	SentAt time.Time `json:"sent_at"`            // its last transaction
}

// lately is how far back a rate looks.
const lately = 10 * time.Second

// Look asks Kafka how the election is doing now. The error is kafka.ErrNoElection where there is none.
func Look(ctx context.Context, cluster kafka.Cluster, now time.Time) (*Status, error) {
	installation, err := cluster.Election(ctx)
	if err != nil {
		return nil, err
	}
	status := &Status{Election: installation.Definition.Name, Voters: installation.Definition.RegisteredVoters()}
	names := []string{election.VotersProducer, election.ReplayProducer, election.CastProducer}
	for partition := range installation.VotePartitions {
		names = append(names, election.VotesProducer(partition))
	}
	cl, err := cluster.NewClient()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	progress, err := reports(ctx, cluster, cl, names, now)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if of := progress[name]; len(of) > 0 {
			status.Producers = append(status.Producers, look(name, of, now))
		}
	}
	var query election.QueryStatus
	if status.QueryAt, err = reported(ctx, cluster, election.QueryKey, &query); err != nil {
		return nil, err
	}
	if !status.QueryAt.IsZero() {
		status.Query = &query
	}
	var ledger election.LedgerStatus
	if status.LedgerAt, err = reported(ctx, cluster, election.LedgerKey, &ledger); err != nil {
		return nil, err
	}
	if !status.LedgerAt.IsZero() {
		status.Ledger = &ledger
	}
	votes, err := kafka.StableEnds(ctx, cl, election.VotesTopic)
	if err != nil {
		return nil, err
	}
	voters, err := kafka.StableEnds(ctx, cl, election.VotersTopic)
	if err != nil {
		return nil, err
	}
	status.Behind = Behind{
		Count:        election.Behind(votes, query.Counted),
		LedgerVotes:  election.Behind(votes, ledger.Stored[election.VotesTopic]),
		LedgerVoters: election.Behind(voters, ledger.Stored[election.VotersTopic]),
	}
	return status, nil
}

// reported decodes what a service last said of itself, and is Kafka's timestamp of that; zero where it said nothing.
func reported(ctx context.Context, cluster kafka.Cluster, service string, into any) (time.Time, error) {
	latest, err := cluster.Latest(ctx, election.PipelineStatusTopic, 0, service)
	if err != nil || latest == nil {
		return time.Time{}, err
	}
	return latest.Timestamp, kafka.DecodeJSON(latest, into)
}

// reports are what producers said of their progress in the last seconds, and at least the last two of each.
func reports(ctx context.Context, cluster kafka.Cluster, cl *kgo.Client, names []string, now time.Time) (map[string][]report, error) {
	starts, err := kafka.Starts(ctx, cl, election.ProducerProgressTopic)
	if err != nil {
		return nil, err
	}
	ends, err := kafka.StableEnds(ctx, cl, election.ProducerProgressTopic)
	if err != nil {
		return nil, err
	}
	all := make(map[string][]report)
	err = cluster.ReadBetween(ctx, election.ProducerProgressTopic, starts, ends, func(r *kgo.Record) error {
		name, next := string(r.Key), report{at: r.Timestamp}
		if !slices.Contains(names, name) || election.ProgressPartition(name) != r.Partition {
			return nil
		}
		if err := json.Unmarshal(r.Value, &next.Progress); err != nil {
			return fmt.Errorf("read how far %s came: decode its progress at offset %d: %w", name, r.Offset, err)
		}
		of := append(all[name], next)
		for len(of) > 2 && now.Sub(of[0].at) > lately {
			of = of[1:]
		}
		all[name] = of
		return nil
	})
	return all, err
}

// look is how far a producer came, by its reports.
func look(name string, of []report, now time.Time) Producer {
	first, last := of[0], of[len(of)-1]
	producer := Producer{Name: name, Sent: last.NextSerial, Size: last.Size, SentAt: last.at}
	if took := last.at.Sub(first.at); took > 0 && now.Sub(last.at) <= lately {
		producer.Rate = float64(last.NextSerial-first.NextSerial) / took.Seconds()
	}
	return producer
}

// report is a producer's progress and when it was sent.
type report struct {
	election.Progress
	at time.Time
}
