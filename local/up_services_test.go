//go:build services

package local

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"

	"realtime-election/internal/kafka"
	"realtime-election/internal/postgres"
	"realtime-election/internal/principals"
)

func TestUpRunsRealServersAndEndsOrphansFirst(t *testing.T) {
	s := newStage(t)
	s.config.Data = newData(t)
	s.config.SparkMemory = "1g"
	s.script("init", "exit 0")
	s.script("replay", "exit 0")
	s.script("audit", "exit 0")
	unlock, err := lock(s.config) // as an earlier up did
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	orphans := []*Process{startServer(t, s.config, StartKafka), startServer(t, s.config, StartPostgreSQL)}

	config, _ := s.upConfig()
	config.Config, config.Replay, config.Regions, config.Electorate, config.Once = s.config, "", nil, false, false
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
	if !strings.Contains(note, "ELECTION_BROKERS="+orphans[0].Address()) {
		t.Error("the dashboard was not told where Kafka is")
	}
	s.until("submit serves", func() bool { return s.serves("submit") })
	note = strings.Join(s.starts("submit"), "")
	database, err := url.Parse(orphans[1].Address())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SPARK_REMOTE=sc://127.0.0.1:", "ELECTION_POSTGRES=postgres://election_spark:", "@" + database.Host + database.Path + "?"} {
		if !strings.Contains(note, want) {
			t.Errorf("the environment of submit lacks %s", want)
		}
	}
	cluster, running, err := KafkaAs(s.config, principals.Health)
	if err != nil || !running {
		t.Fatalf("Kafka runs: %t (%v)", running, err)
	}
	if err := topicsAnswer(ctx, cluster); err != nil {
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
	if err := WithKafka(t.Context(), config, principals.Init, func(kafka.Cluster) error { return nil }); err == nil || !strings.Contains(err.Error(), "name with data the folder") {
		t.Errorf("a folder without an election: %v", err)
	}
	server := startServer(t, config, StartKafka)
	use := func(cluster kafka.Cluster) error {
		if cluster.String() != server.Address() {
			t.Errorf("used the Kafka at %s, want %s", cluster, server.Address())
		}
		return errors.Join(topicsAnswer(t.Context(), cluster), context.Canceled)
	}
	if err := WithKafka(t.Context(), config, principals.Init, use); err == nil || err.Error() != context.Canceled.Error() {
		t.Errorf("the error is %v, want that of the function", err)
	}
	if server.Err() != nil {
		t.Error("the Kafka of another was stopped")
	}
	ctx, cancel := context.WithTimeout(t.Context(), stopGrace)
	defer cancel()
	if err := server.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := WithKafka(t.Context(), config, principals.Init, use); err == nil || err.Error() != context.Canceled.Error() {
		t.Errorf("the error is %v, want that of the function", err)
	}
	if _, ok := Running(config.Data, Kafka); ok {
		t.Error("the Kafka that was started is left behind")
	}
}

func TestWithStoresStartsBothAndLogsInAsTheReader(t *testing.T) {
	config := Config{Data: newData(t)}
	server, postgresql := startServer(t, config, StartKafka), startServer(t, config, StartPostgreSQL)
	folder, err := loginsFolder(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := principals.Grant(t.Context(), newClient(t, config), folder); err != nil {
		t.Fatal(err)
	}
	passwords, err := rolePasswords(config)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := pgx.Connect(t.Context(), postgresql.Address())
	if err != nil {
		t.Fatal(err)
	}
	if err := postgres.Migrate(t.Context(), connection); err != nil {
		t.Fatal(err)
	}
	if err := postgres.EnsureRoles(t.Context(), connection, passwords); err != nil {
		t.Fatal(err)
	}
	if err := connection.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	use := func(cluster kafka.Cluster, url string) error {
		connection, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		defer connection.Close(t.Context())
		var user string
		if err := connection.QueryRow(t.Context(), "SELECT current_user").Scan(&user); err != nil || user != string(postgres.ReaderRole) {
			t.Errorf("logged in as %q (%v)", user, err)
		}
		return topicsAnswer(t.Context(), cluster)
	}
	if err := WithStores(t.Context(), config, use); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), stopGrace)
	defer cancel()
	if err := postgresql.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := WithStores(t.Context(), config, use); err == nil || !strings.Contains(err.Error(), "try again in a few seconds") {
		t.Errorf("beside a living Kafka it started PostgreSQL: %v", err)
	}
	if err := server.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := WithStores(t.Context(), config, use); err != nil {
		t.Error(err)
	}
	for _, name := range []string{Kafka, PostgreSQL} {
		if _, ok := Running(config.Data, name); ok {
			t.Errorf("the %s that was started is left behind", name)
		}
	}
}

func topicsAnswer(ctx context.Context, cluster kafka.Cluster) error {
	client, err := cluster.NewClient()
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = kadm.NewClient(client).ListTopics(ctx)
	return err
}
