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
	// heartbeatEvery is how often an unchanged status is published, to say that it is still true.
	heartbeatEvery = 5 * time.Second
	// lastReportTimeout bounds the last report.
	lastReportTimeout = 2 * time.Second
)

// status is what the ledger reports about its own state. The topic keeps one report, that of the ledger that stores,
// which no other may overwrite. So a ledger that has not stored yet publishes only if no ledger ever reported what is
// stored. One that knows that another stores publishes nothing. One that has lost the lease publishes only while the
// last report is its own.
type status struct {
	config   Config
	producer *kgo.Client

	mu          sync.Mutex
	current     election.LedgerStatus
	cause       error        // why nothing is stored
	silent      bool         // nothing is published: the last report is, or may be, another ledger's
	checkLease  func() error // an error once another ledger may store; nil before this one has stored
	reportTimes []time.Time  // of the last report that Kafka confirmed, and of those after it
	changed     bool         // since the last report
}

func newStatus(c Config, producer *kgo.Client) *status {
	return &status{
		config: c, producer: producer, cause: errors.New("starting"), silent: true,
		current: election.LedgerStatus{State: "starting"},
	}
}

// load takes over the report of the ledger before, which is true until this ledger knows more. If no ledger has
// reported what is stored, this one may publish at once.
func (s *status) load(ctx context.Context) error {
	var last election.LedgerStatus
	if _, err := s.config.Kafka.LatestJSON(ctx, election.LedgerStatusTopic, election.LedgerKey, &last); err != nil {
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

// noteWaiting notes why nothing is stored, and reports whether that is news.
func (s *status) noteWaiting(cause error) (news bool) {
	s.change(func() {
		news = s.current.State != "waiting" || s.current.Error != cause.Error()
		s.current.State, s.current.Error, s.cause = "waiting", cause.Error(), cause
	})
	return news
}

// noteOtherStores notes that another ledger stores.
func (s *status) noteOtherStores() {
	s.change(func() { s.cause, s.silent = errors.New("another ledger stores"), true })
}

// noteOpened notes that this ledger stores, and what PostgreSQL holds.
func (s *status) noteOpened(rows map[string]int64, next map[topicPartition]int64, checkLease func() error) {
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
		s.cause, s.silent, s.checkLease = nil, false, checkLease
	})
}

// noteStored notes a committed transaction.
func (s *status) noteStored(table string, rows, rejected int64, b *batch) {
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

// trouble is why nothing is stored. It is nil while the ledger stores.
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

// report publishes the status every second in which it changed, and once more when ctx ends. While Kafka does not
// answer, it keeps the newest status.
func (s *status) report(ctx context.Context) error {
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastReportTimeout)
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

// publish sends the status if it is due. A status that Kafka does not take is sent again.
func (s *status) publish(ctx context.Context) {
	if !s.due() || !s.mayPublish(ctx) {
		return
	}
	s.mu.Lock()
	now := time.Now().UTC()
	s.changed, s.current.UpdatedAt = false, now
	value, err := json.Marshal(s.current)
	s.reportTimes = append(s.reportTimes, now)
	s.mu.Unlock()
	if err == nil {
		err = s.producer.ProduceSync(ctx, &kgo.Record{
			Topic: election.LedgerStatusTopic, Key: []byte(election.LedgerKey), Value: value,
		}).FirstErr()
	}
	if err != nil {
		s.config.Log.Debug("report the status", "error", err)
		s.change(func() {})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reportTimes = s.reportTimes[len(s.reportTimes)-1:]
}

// due reports whether the status has changed, or has been unchanged for heartbeatEvery.
func (s *status) due() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.silent && (s.changed || time.Since(s.current.UpdatedAt) >= heartbeatEvery)
}

// mayPublish reports whether the status would overwrite no other ledger's. A ledger whose process was suspended may
// have lost the lease long ago.
func (s *status) mayPublish(ctx context.Context) bool {
	s.mu.Lock()
	checkLease := s.checkLease
	s.mu.Unlock()
	if checkLease == nil || checkLease() == nil {
		return true
	}
	var last election.LedgerStatus
	found, err := s.config.Kafka.LatestJSON(ctx, election.LedgerStatusTopic, election.LedgerKey, &last)
	if err != nil {
		s.config.Log.Debug("read the last status", "error", err)
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checkLease() == nil || !found || slices.ContainsFunc(s.reportTimes, last.UpdatedAt.Equal) {
		return true
	}
	s.silent = true
	return false
}
