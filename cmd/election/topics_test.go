package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"realtime-election/election"
	"realtime-election/internal/exit"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/principals"
)

func TestTopicsAreListed(t *testing.T) {
	t.Parallel()
	cluster := newCounted(t, file(t, resultLines))
	at := "--brokers=" + cluster.ListenAddrs()[0]
	code, stdout, stderr := command(t, "topics", at)
	lines := strings.Split(stdout, "\n")
	if code != exit.Done || !strings.HasPrefix(lines[0], "topic ") || !strings.HasPrefix(lines[1], "votes_topic  ") || !strings.HasSuffix(lines[1], "  ballots, by ballot id") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	var topics []struct {
		Name    string
		Offsets int64
		Bytes   int64
	}
	_, stdout, _ = command(t, "topics", at, "-o", "json")
	if err := json.Unmarshal([]byte(stdout), &topics); err != nil || len(topics) != len(election.Topics(2)) || topics[0].Offsets < 45 || topics[0].Bytes <= 0 {
		t.Errorf("as JSON it is %+v (%v)", topics, err)
	}
}

// TestCommandTakesItsLoginFromAFolder logs in to a Kafka that knows the reader alone.
func TestCommandTakesItsLoginFromAFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := (principals.Logins{Folder: folder}).Make(); err != nil {
		t.Fatal(err)
	}
	password, err := os.ReadFile(filepath.Join(folder, "kafka-reader"))
	if err != nil {
		t.Fatal(err)
	}
	cluster := kafkatest.NewCluster(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "reader", string(password)))
	args := []string{"topics", "--brokers=" + strings.Join(cluster.ListenAddrs(), ","), "--kafka-config=" + folder}
	if code, _, stderr := command(t, args...); code != exit.Done {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if err := os.Remove(principals.Reader.Login(folder)); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(t, args...); code != exit.Input || !strings.Contains(stderr, "kafka-reader.properties: there is no such file") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestPrincipalOfACommand(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]principals.Principal{
		"init": principals.Init, "votes": principals.Votes, "replay <file>": principals.Replay, "submit": principals.Submit,
		"query stop": principals.Query, "check kafka": principals.Health, "audit": principals.Reader, "tail <topic>": principals.Reader,
	} {
		if got := principalOf(command); got != want {
			t.Errorf("%s logs in as %s, want %s", command, got, want)
		}
	}
}

// TestMissingRightIsExplained logs in as principals that Kafka knows and grants nothing.
func TestMissingRightIsExplained(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := (principals.Logins{Folder: folder}).Make(); err != nil {
		t.Fatal(err)
	}
	options := []kfake.Opt{kfake.EnableSASL(), kfake.EnableACLs(), kfake.SeedTopics(1, election.Topics(1)[0].Name, election.ElectionTopic)}
	for _, p := range []principals.Principal{principals.Reader, principals.Query, principals.Cast} {
		password, err := os.ReadFile(filepath.Join(folder, "kafka-"+string(p)))
		if err != nil {
			t.Fatal(err)
		}
		options = append(options, kfake.User("SCRAM-SHA-512", string(p), string(password)))
	}
	brokers := "--brokers=" + strings.Join(kafkatest.NewCluster(t, options...).ListenAddrs(), ",")
	for line, as := range map[string]string{"tail votes_topic": "reader", "query stop": "query", "cast --district a --candidate b": "cast", "audit": "reader"} {
		code, _, stderr := command(t, append(strings.Fields(line), brokers, "--kafka-config="+folder)...)
		if code != exit.Input || !strings.Contains(stderr, "does not let "+as+" do this; let its operator grant it") {
			t.Errorf("%s: exit code %d: %s", line, code, stderr)
		}
	}
}
