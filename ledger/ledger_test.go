package ledger_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/ledger"
)

const nowhere = "postgres://ledger:hunter2@127.0.0.1:1/election?connect_timeout=1"

func TestWrongSettingsAreNamed(t *testing.T) {
	t.Parallel()
	for setting, c := range map[string]ledger.Config{
		"brokers":         {Postgres: nowhere},
		"postgres":        {Kafka: kafkatest.Cluster(t, []string{"127.0.0.1:1"}), Postgres: "postgres://ledger:hunter2@127.0.0.1:port/election"},
		"postgres is not": {Kafka: kafkatest.Cluster(t, []string{"127.0.0.1:1"})},
	} {
		var wrong *election.InputError
		err := ledger.Run(t.Context(), c)
		if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), setting) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: ended with %v", setting, err)
		}
	}
}

func TestNoElectionIsSaid(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.NewCluster(t)
	err := ledger.Run(t.Context(), ledger.Config{Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Postgres: nowhere, Log: kafkatest.Log(t)})
	if !errors.Is(err, kafka.ErrNoElection) {
		t.Errorf("ended with %v", err)
	}
}

// TestOnlyTheLedgerThatStoredReportsThatItWaits runs a ledger that has stored nothing and reaches no PostgreSQL.
func TestOnlyTheLedgerThatStoredReportsThatItWaits(t *testing.T) {
	t.Parallel()
	d, err := definition.Default()
	if err != nil {
		t.Fatal(err)
	}
	active := election.LedgerStatus{State: "running", Votes: 7, Stored: map[string]map[string]int64{election.VotesTopic: {"0": 7}}}
	for name, c := range map[string]struct {
		before election.LedgerStatus
		want   string
	}{
		"where none has stored": {election.LedgerStatus{State: "waiting", Error: "of another"}, "waiting"},
		"where another stores":  {active, "running"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := kafkatest.NewElection(t, d, 1)
			kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.LedgerStatusTopic, election.LedgerKey, c.before))
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			log := slog.New(slog.NewTextHandler(stopper{"nothing is stored", stop}, nil))
			// Its last report is sent before it ends.
			if err := ledger.Run(ctx, ledger.Config{Kafka: kafka.Cluster{Brokers: cluster.ListenAddrs(), Log: log}, Postgres: nowhere, Log: log}); err != nil {
				t.Fatal(err)
			}
			var status election.LedgerStatus
			if _, err := kafkatest.Cluster(t, cluster.ListenAddrs()).LatestJSON(t.Context(), election.LedgerStatusTopic, election.LedgerKey, &status); err != nil {
				t.Fatal(err)
			}
			if status.State != c.want || status.Votes != c.before.Votes || (status.Error == c.before.Error) != (c.want == "running") {
				t.Errorf("it reports %+v", status)
			}
		})
	}
}

// stopper is a log that calls stop when a line with the text is written.
type stopper struct {
	text string
	stop func()
}

func (s stopper) Write(line []byte) (int, error) {
	if strings.Contains(string(line), s.text) {
		s.stop()
	}
	return len(line), nil
}
