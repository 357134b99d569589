package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// EndTransaction ends a client's transaction, as its own method does, but only when the client has noted the topics
// that it learnt of while it sent the transaction's records. What is not sent yet is not sent any more.
//
// franz-go 1.22.2 notes a topic that is new to it after the records that waited for it are under way. A transaction
// that ends in between overlooks the topic: it answers nil to a commit and aborts, or the next one is refused as
// OUT_OF_ORDER_SEQUENCE_NUMBER.
func EndTransaction(ctx context.Context, cl *kgo.Client, end kgo.TransactionEndTry) error {
	// With no record left, this waits for no more than the lock under which topics are noted.
	if err := cl.AbortBufferedRecords(ctx); err != nil {
		return fmt.Errorf("wait for the client to note the topics: %w", err)
	}
	return cl.EndTransaction(ctx, end)
}
