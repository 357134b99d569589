// Package inspect reads the state of an election from Kafka: its topics and their records, the progress of the producers, of the
// count and of the ledger. It reads committed records only and writes nothing.
package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
)

// Topic describes a topic of the cluster.
type Topic struct {
	Name       string `json:"name"`
	Partitions int    `json:"partitions"`
	// Offsets is the number of offsets in the topic. It is at least the number of records, since transactions take offsets too.
	Offsets int64  `json:"offsets"`
	Bytes   int64  `json:"bytes"` // on disk, of all replicas; -1 if Kafka does not tell
	Purpose string `json:"purpose"`
}

// Topics are the topics of the election at these brokers, in the order of election.Topics, and then any others.
func Topics(ctx context.Context, cluster kafka.Cluster) ([]Topic, error) {
	cl, err := cluster.NewClient()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	details, err := admin.ListTopics(ctx)
	if err != nil {
		return nil, unreachable(ctx, "list the topics", cluster, err)
	}
	starts, err := admin.ListStartOffsets(ctx, details.Names()...)
	if err != nil {
		return nil, fmt.Errorf("list the start offsets: %w", err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, details.Names()...)
	if err != nil {
		return nil, fmt.Errorf("list the end offsets: %w", err)
	}
	sizes := bytesOf(ctx, admin)
	ours := election.Topics(1)
	order, purposes := make(map[string]int), make(map[string]string)
	for i, topic := range ours {
		order[topic.Name], purposes[topic.Name] = i-len(ours), topic.Purpose
	}
	var topics []Topic
	for name, detail := range details {
		topic := Topic{Name: name, Partitions: len(detail.Partitions), Bytes: -1, Purpose: purposes[name]}
		if n, known := sizes[name]; known {
			topic.Bytes = n
		}
		for partition := range detail.Partitions {
			start, _ := starts.Lookup(name, partition)
			end, _ := ends.Lookup(name, partition)
			topic.Offsets += end.Offset - start.Offset
		}
		topics = append(topics, topic)
	}
	slices.SortFunc(topics, func(a, b Topic) int {
		return cmp.Or(cmp.Compare(order[a.Name], order[b.Name]), strings.Compare(a.Name, b.Name))
	})
	return topics, nil
}

// bytesOf is the size of each topic on disk; nil if Kafka does not tell.
func bytesOf(ctx context.Context, admin *kadm.Client) map[string]int64 {
	described, err := admin.DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return nil
	}
	sizes := make(map[string]int64)
	described.Each(func(dir kadm.DescribedLogDir) {
		dir.Topics.Each(func(p kadm.DescribedLogDirPartition) { sizes[p.Topic] += max(0, p.Size) })
	})
	return sizes
}

func unreachable(ctx context.Context, what string, cluster kafka.Cluster, err error) error {
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	if refused := cluster.Explain(err); refused != nil {
		return refused
	}
	return &election.Hint{
		Err:  fmt.Errorf("%s: %w", what, err),
		Text: fmt.Sprintf("does Kafka run at %s? {brokers} says where it is, {data} which folder it belongs to", cluster),
	}
}

// unknownTopic is the error for a topic that does not exist. It lists the topics that do.
func unknownTopic(ctx context.Context, cl *kgo.Client, name string) error {
	details, err := kadm.NewClient(cl).ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("list the topics: %w", err)
	}
	if len(details) == 0 {
		return kafka.ErrNoElection
	}
	return &election.InputError{Text: fmt.Sprintf("there is no topic %q; there are %s", name, strings.Join(details.Names(), ", "))}
}
