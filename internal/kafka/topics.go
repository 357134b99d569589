package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
)

// EnsureTopics creates the topics that are missing, and sets the settings of those that exist. It is an error if a topic has another
// number of partitions, since ballots would belong to other partitions. It returns when all topics can be used.
func EnsureTopics(ctx context.Context, cl *kgo.Client, topics []election.Topic) error {
	admin := kadm.NewClient(cl)
	names := make([]string, len(topics))
	for i, topic := range topics {
		names[i] = topic.Name
	}
	existing, err := admin.ListTopics(ctx, names...)
	if err != nil {
		return fmt.Errorf("list the topics: %w", err)
	}
	for _, topic := range topics {
		detail := existing[topic.Name]
		if detail.Err == nil && len(detail.Partitions) != int(topic.Partitions) {
			return fmt.Errorf("topic %s has %d partitions where %d are needed; delete the topics and begin anew",
				topic.Name, len(detail.Partitions), topic.Partitions)
		}
		if err := ensureTopic(ctx, admin, topic); err != nil {
			return err
		}
	}
	return awaitTopics(ctx, admin, names)
}

// awaitTopics waits until every partition answers: Kafka confirms a topic before its brokers know that they host it.
func awaitTopics(ctx context.Context, admin *kadm.Client, names []string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		ends, err := admin.ListEndOffsets(ctx, names...)
		if err == nil {
			err = ends.Error()
		}
		if err == nil || !kerr.IsRetriable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the topics: %w", err)
		case <-ticker.C:
		}
	}
}

func ensureTopic(ctx context.Context, admin *kadm.Client, topic election.Topic) error {
	settings := make(map[string]*string)
	var changes []kadm.AlterConfig
	for name, value := range topic.Settings {
		settings[name] = &value
		changes = append(changes, kadm.AlterConfig{Name: name, Value: &value})
	}
	created, err := admin.CreateTopic(ctx, topic.Partitions, -1, settings, topic.Name)
	if err == nil {
		err = created.Err
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", topic.Name, err)
	}
	altered, err := admin.AlterTopicConfigs(ctx, changes, topic.Name)
	if err == nil {
		_, err = altered.On(topic.Name, nil)
	}
	if err == nil {
		for _, response := range altered {
			err = errors.Join(err, response.Err)
		}
	}
	if err != nil {
		return fmt.Errorf("set the settings of topic %s: %w", topic.Name, err)
	}
	return nil
}

// StableEnds are the offsets, by partition, before which all transactions of a topic are decided. The error of StableEnds, Ends and
// Starts for a topic that does not exist is kerr.UnknownTopicOrPartition.
func StableEnds(ctx context.Context, cl *kgo.Client, topic string) (map[int32]int64, error) {
	return offsets(ctx, "stable end", topic, kadm.NewClient(cl).ListCommittedOffsets)
}

// Ends are the offsets, by partition, at which a topic ends.
func Ends(ctx context.Context, cl *kgo.Client, topic string) (map[int32]int64, error) {
	return offsets(ctx, "end", topic, kadm.NewClient(cl).ListEndOffsets)
}

// Starts are the offsets, by partition, at which a topic begins.
func Starts(ctx context.Context, cl *kgo.Client, topic string) (map[int32]int64, error) {
	return offsets(ctx, "start", topic, kadm.NewClient(cl).ListStartOffsets)
}

func offsets(ctx context.Context, what, topic string, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (map[int32]int64, error) {
	listed, err := list(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list the %s offsets of %s: %w", what, topic, err)
	}
	all := make(map[int32]int64)
	listed.Each(func(o kadm.ListedOffset) { all[o.Partition] = o.Offset })
	return all, nil
}
