package producer

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// course is how far the producers of an election are, of all copies.
type course struct {
	fingerprint string
	register    chan struct{}   // closed when the register is
	ends        map[int32]int64 // of the register's partitions, once it is closed
	over        chan struct{}   // closed when the ballots of all partitions are sent
	open        map[string]bool
}

func newCourse(installation *election.Installation) *course {
	c := &course{
		fingerprint: installation.Fingerprint, register: make(chan struct{}), over: make(chan struct{}),
		open: map[string]bool{election.VotersProducer: true},
	}
	for partition := range installation.VotePartitions {
		c.open[election.VotesProducer(partition)] = true
	}
	return c
}

// follow reads producer_progress from its start. It returns when all ballots are sent.
func (c *course) follow(ctx context.Context, cluster kafka.Cluster) error {
	cl, err := cluster.NewClient(
		kgo.ConsumeTopics(election.ProducerProgressTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer cl.Close()
	for {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("read %s: %w", election.ProducerProgressTopic, err)
		}
		for _, failed := range fetches.Errors() {
			return fmt.Errorf("read %s: %w", election.ProducerProgressTopic, failed.Err)
		}
		for records := fetches.RecordIter(); !records.Done(); {
			record := records.Next()
			if err := c.learn(string(record.Key), record.Value); err != nil {
				return err
			}
		}
		if c.isOver() {
			return nil
		}
	}
}

// learn takes the progress of a producer into account. A producer that has ended stays at its end.
func (c *course) learn(producer string, value []byte) error {
	if !c.open[producer] || value == nil {
		return nil
	}
	var progress election.Progress
	if err := json.Unmarshal(value, &progress); err != nil {
		return fmt.Errorf("decode the progress of %s: %w", producer, err)
	}
	closed := producer != election.VotersProducer || progress.Ends != nil
	if progress.Fingerprint != c.fingerprint || progress.NextSerial < progress.Size || !closed {
		return nil
	}
	delete(c.open, producer)
	if producer == election.VotersProducer {
		c.ends = progress.Ends
		close(c.register)
	}
	if len(c.open) == 0 {
		close(c.over)
	}
	return nil
}

func (c *course) isOver() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}
