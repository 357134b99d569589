package producer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

const (
	// votesGroup is the consumer group whose members share the partitions of the register.
	votesGroup = "election-votes"
	// sessionTimeout is after how long without a sign of life a member's partitions go to others.
	sessionTimeout = 6 * time.Second
)

// share is a member of the group of all copies of Votes, and produces the ballots of the partitions that the group gives
// it. It returns when ctx is over, or with the error of a partition. Then nothing of it is at work any more.
func (v *voting) share(ctx context.Context) error {
	crew := &crew{produce: v.produce, workers: make(map[int32]*worker), failed: make(chan error, 1)}
	begin := func(_ context.Context, _ *kgo.Client, given map[string][]int32) {
		crew.begin(ctx, given[election.VotersTopic])
	}
	end := func(_ context.Context, _ *kgo.Client, taken map[string][]int32) {
		crew.end(taken[election.VotersTopic])
	}
	cl, err := v.Kafka.NewClient(v.Health.Kafka("group"),
		kgo.ConsumerGroup(votesGroup),
		kgo.ConsumeTopics(election.VotersTopic),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(v.session),
		kgo.HeartbeatInterval(v.session/4),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(begin),
		kgo.OnPartitionsRevoked(end),
		kgo.OnPartitionsLost(end))
	if err != nil {
		return err
	}
	cl.PauseFetchTopics(election.VotersTopic) // the group says who owns a partition; its owner reads it by itself
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-crew.failed:
	}
	cl.Close() // leaves the group, and waits for end
	crew.end(crew.partitions())
	return err
}

// crew is the workers of one copy of Votes, one for each partition of the register that the group gave it.
type crew struct {
	produce func(ctx context.Context, partition int32) error
	failed  chan error // the first failure

	mu      sync.Mutex
	workers map[int32]*worker
}

type worker struct {
	stop context.CancelFunc
	done chan struct{}
}

// begin gives partitions workers, and does not wait for them: the group holds a member for dead that takes long here.
func (c *crew) begin(ctx context.Context, partitions []int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, partition := range partitions {
		ctx, stop := context.WithCancel(ctx)
		w := &worker{stop, make(chan struct{})}
		c.workers[partition] = w
		go func() {
			defer close(w.done)
			err := c.produce(ctx, partition)
			if err == nil || ctx.Err() != nil { // done, or taken away
				return
			}
			select {
			case c.failed <- fmt.Errorf("let partition %d of the register vote: %w", partition, err):
			default: // another was first
			}
		}()
	}
}

// end stops the workers of partitions, and returns when they are at rest: only then may others have the partitions.
func (c *crew) end(partitions []int32) {
	c.mu.Lock()
	var ending []*worker
	for _, partition := range partitions {
		if w := c.workers[partition]; w != nil {
			w.stop()
			ending = append(ending, w)
			delete(c.workers, partition)
		}
	}
	c.mu.Unlock()
	for _, w := range ending {
		<-w.done
	}
}

func (c *crew) partitions() []int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []int32
	for partition := range c.workers {
		all = append(all, partition)
	}
	slices.Sort(all)
	return all
}
