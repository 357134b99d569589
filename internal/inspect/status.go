package inspect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// Status is the state of an election, as far as its Kafka knows it. The times of reports are Kafka's timestamps, since the clocks
// of submit and ledger may be wrong.
type Status struct {
	Election  string                 `json:"election"` // its name
	Voters    int64                  `json:"registered_voters,omitempty"`
	Producers []Producer             `json:"producers"`
	Foreign   []string               `json:"foreign_progress,omitempty"` // some of the records of progress that no producer can have written
	Query     *election.QueryStatus  `json:"query,omitempty"`            // nil before submit has reported
	QueryAt   time.Time              `json:"query_reported_at,omitzero"`
	Ledger    *election.LedgerStatus `json:"ledger,omitempty"` // nil before ledger has reported
	LedgerAt  time.Time              `json:"ledger_reported_at,omitzero"`
	// Behind is, for each reader of a topic, the number of offsets from its position to the topic's stable end. Transactions take
	// offsets too, so this is at least the number of unread records, and 0 means that there are none.
	Behind Behind `json:"offsets_behind"`
}

// Behind are numbers of offsets. A reader that has not reported has read nothing.
type Behind struct {
	Count        int64 `json:"count"`         // of votes_topic, for the streaming query
	LedgerVotes  int64 `json:"ledger_votes"`  // of votes_topic, for the ledger
	LedgerVoters int64 `json:"ledger_voters"` // of voters_topic, for the ledger
}

// Producer is the progress of a producer.
type Producer struct {
	Name   string    `json:"name"`
	Sent   int64     `json:"sent"`
	Size   int64     `json:"size"`
	Rate   float64   `json:"records_per_second"` // over rateWindow; 0 if nothing was sent in it
	SentAt time.Time `json:"sent_at"`            // its last transaction
}

// rateWindow is the time over which a rate is measured.
const rateWindow = 10 * time.Second

// ReadStatus reads the status from Kafka. The error is kafka.ErrNoElection if Kafka has no election.
func ReadStatus(ctx context.Context, cluster kafka.Cluster, now time.Time) (*Status, error) {
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
	progress, foreign, err := readProgress(ctx, cluster, cl, names, now)
	if err != nil {
		return nil, err
	}
	status.Foreign = foreign
	for _, name := range names {
		if records := progress[name]; len(records) > 0 {
			status.Producers = append(status.Producers, newProducer(name, records, now))
		}
	}
	var query election.QueryStatus
	if status.QueryAt, err = latestReport(ctx, cluster, election.QueryStatusTopic, election.QueryKey, &query); err != nil {
		return nil, err
	}
	if !status.QueryAt.IsZero() {
		status.Query = &query
	}
	var ledger election.LedgerStatus
	if status.LedgerAt, err = latestReport(ctx, cluster, election.LedgerStatusTopic, election.LedgerKey, &ledger); err != nil {
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

// latestReport decodes the last report of a service, and returns Kafka's timestamp of it, or zero if there is none.
func latestReport(ctx context.Context, cluster kafka.Cluster, topic, service string, into any) (time.Time, error) {
	latest, err := cluster.Latest(ctx, topic, 0, service)
	if err != nil || latest == nil {
		return time.Time{}, err
	}
	return latest.Timestamp, kafka.DecodeJSON(latest, into)
}

// mostForeign is how many records of progress that no producer can have written are named.
const mostForeign = 10

// readProgress reads the progress records of producers within rateWindow, and at least the last two of each. foreign names records
// that a producer cannot have written.
func readProgress(ctx context.Context, cluster kafka.Cluster, cl *kgo.Client, names []string, now time.Time) (all map[string][]progressRecord, foreign []string, err error) {
	all = make(map[string][]progressRecord)
	for _, topic := range election.ProgressTopics() {
		starts, err := kafka.Starts(ctx, cl, topic)
		if err != nil {
			return nil, nil, err
		}
		ends, err := kafka.StableEnds(ctx, cl, topic)
		if err != nil {
			return nil, nil, err
		}
		err = cluster.ReadBetween(ctx, topic, starts, ends, func(r *kgo.Record) error {
			name := string(r.Key)
			if !slices.Contains(names, name) {
				return nil
			}
			if of, partition := election.ProgressOf(name); of != topic || partition != r.Partition {
				return nil
			}
			next, err := election.ParseProgress(r.Value)
			if err != nil {
				if len(foreign) < mostForeign {
					foreign = append(foreign, fmt.Sprintf("%s %d offset %d cannot be what %s has written: %v", topic, r.Partition, r.Offset, name, err))
				}
				return nil
			}
			records := append(all[name], progressRecord{next, r.Timestamp})
			for len(records) > 2 && now.Sub(records[0].at) > rateWindow {
				records = records[1:]
			}
			all[name] = records
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return all, foreign, nil
}

// newProducer makes a Producer of the producer's progress records.
func newProducer(name string, records []progressRecord, now time.Time) Producer {
	first, last := records[0], records[len(records)-1]
	producer := Producer{Name: name, Sent: last.NextSerial, Size: last.Size, SentAt: last.at}
	if took := last.at.Sub(first.at); took > 0 && now.Sub(last.at) <= rateWindow {
		producer.Rate = float64(last.NextSerial-first.NextSerial) / took.Seconds()
	}
	return producer
}

// progressRecord is a producer's progress, and when it was sent.
type progressRecord struct {
	election.Progress
	at time.Time
}
