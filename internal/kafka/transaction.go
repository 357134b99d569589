package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// EndTransaction ends a client's transaction like the method of the client, but first waits until the client has noted all topics of
// the transaction. It drops records that are not sent yet.
//
// franz-go 1.22.2 notes a new topic only after it has begun to send the first records to it. A transaction that ends in between
// misses the topic. Then EndTransaction of the client returns nil for a commit but aborts, or Kafka refuses the next transaction
// with OUT_OF_ORDER_SEQUENCE_NUMBER.
func EndTransaction(ctx context.Context, cl *kgo.Client, end kgo.TransactionEndTry) error {
	// If all records are sent, this only waits for the lock that the client holds while it notes topics.
	if err := cl.AbortBufferedRecords(ctx); err != nil {
		return fmt.Errorf("wait for the client to note the topics: %w", err)
	}
	return cl.EndTransaction(ctx, end)
}
