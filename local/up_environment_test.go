package local

import (
	"cmp"
	"context"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"realtime-election/internal/postgres"
)

// TestEachChildGetsOnlyWhatItNeeds compares the arguments and the environment of each child. It also fails on a child
// that it does not name.
func TestEachChildGetsOnlyWhatItNeeds(t *testing.T) {
	s := newStage(t)
	for name, value := range map[string]string{ // addresses of other servers, settings that up gets as arguments, and the level of logs
		"ELECTION_POSTGRES": "postgres://own:own@own/own", "ELECTION_BALLOT_KEY": "own", "SPARK_REMOTE": "sc://own",
		"ELECTION_HEALTH": "own:1", "ELECTION_DEFINITION": "own.yaml", "ELECTION_RATE": "17", "ELECTION_TRIGGER": "7s",
		"ELECTION_PARTITIONS": "17", "ELECTION_STATE_PARTITIONS": "17", "ELECTION_LOG_LEVEL": "debug",
	} {
		t.Setenv(name, value)
	}
	for _, name := range []string{"init", "voters", "votes", "audit"} {
		s.script(name, "exit 0")
	}
	config, _ := s.upConfig()
	config.Replay, config.Regions, config.Voters, config.Definition = "", nil, 1000, "own.yaml"
	trigger := 2 * time.Second
	config.Names = []string{"a.example", "b.example"}
	config.Partitions, config.StatePartitions, config.Trigger = new(int32(5)), new(3), &trigger
	config.allCounted = func(context.Context, string) (bool, error) {
		return s.serves("submit") && s.serves("ledger") && s.serves("dashboard"), nil
	}
	if err := up(t.Context(), config, s.servers()); err != nil {
		t.Fatal(err)
	}
	const key = "ELECTION_BALLOT_KEY=DATA/secrets/ballot-key"
	const database = "@127.0.0.1:1/election?sslmode=disable"
	const health = "ELECTION_HEALTH=127.0.0.1:PORT"
	want := map[string][]string{
		"init": {
			"init --definition own.yaml --voters 1000 --partitions 5", "ELECTION_POSTGRES=postgres://election:owners" + database, key,
			"ELECTION_LEDGER_PASSWORD=LEDGER", "ELECTION_SPARK_PASSWORD=SPARK", "ELECTION_READER_PASSWORD=READER",
			"ELECTION_PRINCIPALS=DATA/secrets",
		},
		"dashboard": {"dashboard --names a.example,b.example", health, "ELECTION_LISTEN=fd://3"},
		"voters":    {"voters --seed 3", health},
		"votes":     {"votes --rate 7", health, key},
		"ledger":    {"ledger", health, "ELECTION_POSTGRES=postgres://election_ledger:LEDGER" + database},
		"submit": {
			"submit --state-partitions 3 --trigger 2s", health, "ELECTION_POSTGRES=postgres://election_spark:SPARK" + database, "SPARK_REMOTE=spark:1",
			"ELECTION_CHECKPOINTS=file://DATA/checkpoints", "ELECTION_SPARK_KAFKA_CONFIG=../secrets/kafka-spark.properties", "ELECTION_REMOTE_OF_THIS_USER=true",
		},
		"audit":    {"audit --page http://127.0.0.1:PORT/", "ELECTION_POSTGRES=postgres://election_reader:READER" + database, key},
		Kafka:      {Kafka},
		PostgreSQL: {PostgreSQL},
		Spark:      {Spark},
	}
	hide := []string{s.config.Data, "DATA"}
	for role, name := range map[postgres.Role]string{postgres.LedgerRole: "LEDGER", postgres.SparkRole: "SPARK", postgres.ReaderRole: "READER"} {
		password, err := os.ReadFile(filepath.Join(s.config.Data, "secrets", "postgresql-"+string(role)))
		if err != nil || len(password) != 32 {
			t.Fatalf("the password of %s is %d characters (%v)", role, len(password), err)
		}
		hide = append(hide, string(password), name)
	}
	port := regexp.MustCompile(`127\.0\.0\.1:\d{2,}`)
	for name, lines := range want {
		if len(s.starts(name)) != 1 {
			t.Errorf("%s was started %d times", name, len(s.starts(name)))
			continue
		}
		switch name {
		case Kafka, PostgreSQL, Spark:
		default:
			lines = append(lines, "ELECTION_BROKERS=kafka:1", "ELECTION_KAFKA_CONFIG=DATA/secrets")
		}
		lines = append(lines, "ELECTION_LOG_LEVEL=debug")
		note := port.ReplaceAllString(strings.NewReplacer(hide...).Replace(s.starts(name)[0]), "127.0.0.1:PORT")
		var got []string
		for i, line := range strings.Split(note, "\n") {
			if i == 0 || strings.HasPrefix(line, "ELECTION_") || strings.HasPrefix(line, "SPARK_") {
				got = append(got, line)
			}
		}
		slices.Sort(got)
		slices.Sort(lines)
		if !slices.Equal(got, lines) {
			t.Errorf("%s got\n  %s\nwant\n  %s", name, strings.Join(got, "\n  "), strings.Join(lines, "\n  "))
		}
	}
	for _, service := range services {
		if want[service.name] == nil && service.name != "replay" {
			t.Errorf("%s is not tested here", service.name)
		}
	}
	known := slices.Collect(maps.Keys(want))
	notes, _ := filepath.Glob(filepath.Join(s.folder, "*.started"))
	for _, note := range notes {
		if name, _, _ := strings.Cut(filepath.Base(note), "."); !slices.Contains(known, name) {
			t.Errorf("%s was started", name)
		}
	}
}

// TestPageByTLS checks what the dashboard is told, and where up itself opens the page.
func TestPageByTLS(t *testing.T) {
	t.Parallel()
	names, files := []string{"results.example.org", "b.example"}, []string{"--tls-certificate", "c.pem", "--tls-key", "k.pem"}
	for want, c := range map[string]struct {
		config UpConfig
		args   []string
	}{
		"http://127.0.0.1:8080/":            {UpConfig{}, nil},
		"http://192.0.2.7:8080/":            {UpConfig{Host: "192.0.2.7", Names: names}, []string{"--names", "results.example.org,b.example"}},
		"https://127.0.0.1:8080/":           {UpConfig{Host: "0.0.0.0", TLSCertificate: "c.pem", TLSKey: "k.pem"}, files},
		"https://[::1]:8080/":               {UpConfig{Host: "::1", TLSCertificate: "c.pem", TLSKey: "k.pem"}, files},
		"https://results.example.org:8080/": {UpConfig{Names: names, TLSCertificate: "c.pem", TLSKey: "k.pem"}, append([]string{"--names", "results.example.org,b.example"}, files...)},
	} {
		if got := c.config.pageURL(net.JoinHostPort(cmp.Or(c.config.Host, "127.0.0.1"), "8080")); got != want {
			t.Errorf("up opens %s, want %s", got, want)
		}
		if got := dashboardArgs(c.config); !slices.Equal(got, c.args) {
			t.Errorf("%s: the dashboard is told %q, want %q", want, got, c.args)
		}
	}
}
