// Package kafka has what the services need from Kafka: a client with the project's settings, the creation of topics, and reading
// a topic from its start to its end.
package kafka

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"

	"realtime-election/election"
)

// batchBytes is the largest batch that every topic accepts.
const batchBytes = 1 << 20

// Cluster says how to reach a Kafka cluster.
type Cluster struct {
	Brokers []string // bootstrap servers, each host:port
	// Security is nil for a Kafka that asks nobody who it is.
	Security *Security
	Log      *slog.Logger // for warnings of the clients; nil: the default logger
}

// Validate returns an *election.Wrong if the brokers are wrong.
func (c Cluster) Validate() error {
	if len(c.Brokers) == 0 {
		return &election.Wrong{Setting: "brokers", Text: "is empty; name at least one Kafka broker as host:port"}
	}
	for _, broker := range c.Brokers {
		if _, _, err := net.SplitHostPort(broker); err != nil {
			return &election.Wrong{Setting: "brokers", Value: broker, Text: fmt.Sprintf("write host:port: %v", err)}
		}
	}
	return nil
}

// String is the list of brokers, separated by commas, as in Kafka's setting bootstrap.servers.
func (c Cluster) String() string { return strings.Join(c.Brokers, ",") }

// Logger is Log, or the default logger.
func (c Cluster) Logger() *slog.Logger { return cmp.Or(c.Log, slog.Default()) }

// NewClient makes a client that reads committed records only, and writes records of up to 1 MiB. It connects on first
// use. The error is about the brokers or the options.
func (c Cluster) NewClient(options ...kgo.Opt) (*kgo.Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	all := append([]kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("election"),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(batchBytes),
		kgo.ProducerBatchCompression(kgo.NoCompression()), // the broker would unpack it: see election.Topics
		kgo.MaxDecompressBatchBytes(2 * election.MaxRecordBytes),
		kgo.DisableClientMetrics(), // a client here may live for one read only
		kgo.WithLogger(kslog.New(slog.New(warningsOnly{c.Logger().Handler()}))),
	}, c.Security.options()...)
	all = append(all, options...)
	cl, err := kgo.NewClient(all...)
	if err != nil {
		return nil, fmt.Errorf("make a Kafka client for %s: %w", c, err)
	}
	return cl, nil
}

// warningsOnly drops all messages below a warning, unless the level is debug: the client logs every connection.
type warningsOnly struct{ slog.Handler }

func (w warningsOnly) Enabled(ctx context.Context, level slog.Level) bool {
	return w.Handler.Enabled(ctx, level) && (level >= slog.LevelWarn || w.Handler.Enabled(ctx, slog.LevelDebug))
}
