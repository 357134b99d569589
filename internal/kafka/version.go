package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"realtime-election/election"
)

// oldest is the oldest Kafka for an election, and a request that it was the first to answer.
const (
	oldest          = "3.0"
	requestOfOldest = kmsg.DescribeTransactions
)

// CheckVersion returns an *election.Wrong if a broker is too old for an election.
func (c Cluster) CheckVersion(ctx context.Context, cl *kgo.Client) error {
	for _, answer := range cl.RequestSharded(ctx, kmsg.NewPtrApiVersionsRequest()) {
		if answer.Err != nil {
			return fmt.Errorf("ask for the version of Kafka: %w", answer.Err)
		}
		if !kversion.FromApiVersionsResponse(answer.Resp.(*kmsg.ApiVersionsResponse)).HasKey(int16(requestOfOldest)) {
			return &election.Wrong{Setting: "brokers", Text: fmt.Sprintf("lead to %s, a Kafka older than %s; an election needs that or a newer one", c, oldest)}
		}
	}
	return nil
}
