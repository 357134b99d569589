// Package principalstest tries what a principal may do, on a real Kafka.
package principalstest

import (
	"context"
	"errors"
	"fmt"
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
)

// Principal is a principal that has logged in to a Kafka.
type Principal struct {
	Name    principals.Principal
	Cluster kafka.Cluster
	Options []kgo.Opt // for its clients
}

// Client is closed when the test ends.
func (p Principal) Client(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := p.Cluster.NewClient(append(slices.Clone(p.Options), options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// Row tries each topic, transactional id and group. It returns the principal's row of the table in docs/security.md. To topics
// that the principal may write, it writes a record.
func (p Principal) Row(t *testing.T) string {
	t.Helper()
	cl := p.Client(t, kgo.DisableIdempotentWrite())
	var reads, writes, offsets, ids, groups []string
	for _, topic := range election.Topics(1) {
		_, readable := p.Fetch(t, topic.Name)
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
	for _, id := range []string{election.VotersProducer, election.VotesProducer(0), election.CommitmentsProducer, election.ReplayProducer, election.CastProducer, "submit"} {
		if _, _, err := p.Client(t, kgo.TransactionalID(election.TransactionalID(id))).ProducerID(t.Context()); !refused(t, err) {
			ids = append(ids, election.TransactionalID(id))
		}
	}
	for _, group := range []string{election.VotesGroup, election.SparkGroups + "-1"} {
		committed, err := kadm.NewClient(cl).FetchOffsets(t.Context(), group)
		if !refused(t, errors.Join(err, committed.Error())) {
			groups = append(groups, group)
		}
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |\n", p.Name, names(reads), names(writes), names(offsets), names(ids), names(groups))
}

// fetchTimeout is how long Fetch waits for a record. Kafka refuses a client sooner.
const fetchTimeout = 10 * time.Second

// Fetch reads a topic's first record, if Kafka lets the principal. The record is nil if the topic has none.
func (p Principal) Fetch(t *testing.T, topic string) (*kgo.Record, bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), fetchTimeout)
	defer cancel()
	cl := p.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	fetches := cl.PollRecords(ctx, 1)
	switch err := fetches.Err(); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, true
	case refused(t, err):
		return nil, false
	}
	return fetches.Records()[0], true
}

// Rules are the acts that only a super user may do, of those which Kafka lets the principal do.
func (p Principal) Rules(t *testing.T) []string {
	t.Helper()
	admin := kadm.NewClient(p.Client(t))
	var done []string
	for _, act := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"delete a topic", func(ctx context.Context) error {
			deleted, err := admin.DeleteTopic(ctx, election.VotesTopic)
			return errors.Join(err, deleted.Err)
		}},
		{"delete records", func(ctx context.Context) error {
			deleted, err := admin.DeleteRecords(ctx, kadm.Offsets{election.VotesTopic: {0: {Topic: election.VotesTopic, At: 1}}})
			return errors.Join(err, deleted.Error())
		}},
		{"make a topic", func(ctx context.Context) error {
			made, err := admin.CreateTopic(ctx, 1, 1, nil, "mine")
			return errors.Join(err, made.Err)
		}},
		{"give itself a right", func(ctx context.Context) error {
			made, err := admin.CreateACLs(ctx, kadm.NewACLs().Topics("*").Allow("User:*").Operations(kadm.OpAll))
			for _, result := range made {
				err = errors.Join(err, result.Err)
			}
			return err
		}},
		{"change a password", func(ctx context.Context) error {
			altered, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: "init", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "mine"}})
			return errors.Join(err, altered.Error())
		}},
	} {
		if !refused(t, act.do(t.Context())) {
			done = append(done, act.what)
		}
	}
	return done
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
