package kafka_test

import (
	"errors"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
)

// cancelOnFetch fails fetches, and ends the reader's context at the first.
func cancelOnFetch(cancel func()) func(kmsg.Request) bool {
	return func(r kmsg.Request) bool {
		_, fetch := r.(*kmsg.FetchRequest)
		if fetch {
			cancel()
		}
		return fetch
	}
}

// settings are the broker's values of a topic's settings.
func settings(t *testing.T, cluster *kfake.Cluster, topic election.Topic) map[string]string {
	t.Helper()
	described, err := newAdmin(t, cluster).DescribeTopicConfigs(t.Context(), topic.Name)
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string)
	for _, resource := range described {
		for _, setting := range resource.Configs {
			if _, wanted := topic.Settings[setting.Key]; wanted {
				values[setting.Key] = setting.MaybeValue()
			}
		}
	}
	return values
}

// TestEnsureTopicsWaitsUntilTopicsCanBeUsed has a broker that does not know a new topic for a moment, as a real one.
func TestEnsureTopicsWaitsUntilTopicsCanBeUsed(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.NewCluster(t)
	asked := 0
	cluster.ControlKey(int16(kmsg.ListOffsets), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if asked++; asked > 2 {
			return nil, nil, false
		}
		response := request.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, topic := range request.(*kmsg.ListOffsetsRequest).Topics {
			answer := kmsg.NewListOffsetsResponseTopic()
			answer.Topic = topic.Topic
			for _, partition := range topic.Partitions {
				unknown := kmsg.NewListOffsetsResponseTopicPartition()
				unknown.Partition, unknown.ErrorCode = partition.Partition, kerr.UnknownTopicOrPartition.Code
				answer.Partitions = append(answer.Partitions, unknown)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
	cl := kafkatest.NewClient(t, cluster)
	if err := kafka.EnsureTopics(t.Context(), cl, election.Topics(3)); err != nil {
		t.Fatal(err)
	}
	if _, err := kafka.Ends(t.Context(), cl, election.VotesTopic); err != nil || asked < 3 {
		t.Errorf("asked %d times before, then %v", asked, err)
	}
}

func TestEnsureTopicsCreatesAllAndMayRunAgain(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.NewCluster(t)
	cl := kafkatest.NewClient(t, cluster)
	for range 2 {
		if err := kafka.EnsureTopics(t.Context(), cl, election.Topics(3)); err != nil {
			t.Fatal(err)
		}
	}
	existing, err := newAdmin(t, cluster).ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range election.Topics(3) {
		if got := len(existing[topic.Name].Partitions); got != int(topic.Partitions) {
			t.Errorf("%s has %d partitions, want %d", topic.Name, got, topic.Partitions)
		}
		if diff := cmp.Diff(topic.Settings, settings(t, cluster, topic)); diff != "" {
			t.Errorf("%s: %s", topic.Name, diff)
		}
	}
}

func TestEnsureTopicsSetsTheSettingsOfAnExistingTopic(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.NewCluster(t)
	votes := election.Topics(2)[0]
	if err := cluster.CreateTopic(votes.Name, votes.Partitions, map[string]string{"retention.ms": "604800000"}); err != nil {
		t.Fatal(err)
	}
	if err := kafka.EnsureTopics(t.Context(), kafkatest.NewClient(t, cluster), []election.Topic{votes}); err != nil {
		t.Fatal(err)
	}
	if got := settings(t, cluster, votes)["retention.ms"]; got != "-1" {
		t.Errorf("retention.ms is %s", got)
	}
}

// largest is the largest installation that Encode makes.
func largest(t testing.TB) []byte {
	t.Helper()
	installation := election.Installation{Definition: election.Definition{Candidates: []election.Candidate{{}}}, Fingerprint: strings.Repeat("f", 32), VotePartitions: 1}
	text := strings.Repeat("b", election.MaxRecordBytes)
	fits := func(n int) bool {
		installation.Definition.Candidates[0].Biography = text[:n]
		_, err := installation.Encode()
		return err == nil
	}
	n := sort.Search(len(text), func(n int) bool { return !fits(n) }) - 1
	if n < election.MaxRecordBytes*9/10 || !fits(n) {
		t.Fatalf("the longest biography has %d bytes", n)
	}
	installation.Fingerprint = installation.Definition.Fingerprint()
	value, err := installation.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// publish sends an installation as init does.
func publish(t testing.TB, cluster kafka.Cluster, value []byte) error {
	t.Helper()
	cl, err := cluster.NewClient(kgo.ProducerBatchMaxBytes(election.MaxRecordBytes))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := kafka.EnsureTopics(t.Context(), cl, election.Topics(1)); err != nil {
		t.Fatal(err)
	}
	return cl.ProduceSync(t.Context(), &kgo.Record{Topic: election.ElectionTopic, Key: []byte(election.DefinitionKey), Value: value}).FirstErr()
}

func TestLargestElectionRecordIsTaken(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Cluster(t, kafkatest.NewCluster(t).ListenAddrs())
	if err := publish(t, cluster, largest(t)); err != nil {
		t.Fatal(err)
	}
	installation, err := cluster.Election(t.Context())
	if err != nil || len(installation.Definition.Candidates) != 1 {
		t.Errorf("read %v (%v)", installation != nil, err)
	}
}

// TestSettingThatIsRefusedIsReported has a broker that refuses to change settings.
func TestSettingThatIsRefusedIsReported(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.NewCluster(t)
	votes := election.Topics(2)[0]
	if err := cluster.CreateTopic(votes.Name, votes.Partitions, nil); err != nil {
		t.Fatal(err)
	}
	cluster.ControlKey(int16(kmsg.IncrementalAlterConfigs), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		response := request.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
		for _, resource := range request.(*kmsg.IncrementalAlterConfigsRequest).Resources {
			refused := kmsg.NewIncrementalAlterConfigsResponseResource()
			refused.ResourceType, refused.ResourceName, refused.ErrorCode = resource.ResourceType, resource.ResourceName, kerr.TopicAuthorizationFailed.Code
			response.Resources = append(response.Resources, refused)
		}
		return response, nil, true
	})
	err := kafka.EnsureTopics(t.Context(), kafkatest.NewClient(t, cluster), []election.Topic{votes})
	if !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.Contains(err.Error(), "set the settings of topic votes_topic") {
		t.Errorf("ended with %v", err)
	}
}

func TestEnsureTopicsRefusesAnotherNumberOfPartitions(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.NewCluster(t)
	if err := cluster.CreateTopic(election.VotesTopic, 5, nil); err != nil {
		t.Fatal(err)
	}
	err := kafka.EnsureTopics(t.Context(), kafkatest.NewClient(t, cluster), election.Topics(4))
	if err == nil || !strings.Contains(err.Error(), "topic votes_topic has 5 partitions where 4 are needed") {
		t.Errorf("ended with %v", err)
	}
	if cluster.TopicInfo(election.VotersTopic) != nil {
		t.Error("other topics were created all the same")
	}
}
