//go:build services

package principals_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/principals"
	"realtime-election/local/localtest"
)

func TestMain(m *testing.M) { localtest.Main(m) }

// granted prepares a real Kafka as init does, with a record in each topic, and returns a function that logs in.
func granted(t *testing.T) (as func(principals.Principal) kafka.Cluster) {
	t.Helper()
	cluster := localtest.Kafka(t)
	folder := filepath.Join(localtest.Data(t), "secrets")
	cl := client(t, cluster)
	if err := kafka.EnsureTopics(t.Context(), cl, election.Topics(1)); err != nil {
		t.Fatal(err)
	}
	if err := principals.Grant(t.Context(), cl, folder); err != nil {
		t.Fatal(err)
	}
	for _, topic := range election.Topics(1) {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic.Name, Key: []byte("key"), Value: []byte("value")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for tick := time.Tick(100 * time.Millisecond); ; <-tick { // the first use of groups makes the topic of their offsets
		committed, err := kadm.NewClient(cl).FetchOffsets(t.Context(), "any")
		if errors.Join(err, committed.Error()) == nil {
			break
		}
	}
	return func(p principals.Principal) kafka.Cluster {
		security, err := kafka.ReadSecurity(p.Login(folder))
		if err != nil {
			t.Fatal(err)
		}
		return kafka.Cluster{Brokers: cluster.Brokers, Security: security, Log: cluster.Log}
	}
}

func client(t *testing.T, cluster kafka.Cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := cluster.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// refused reports whether Kafka refuses the client. Other errors end the test.
func refused(t *testing.T, err error) bool {
	t.Helper()
	switch {
	case err == nil:
		return false
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.TransactionalIDAuthorizationFailed), errors.Is(err, kerr.GroupAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return true
	}
	t.Fatal(err)
	return false
}

// names lists topics, the seven of results as one word.
func names(topics []string) string {
	results := election.ResultTopics()
	if slices.IndexFunc(results, func(r string) bool { return !slices.Contains(topics, r) }) < 0 {
		topics = append(slices.DeleteFunc(topics, func(topic string) bool { return slices.Contains(results, topic) }), "results")
	}
	if len(topics) == 0 {
		return "–"
	}
	return strings.Join(topics, ", ")
}

// TestEachPrincipalCanDoWhatSecurityMdSays tries each topic, transactional id and group as each principal.
func TestEachPrincipalCanDoWhatSecurityMdSays(t *testing.T) {
	document, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	as := granted(t)
	txnIDs := []string{election.VotersProducer, election.VotesProducer(0), election.ReplayProducer, election.CastProducer, "submit"}
	for _, p := range []principals.Principal{
		principals.Voters, principals.Votes, principals.Replay, principals.Cast, principals.Spark, principals.Submit, principals.Ledger,
		principals.Dashboard, principals.Query, principals.Reader, principals.Health,
	} {
		cluster := as(p)
		cl := client(t, cluster, kgo.DisableIdempotentWrite())
		var reads, writes, offsets, ids, groups []string
		for _, topic := range election.Topics(1) {
			_, readable := fetch(t, cluster, topic.Name)
			if readable {
				reads = append(reads, topic.Name)
			}
			writable := !refused(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic.Name, Key: []byte("key"), Value: []byte("value")}).FirstErr())
			if writable {
				writes = append(writes, topic.Name)
			}
			if ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context(), topic.Name); !refused(t, errors.Join(err, ends.Error())) && !readable && !writable {
				offsets = append(offsets, topic.Name)
			}
		}
		for _, id := range txnIDs {
			if _, _, err := client(t, cluster, kgo.TransactionalID(election.TransactionalID(id))).ProducerID(t.Context()); !refused(t, err) {
				ids = append(ids, election.TransactionalID(id))
			}
		}
		for _, group := range []string{election.VotesGroup, election.SparkGroups + "-1"} {
			committed, err := kadm.NewClient(cl).FetchOffsets(t.Context(), group)
			if !refused(t, errors.Join(err, committed.Error())) {
				groups = append(groups, group)
			}
		}
		row := fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |", p, names(reads), names(writes), names(offsets), names(ids), names(groups))
		if !strings.Contains(string(document), row+"\n") {
			t.Errorf("docs/security.md lacks\n%s", row)
		}
	}
}

// fetch reads a topic's first record, if Kafka lets the client.
func fetch(t *testing.T, cluster kafka.Cluster, topic string) (*kgo.Record, bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cl := client(t, cluster, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	defer cl.Close()
	fetches := cl.PollRecords(ctx, 1)
	if refused(t, fetches.Err()) {
		return nil, false
	}
	return fetches.Records()[0], true
}

// TestNobodyButInitRulesKafka tries what only a super user may do.
func TestNobodyButInitRulesKafka(t *testing.T) {
	as := granted(t)
	rule := map[string]func(context.Context, *kadm.Client) error{
		"delete a topic": func(ctx context.Context, admin *kadm.Client) error {
			deleted, err := admin.DeleteTopic(ctx, election.VotesTopic)
			return errors.Join(err, deleted.Err)
		},
		"delete records": func(ctx context.Context, admin *kadm.Client) error {
			deleted, err := admin.DeleteRecords(ctx, kadm.Offsets{election.VotesTopic: {0: {Topic: election.VotesTopic, At: 1}}})
			return errors.Join(err, deleted.Error())
		},
		"make a topic": func(ctx context.Context, admin *kadm.Client) error {
			made, err := admin.CreateTopic(ctx, 1, 1, nil, "mine")
			return errors.Join(err, made.Err)
		},
		"give itself a right": func(ctx context.Context, admin *kadm.Client) error {
			made, err := admin.CreateACLs(ctx, kadm.NewACLs().Topics("*").Allow("User:*").Operations(kadm.OpAll))
			for _, result := range made {
				err = errors.Join(err, result.Err)
			}
			return err
		},
		"change a password": func(ctx context.Context, admin *kadm.Client) error {
			altered, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: "init", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "mine"}})
			return errors.Join(err, altered.Error())
		},
	}
	for _, p := range []principals.Principal{principals.Votes, principals.Spark, principals.Submit, principals.Ledger, principals.Dashboard, principals.Query, principals.Reader, principals.Health} {
		admin := kadm.NewClient(client(t, as(p)))
		for _, what := range slices.Sorted(maps.Keys(rule)) {
			if !refused(t, rule[what](t.Context(), admin)) {
				t.Errorf("%s can %s", p, what)
			}
		}
	}
}
