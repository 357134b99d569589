// Package kafka is what the services share of talking to Kafka: a client with the project's settings, the topics, and
// reading a topic from its start to its end.
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

// batchBytes bounds what is sent at once, so that every topic takes it.
const batchBytes = 1 << 20

// Cluster is a Kafka cluster as this program's clients reach it.
type Cluster struct {
	Brokers []string     // bootstrap servers, each host:port
	Log     *slog.Logger // takes what the clients warn of; nil: the default logger
}

// Validate says what is wrong with the brokers, as an *election.Wrong.
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

// String is the brokers, separated by commas, as Kafka's bootstrap.servers has them.
func (c Cluster) String() string { return strings.Join(c.Brokers, ",") }

// Logger is Log, or the default logger.
func (c Cluster) Logger() *slog.Logger { return cmp.Or(c.Log, slog.Default()) }

// NewClient makes a client that reads committed records only, and writes records of up to 1 MiB. It connects on first
// use. The error is of the brokers or of the options.
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
		kgo.DisableClientMetrics(),                        // a client here may live for one read only
		kgo.WithLogger(kslog.New(slog.New(quiet{c.Logger().Handler()}))),
	}, options...)
	cl, err := kgo.NewClient(all...)
	if err != nil {
		return nil, fmt.Errorf("make a Kafka client for %s: %w", c, err)
	}
	return cl, nil
}

// quiet drops what the client says below a warning, unless debugging was asked for: it tells of every connection.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, level) && (level >= slog.LevelWarn || q.Handler.Enabled(ctx, slog.LevelDebug))
}
