//go:build services

package principals_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/principals"
	"realtime-election/internal/principals/principalstest"
	"realtime-election/local/localtest"
)

func TestMain(m *testing.M) { localtest.Main(m) }

// granted prepares a real Kafka as init does, with a record in each topic, and returns a function that logs in.
func granted(t *testing.T) (as func(principals.Principal) principalstest.Principal) {
	t.Helper()
	cluster := localtest.Kafka(t)
	folder := filepath.Join(localtest.Data(t), "secrets")
	cl, err := cluster.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
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
	return func(p principals.Principal) principalstest.Principal {
		security, err := kafka.ReadSecurity(p.Login(folder))
		if err != nil {
			t.Fatal(err)
		}
		return principalstest.Principal{Name: p, Cluster: kafka.Cluster{Brokers: cluster.Brokers, Security: security, Log: cluster.Log}}
	}
}

// TestEachPrincipalCanDoWhatSecurityMdSays tries each topic, transactional id and group as each principal.
func TestEachPrincipalCanDoWhatSecurityMdSays(t *testing.T) {
	document, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	as := granted(t)
	for _, p := range []principals.Principal{
		principals.Voters, principals.Votes, principals.Replay, principals.Cast, principals.Spark, principals.Submit, principals.Ledger,
		principals.Dashboard, principals.Query, principals.Reader, principals.Health,
	} {
		if row := as(p).Row(t); !strings.Contains(string(document), row) {
			t.Errorf("docs/security.md lacks\n%s", row)
		}
	}
}

// TestNobodyButInitRulesKafka tries what only a super user may do.
func TestNobodyButInitRulesKafka(t *testing.T) {
	as := granted(t)
	for _, p := range []principals.Principal{principals.Votes, principals.Spark, principals.Submit, principals.Ledger, principals.Dashboard, principals.Query, principals.Reader, principals.Health} {
		for _, done := range as(p).Rules(t) {
			t.Errorf("%s can %s", p, done)
		}
	}
}
