package producer

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// producersProgress is how far all producers of an election have come, those of other copies included.
type producersProgress struct {
	fingerprint       string
	registerClosed    chan struct{}    // closed when the register is
	ends              map[int32]int64  // of the register's partitions, once it is closed
	commitmentsClosed chan struct{}    // closed when all commitments are in their topic
	unfinished        map[string]bool  // by the producer's key
	sizes             map[string]int64 // what the producers that have finished say they sent
}

func newProducersProgress(installation *election.Installation) *producersProgress {
	p := &producersProgress{
		fingerprint: installation.Fingerprint, registerClosed: make(chan struct{}), commitmentsClosed: make(chan struct{}),
		unfinished: map[string]bool{election.VotersProducer: true, election.CommitmentsProducer: true}, sizes: make(map[string]int64),
	}
	for partition := range installation.VotePartitions {
		p.unfinished[election.VotesProducer(partition)] = true
	}
	return p
}

// follow reads the progress of voters and votes from its start. It returns when all producers say that they have sent all. Whether
// they have is for [voting.compareSent] to say.
func (p *producersProgress) follow(ctx context.Context, cluster kafka.Cluster) error {
	cl, err := cluster.NewClient(
		kgo.ConsumeTopics(election.VotersProgressTopic, election.VotesProgressTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer cl.Close()
	for {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("read how far the producers are: %w", err)
		}
		for _, failed := range fetches.Errors() {
			return fmt.Errorf("read %s: %w", failed.Topic, failed.Err)
		}
		for records := fetches.RecordIter(); !records.Done(); {
			record := records.Next()
			if producer := string(record.Key); p.isIn(producer, record) {
				p.learn(producer, record.Value)
			}
		}
		if len(p.unfinished) == 0 {
			return nil
		}
	}
}

// isIn reports whether a record is in the place of a producer's progress. In another, another service may have written it.
func (p *producersProgress) isIn(producer string, record *kgo.Record) bool {
	if !p.unfinished[producer] {
		return false
	}
	topic, partition := election.ProgressOf(producer)
	return record.Topic == topic && record.Partition == partition
}

// learn notes the progress of a producer. A producer that has finished stays finished, whatever comes later. Progress that no
// producer can have written is none.
func (p *producersProgress) learn(producer string, value []byte) {
	if !p.unfinished[producer] || value == nil {
		return
	}
	progress, err := election.ParseProgress(value)
	if err != nil {
		return // no producer has written it
	}
	if !progress.Finished(producer, p.fingerprint) {
		return
	}
	delete(p.unfinished, producer)
	p.sizes[producer] = progress.Size
	switch producer {
	case election.VotersProducer:
		p.ends = progress.Ends
		close(p.registerClosed)
	case election.CommitmentsProducer:
		close(p.commitmentsClosed)
	}
}
