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

// sessionTimeout is after how long without a heartbeat a member's partitions go to others.
const sessionTimeout = 6 * time.Second

// produceAssigned joins the consumer group of all copies of Votes, and produces the ballots of the partitions that the
// group assigns to this copy. It returns when ctx is over, or with the first error of a partition, after all its
// workers have ended.
func (v *voting) produceAssigned(ctx context.Context) error {
	crew := &crew{produce: v.produce, workers: make(map[int32]*worker), failed: make(chan error, 1)}
	start := func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
		crew.start(ctx, assigned[election.VotersTopic])
	}
	stop := func(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
		crew.stop(revoked[election.VotersTopic])
	}
	cl, err := v.Kafka.NewClient(v.Health.Kafka("group"),
		kgo.ConsumerGroup(election.VotesGroup),
		kgo.ConsumeTopics(election.VotersTopic),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(v.sessionTimeout),
		kgo.HeartbeatInterval(v.sessionTimeout/4),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(start),
		kgo.OnPartitionsRevoked(stop),
		kgo.OnPartitionsLost(stop))
	if err != nil {
		return err
	}
	cl.PauseFetchTopics(election.VotersTopic) // the group only assigns partitions; ballotsOf reads them
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-crew.failed:
	}
	cl.Close() // leaves the group, and waits for stop
	crew.stop(crew.partitions())
	return err
}

// crew is the workers of one copy of Votes: one for each partition of the register that the group assigned to it.
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

// start starts a worker for each partition. It does not wait for them: the group takes a member for dead that is busy
// long.
func (c *crew) start(ctx context.Context, partitions []int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, partition := range partitions {
		ctx, stop := context.WithCancel(ctx)
		w := &worker{stop, make(chan struct{})}
		c.workers[partition] = w
		go func() {
			defer close(w.done)
			err := c.produce(ctx, partition)
			if err == nil || ctx.Err() != nil { // all is sent, or the partition was revoked
				return
			}
			select {
			case c.failed <- fmt.Errorf("let partition %d of the register vote: %w", partition, err):
			default: // another worker failed first
			}
		}()
	}
}

// stop ends the workers of partitions, and returns when they have ended: only then may other copies have the
// partitions.
func (c *crew) stop(partitions []int32) {
	c.mu.Lock()
	var stopping []*worker
	for _, partition := range partitions {
		if w := c.workers[partition]; w != nil {
			w.stop()
			stopping = append(stopping, w)
			delete(c.workers, partition)
		}
	}
	c.mu.Unlock()
	for _, w := range stopping {
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
