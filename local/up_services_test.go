//go:build services

package local

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestUpRunsRealServersAndEndsOrphansFirst(t *testing.T) {
	s := newStage(t)
	s.config.Data = newData(t)
	s.config.SparkMemory = "1g"
	s.script("init", "exit 0")
	s.script("replay", "exit 0")
	s.script("audit", "exit 0")
	orphans := []*Process{startServer(t, s.config, StartKafka), startServer(t, s.config, StartPostgreSQL)}
	brokers := orphans[0].Address()

	config, _ := s.upConfig()
	config.Config, config.Replay, config.Regions, config.Once = s.config, "", nil, false
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	go func() { done <- Up(ctx, config) }()
	s.until("the dashboard serves", func() bool { return s.serves("dashboard") })

	for _, orphan := range orphans {
		select {
		case <-orphan.Done():
		default:
			t.Errorf("the orphan %s still runs", orphan.Name())
		}
	}
	note := strings.Join(s.starts("dashboard"), "")
	for _, want := range []string{"ELECTION_BROKERS=" + brokers, "SPARK_REMOTE=sc://127.0.0.1:", "ELECTION_POSTGRES=" + orphans[1].Address()} {
		if !strings.Contains(note, want) {
			t.Errorf("the dashboard's environment lacks %s", want)
		}
	}
	if err := topicsAnswer(ctx, brokers); err != nil {
		t.Error(err)
	}
	if err := Up(t.Context(), config); err == nil || !strings.Contains(err.Error(), "another election process") {
		t.Errorf("a second up in the folder got %v", err)
	}
	var pids []int
	for _, name := range []string{Kafka, PostgreSQL, Spark} {
		record, ok := Running(s.config.Data, name)
		if !ok {
			t.Errorf("%s does not run", name)
		}
		pids = append(pids, record.PID)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		if !gone(pid) {
			t.Errorf("server %d is left behind", pid)
		}
	}
}

func TestWithKafkaUsesOrStartsTheFoldersKafka(t *testing.T) {
	config := Config{Data: newData(t)}
	if err := WithKafka(t.Context(), config.Data, func(string) error { return nil }); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("a folder without an election: %v", err)
	}
	kafka := startServer(t, config, StartKafka)
	use := func(brokers string) error {
		if brokers != kafka.Address() {
			t.Errorf("used the Kafka at %s, want %s", brokers, kafka.Address())
		}
		return errors.Join(topicsAnswer(t.Context(), brokers), context.Canceled)
	}
	if err := WithKafka(t.Context(), config.Data, use); err == nil || err.Error() != context.Canceled.Error() {
		t.Errorf("the error is %v, want that of the function", err)
	}
	if kafka.Err() != nil {
		t.Error("the Kafka of another was stopped")
	}
	ctx, cancel := context.WithTimeout(t.Context(), stopGrace)
	defer cancel()
	if err := kafka.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := WithKafka(t.Context(), config.Data, use); err == nil || err.Error() != context.Canceled.Error() {
		t.Errorf("the error is %v, want that of the function", err)
	}
	if _, ok := Running(config.Data, Kafka); ok {
		t.Error("the Kafka that was started is left behind")
	}
}

func topicsAnswer(ctx context.Context, brokers string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers))
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = kadm.NewClient(client).ListTopics(ctx)
	return err
}
