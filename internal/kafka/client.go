// Package kafka is what the services share of talking to Kafka: a client with the project's settings, the topics, and
// reading a topic from its start to its end.
package kafka

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"
)

// batchBytes bounds what is sent at once, so that every topic takes it.
const batchBytes = 1 << 20

// NewClient makes a client that reads committed records only, and writes records of up to 1 MiB. It connects on first use. The
// error is of the options alone.
func NewClient(brokers []string, log *slog.Logger, options ...kgo.Opt) (*kgo.Client, error) {
	all := append([]kgo.Opt{
		kgo.SeedBrokers(brokers...),
		kgo.ClientID("election"),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(batchBytes),
		kgo.ProducerBatchCompression(kgo.NoCompression()), // the broker would unpack it: see election.Topics
		kgo.DisableClientMetrics(),                        // a client here may live for one read only
		kgo.WithLogger(kslog.New(slog.New(quiet{log.Handler()}))),
	}, options...)
	cl, err := kgo.NewClient(all...)
	if err != nil {
		return nil, fmt.Errorf("make a Kafka client for %v: %w", brokers, err)
	}
	return cl, nil
}

// quiet drops what the client says below a warning, unless debugging was asked for: it tells of every connection.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, level) && (level >= slog.LevelWarn || q.Handler.Enabled(ctx, slog.LevelDebug))
}
