package kafka

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// askAgain is how long Await rests after a question without an answer.
const askAgain = 250 * time.Millisecond

// Await waits until a broker answers, since a service and its Kafka may start at the same time. It gives up after atMost, and
// where Kafka refuses the client: whoever uses the cluster then says why. The error is that of NewClient.
func (c Cluster) Await(ctx context.Context, atMost time.Duration) error {
	quiet := c
	quiet.Log = slog.New(slog.DiscardHandler) // it would warn of each attempt
	cl, err := quiet.NewClient(kgo.RequestRetries(0))
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for said := false; ; {
		err := cl.Ping(ctx)
		if err == nil || ctx.Err() != nil || c.Explain(err) != nil {
			return nil
		}
		if !said {
			said = true
			c.Logger().Warn("waiting until Kafka answers", "brokers", c.String(), "at_most", atMost, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
