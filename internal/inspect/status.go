package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// Status is how an election is doing, as far as its Kafka knows.
type Status struct {
	Election  string                 `json:"election"` // its name
	Voters    int64                  `json:"registered_voters,omitempty"`
	Producers []Producer             `json:"producers"`
	Query     *election.QueryStatus  `json:"query,omitempty"`  // nil before submit has reported
	Ledger    *election.LedgerStatus `json:"ledger,omitempty"` // nil before ledger has reported
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

// Look asks Kafka how the election is doing now.
func Look(ctx context.Context, brokers []string, log *slog.Logger, now time.Time) (*Status, error) {
	record, err := kafka.Election(ctx, brokers, log)
	if err != nil {
		return nil, err
	}
	status := &Status{Election: record.Definition.Name, Voters: record.Definition.RegisteredVoters()}
	names := []string{election.VotersProducer, election.ReplayProducer, election.CastProducer}
	for partition := range record.VotePartitions {
		names = append(names, election.VotesProducer(partition))
	}
	for _, name := range names {
		producer, err := look(ctx, brokers, log, name, now)
		if err != nil {
			return nil, fmt.Errorf("read how far %s came: %w", name, err)
		}
		if producer != nil {
			status.Producers = append(status.Producers, *producer)
		}
	}
	var query election.QueryStatus
	found, err := kafka.LatestJSON(ctx, brokers, log, election.PipelineStatusTopic, election.QueryKey, &query)
	if err != nil {
		return nil, err
	}
	if found {
		status.Query = &query
	}
	var ledger election.LedgerStatus
	if found, err = kafka.LatestJSON(ctx, brokers, log, election.PipelineStatusTopic, election.LedgerKey, &ledger); err != nil {
		return nil, err
	}
	if found {
		status.Ledger = &ledger
	}
	cl, err := kafka.NewClient(brokers, log)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	votes, err := kafka.StableEnds(ctx, cl, election.VotesTopic)
	if err != nil {
		return nil, err
	}
	voters, err := kafka.StableEnds(ctx, cl, election.VotersTopic)
	if err != nil {
		return nil, err
	}
	status.Behind = Behind{
		Count:        behind(votes, query.Counted),
		LedgerVotes:  behind(votes, ledger.Stored[election.VotesTopic]),
		LedgerVoters: behind(voters, ledger.Stored[election.VotersTopic]),
	}
	return status, nil
}

// behind is how many offsets lie between where a reader is and the ends. One that has not reported has read nothing.
func behind(ends map[int32]int64, read map[string]int64) int64 {
	var sum int64
	for partition, end := range ends {
		sum += max(0, end-read[strconv.Itoa(int(partition))])
	}
	return sum
}

// look is how far one producer came, nil where it has not begun.
func look(ctx context.Context, brokers []string, log *slog.Logger, name string, now time.Time) (*Producer, error) {
	var reports []report // those of the last seconds, and at least two
	err := kafka.Read(ctx, brokers, log, election.ProducerProgressTopic, election.ProgressPartition(name), func(r *kgo.Record) error {
		if string(r.Key) != name {
			return nil
		}
		next := report{at: r.Timestamp}
		if err := json.Unmarshal(r.Value, &next.Progress); err != nil {
			return fmt.Errorf("decode its progress at offset %d: %w", r.Offset, err)
		}
		reports = append(reports, next)
		for len(reports) > 2 && now.Sub(reports[0].at) > lately {
			reports = reports[1:]
		}
		return nil
	})
	if err != nil || len(reports) == 0 {
		return nil, err
	}
	first, last := reports[0], reports[len(reports)-1]
	producer := &Producer{Name: name, Sent: last.NextSerial, Size: last.Size, SentAt: last.at}
	if took := last.at.Sub(first.at); took > 0 && now.Sub(last.at) <= lately {
		producer.Rate = float64(last.NextSerial-first.NextSerial) / took.Seconds()
	}
	return producer, nil
}

// report is a producer's progress and when it was sent.
type report struct {
	election.Progress
	at time.Time
}
