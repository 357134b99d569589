package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sync/errgroup"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/exit"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/local/localtest"
)

func TestEveryServiceServesItsHealth(t *testing.T) {
	for _, command := range newParser(&cli{}, console{}).Model.Leaves(false) {
		has := false
		for _, flags := range command.AllFlags(false) {
			for _, flag := range flags {
				has = has || flag.Name == "health" && strings.Contains(fmt.Sprint(flag.Envs), "ELECTION_HEALTH")
			}
		}
		want := strings.Contains(" voters votes replay submit ledger dashboard ", " "+command.Name+" ")
		if has != want {
			t.Errorf("%s has --health: %t", command.Name, has)
		}
	}
}

// freeAddress is an address that nothing listens on.
func freeAddress(t *testing.T) string { return "127.0.0.1:" + localtest.FreePort(t) }

func TestHealthIsServedForAsLongAsTheService(t *testing.T) {
	address := freeAddress(t)
	broken := errors.New("broken")
	err := healthFlags{Health: address}.serve(t.Context(), "votes", kafkatest.Log(t), func(ctx context.Context, h *health.Service) error {
		h.Needs(health.Need{What: "kafka", Check: func(context.Context) error { return errors.New("away") }})
		for {
			response, err := http.Get("http://" + address + "/readyz")
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				continue // health is not served yet
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != http.StatusServiceUnavailable || string(text) != "kafka: away\n" {
				t.Errorf("it says %s %q (%v)", response.Status, text, err)
			}
			return broken
		}
	})
	if !errors.Is(err, broken) {
		t.Errorf("ended with %v", err)
	}
	if response, err := http.Get("http://" + address + "/healthz"); err == nil {
		response.Body.Close()
		t.Error("health is served after the service has ended")
	}
}

func TestHealthEndsWithAServiceThatIsDone(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := healthFlags{Health: freeAddress(t)}.serve(ctx, "votes", kafkatest.Log(t), func(context.Context, *health.Service) error { return nil })
	if err != nil || ctx.Err() != nil {
		t.Errorf("ended with %v (%v)", err, ctx.Err())
	}
}

// TestServiceWaitsUntilKafkaAnswers starts Kafka when the service has said that it waits.
func TestServiceWaitsUntilKafkaAnswers(t *testing.T) {
	port, err := strconv.Atoi(localtest.FreePort(t))
	if err != nil {
		t.Fatal(err)
	}
	said, log := io.Pipe()
	cluster := kafka.Cluster{Brokers: []string{fmt.Sprintf("127.0.0.1:%d", port)}, Log: slog.New(slog.NewTextHandler(log, nil))}
	var group errgroup.Group
	group.Go(func() error {
		return healthFlags{Health: freeAddress(t)}.serveWithKafka(t.Context(), "votes", cluster, func(ctx context.Context, _ *health.Service) error {
			_, err := cluster.Election(ctx)
			return err
		})
	})
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || !strings.Contains(line, "waiting until Kafka answers") {
		t.Errorf("it says %q (%v)", line, err)
	}
	go io.Copy(io.Discard, said)
	kafkatest.NewElection(t, &election.Definition{ID: "x"}, 1, kfake.Ports(port))
	if err := group.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestATakenHealthAddressEndsTheService(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	err = healthFlags{Health: listener.Addr().String()}.serve(t.Context(), "votes", kafkatest.Log(t), func(ctx context.Context, _ *health.Service) error {
		<-ctx.Done()
		return nil
	})
	if err == nil || !strings.Contains(election.Explain(err, func(setting string) string { return "--" + setting }), "choose another address with --health") {
		t.Errorf("ended with %v", err)
	}
}

const smallDefinition = `id: x
name: X
polling: {opens: 2025-10-29T07:00:00Z, closes: 2025-10-29T20:00:00Z}
candidates:
  - {id: ana, name: Ana, party: Red}
regions:
  - {id: north, name: North, districts: [{id: N1, name: Hill}]}
`

func TestTheElectionIsChosenByTheEnvironmentToo(t *testing.T) {
	t.Setenv("ELECTION_DEFINITION", file(t, smallDefinition))
	flags := func(args ...string) electionFlags {
		t.Helper()
		var c cli
		if _, err := newParser(&c, console{}).Parse(append([]string{"init", "--postgres=x"}, args...)); err != nil {
			t.Fatal(err)
		}
		return c.Init.electionFlags
	}
	if d, err := flags().read(); err != nil || d.ID != "x" {
		t.Errorf("read %+v (%v)", d, err)
	}
	if d, err := flags("--definition=" + file(t, strings.Replace(smallDefinition, "id: x", "id: y", 1))).read(); err != nil || d.ID != "y" {
		t.Errorf("the flag does not override the environment: %+v (%v)", d, err)
	}
	t.Setenv("ELECTION_REPLAY", file(t, resultLines))
	var input *election.InputError
	if _, err := flags().read(); !errors.As(err, &input) || err.Error() != "definition and replay can't be used together: a replayed file is a definition itself" {
		t.Errorf("two elections at once: %v", err)
	}
}

func TestVotersMayBeOptional(t *testing.T) {
	t.Parallel()
	file, err := definition.ReadResultFile("../../examples/island.csv", nil)
	if err != nil {
		t.Fatal(err)
	}
	brokers := "--brokers=" + strings.Join(kafkatest.NewElection(t, file.Definition, 1).ListenAddrs(), ",")
	secrets := t.TempDir()
	if code, _, stderr := command(t, "prepare", secrets); code != exit.Done {
		t.Fatal(stderr)
	}
	for _, args := range [][]string{{"voters", brokers}, {"votes", brokers, "--ballot-key=" + filepath.Join(secrets, "ballot-key")}} {
		if code, _, stderr := command(t, args...); code != exit.Input || !strings.Contains(stderr, "has no electorate") {
			t.Errorf("%s: exit code %d, %s", args[0], code, stderr)
		}
		if code, _, stderr := command(t, append(args, "--optional")...); code != exit.Done {
			t.Errorf("%s --optional: exit code %d, %s", args[0], code, stderr)
		}
	}
}

func TestAFlagWinsOverAnotherElectionInTheEnvironment(t *testing.T) {
	folder, away := filepath.Join(t.TempDir(), "none"), freeAddress(t)
	t.Run("brokers", func(t *testing.T) {
		t.Setenv("ELECTION_BROKERS", away)
		t.Setenv("ELECTION_POSTGRES", "postgres://u:p@"+away+"/d")
		for _, name := range []string{"topics", "audit"} {
			if code, _, stderr := command(t, name, "--data="+folder); code != exit.Input || !strings.Contains(stderr, folder) {
				t.Errorf("%s: exit code %d: %s", name, code, stderr)
			}
		}
	})
	t.Run("data", func(t *testing.T) {
		t.Setenv("ELECTION_DATA", folder)
		if code, _, stderr := command(t, "topics", "--brokers="+away); code != exit.Failed || !strings.Contains(stderr, away) {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
}
