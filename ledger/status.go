package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

const (
	// reportEvery is how often a changed status is published.
	reportEvery = time.Second
	// heartbeatEvery is how often an unchanged one is, to say that it still holds.
	heartbeatEvery = 5 * time.Second
	// farewell bounds the last report.
	farewell = 2 * time.Second
)

// status is what the ledger reports of itself. A ledger that has not stored, or has found another that stores, reports
// nothing where a report of what is stored may be overwritten: that one is the other's. One that has lost the lease
// reports only for as long as the last report is its own.
type status struct {
	config   Config
	producer *kgo.Client

	mu      sync.Mutex
	current election.LedgerStatus
	cause   error        // why nothing is stored
	silent  bool         // the report is, or may be, another ledger's
	held    func() error // an error once another ledger may store; nil before this one has
	sent    []time.Time  // of the reports since the last one that Kafka confirmed, and of that
	changed bool         // since the last report
}

func newStatus(c Config, producer *kgo.Client) *status {
	return &status{
		config: c, producer: producer, cause: errors.New("starting"), silent: true,
		current: election.LedgerStatus{State: "starting"},
	}
}

// load takes over what the ledger before reported: it holds until more is known. Where none has stored, there is nothing
// to overwrite.
func (s *status) load(ctx context.Context) error {
	var last election.LedgerStatus
	if _, err := s.config.Kafka.LatestJSON(ctx, election.PipelineStatusTopic, election.LedgerKey, &last); err != nil {
		return fmt.Errorf("read the ledger's status: %w", err)
	}
	s.change(func() {
		last.State, last.Error = s.current.State, s.current.Error
		s.current, s.silent = last, last.Stored != nil
	})
	return nil
}

func (s *status) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.changed = true
}

// waiting notes why nothing is stored, and reports whether that is news.
func (s *status) waiting(cause error) (news bool) {
	s.change(func() {
		news = s.current.State != "waiting" || s.current.Error != cause.Error()
		s.current.State, s.current.Error, s.cause = "waiting", cause.Error(), cause
	})
	return news
}

// standby notes that another ledger stores.
func (s *status) standby() {
	s.change(func() { s.cause, s.silent = errors.New("another ledger stores"), true })
}

// opened notes that this ledger stores, and what is stored.
func (s *status) opened(rows map[string]int64, next map[place]int64, held func() error) {
	s.change(func() {
		s.current = election.LedgerStatus{
			State: "running", Voters: rows["voters"], Votes: rows["votes"], Rejected: rows["rejected_votes"],
			Stored: make(map[string]map[string]int64),
		}
		for _, topic := range topics {
			s.current.Stored[topic] = make(map[string]int64)
		}
		for at, offset := range next {
			s.current.Stored[at.topic][strconv.Itoa(int(at.partition))] = offset
		}
		s.cause, s.silent, s.held = nil, false, held
	})
}

// stored notes a transaction.
func (s *status) stored(table string, rows, rejected int64, b *batch) {
	s.change(func() {
		if table == "votes" {
			s.current.Votes += rows
		} else {
			s.current.Voters += rows
		}
		s.current.Rejected += rejected
		for partition, next := range b.next {
			s.current.Stored[b.topic][strconv.Itoa(int(partition))] = next
		}
	})
}

// trouble is why nothing is stored, nil while all is well.
func (s *status) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// rows is how many rows a table has.
func (s *status) rows(table string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch table {
	case "voters":
		return s.current.Voters
	case "votes":
		return s.current.Votes
	}
	return s.current.Rejected
}

// report publishes the status every second in which it changed, and once more when ctx ends. While Kafka is away it
// keeps the newest.
func (s *status) report(ctx context.Context) error {
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
			s.publish(last)
			cancel()
			return nil
		case <-ticker.C:
			sending, cancel := context.WithTimeout(ctx, heartbeatEvery)
			s.publish(sending)
			cancel()
		}
	}
}

// publish sends the status if there is news in it. What Kafka does not take is sent again.
func (s *status) publish(ctx context.Context) {
	if !s.due() || !s.mayReport(ctx) {
		return
	}
	s.mu.Lock()
	now := time.Now().UTC()
	s.changed, s.current.UpdatedAt = false, now
	value, err := json.Marshal(s.current)
	s.sent = append(s.sent, now)
	s.mu.Unlock()
	if err == nil {
		err = s.producer.ProduceSync(ctx, &kgo.Record{
			Topic: election.PipelineStatusTopic, Key: []byte(election.LedgerKey), Value: value,
		}).FirstErr()
	}
	if err != nil {
		s.config.Log.Debug("report the status", "error", err)
		s.change(func() {})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = s.sent[len(s.sent)-1:]
}

// due reports whether there is news, or it is time to say that there is none.
func (s *status) due() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.silent && (s.changed || time.Since(s.current.UpdatedAt) >= heartbeatEvery)
}

// mayReport reports whether the status overwrites no other ledger's. One that was stopped may have lost the lease long ago.
func (s *status) mayReport(ctx context.Context) bool {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held == nil || held() == nil {
		return true
	}
	var last election.LedgerStatus
	found, err := s.config.Kafka.LatestJSON(ctx, election.PipelineStatusTopic, election.LedgerKey, &last)
	if err != nil {
		s.config.Log.Debug("read the last status", "error", err)
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held() == nil || !found || slices.ContainsFunc(s.sent, last.UpdatedAt.Equal) {
		return true
	}
	s.silent = true
	return false
}
