//go:build compose

package docker_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// refuses starts the system and expects it to end non-zero, with a line of the service concerned.
func (p *project) refuses(t *testing.T, service, line string) {
	t.Helper()
	code, says := p.run("up", "--detach")
	if code == 0 {
		t.Errorf("docker compose up goes on where %s must say %q", service, line)
	}
	if service != "" {
		_, says = p.run("logs", "--no-log-prefix", service)
	}
	if !strings.Contains(says, line) {
		t.Errorf("%s says %q, want %q", service, tail(says), line)
	}
}

// TestSettingsThatCannotWorkAreRefused changes a knob at a time. Nothing but prepare is started for that.
func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	for _, c := range []struct{ knob, line string }{
		{"ELECTION_VOTERS=many", `--voters: expected a valid 64 bit int but got "many" (from envar ELECTION_VOTERS="many")`},
		{"ELECTION_VOTERS=-1", "--voters (ELECTION_VOTERS) is -1; choose 1 or more"},
		{"ELECTION_RATE=-5", "--rate (ELECTION_RATE) is -5; write ballots a second"},
		{"ELECTION_SPEED=fast", `--speed: expected duration but got "fast"`},
		{"ELECTION_TRIGGER=-1s", "--trigger (ELECTION_TRIGGER) is -1s; choose 0 or more"},
		{"ELECTION_PARTITIONS=0", "--partitions (ELECTION_PARTITIONS) is 0; choose 1 to 1000"},
		{"ELECTION_STATE_PARTITIONS=0", "--state-partitions (ELECTION_STATE_PARTITIONS) is 0; choose 1 or more"},
		{"DEFINITION_FILE=docker/Dockerfile", "/definition.yaml"},
		{"KAFKA_HEAP=2g", "KAFKA_HEAP=2g is too much for a container of KAFKA_MEMORY=1280m"},
		{"SPARK_EXECUTOR_MEMORY=big", `SPARK_EXECUTOR_MEMORY: "big" is no size`},
		{"SPARK_WORKER_CORES=0", "--worker-cores (SPARK_WORKER_CORES) is 0; choose 1 or more"},
		{"ELECTION_MEMORY=9000g", "MiB of memory for containers, and the election needs 9216000: give Docker more"},
	} {
		newProject(t, c.knob).refuses(t, "prepare", c.line)
	}
	newProject(t, "KAFKA_MEMORY=lots").refuses(t, "", "lots")
}

func TestTakenPortIsRefused(t *testing.T) {
	p := newProject(t)
	listener, err := net.Listen("tcp", p.page)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	// Docker says it, when the dashboard is to be started: the last of all.
	p.refuses(t, "", "address already in use")
}

func TestMissingFileIsRefused(t *testing.T) {
	const missing = "bind source path does not exist"
	for _, c := range []struct{ knob, profile, names string }{
		{"REPLAY_FILE=", "replay", "set-REPLAY_FILE-to-a-result-file"},
		{"REPLAY_FILE=no-such-file.csv", "replay", "no-such-file.csv"},
		{"REPLAY_FILE=no-such-file.csv", "*", "no-such-file.csv"},
		{"DEFINITION_FILE=no-such-file.yaml", "*", "no-such-file.yaml"},
	} {
		code, says := newProject(t, c.knob).run("--profile="+c.profile, "up", "--detach")
		if code == 0 || !strings.Contains(says, missing) || !strings.Contains(says, c.names) {
			t.Errorf("%s: exit code %d: %s", c.knob, code, tail(says))
		}
		if _, err := os.Stat("../" + c.names); err == nil {
			t.Errorf("%s was made", c.names)
		}
	}
}

// TestVolumesOfSomethingElseAreRefused starts on volumes that another PostgreSQL, or another election, left.
func TestVolumesOfSomethingElseAreRefused(t *testing.T) {
	p := newProject(t)
	p.must(t, "up", "--detach", "postgres") // nothing but this and prepare
	p.must(t, "up", "--detach", "init")
	await(t, goesOn, "init to end", func() error {
		if c := p.containers(t, "init")[0]; c.State.Status != "exited" || c.State.ExitCode != 0 {
			return fmt.Errorf("it is %s, exit code %d", c.State.Status, c.State.ExitCode)
		}
		return nil
	})
	p.with("ELECTION_VOTERS=1234").refuses(t, "init", "the topics already hold another election")

	p.must(t, "run", "--rm", "--no-deps", "--no-TTY", "--entrypoint=mkdir", "postgres", "/var/lib/postgresql/16")
	p.must(t, "rm", "--stop", "--force", "postgres")
	p.refuses(t, "postgres", "the volume was written by PostgreSQL 16 and this is 17; dump it with the old image")
}

// TestAlertsAreWhatTheySay has promtool check Prometheus's configuration, and the rules against series of their own.
func TestAlertsAreWhatTheySay(t *testing.T) {
	p := newProject(t)
	for _, args := range []string{"check config /etc/prometheus/prometheus.yml", "test rules /etc/prometheus/alerts_test.yml"} {
		says := p.must(t, append([]string{"--profile=observability", "run", "--rm", "--no-deps", "--no-TTY", "--entrypoint=promtool", "prometheus"},
			strings.Fields(args)...)...)
		if !strings.Contains(says, "SUCCESS") {
			t.Errorf("promtool %s: %s", args, tail(says))
		}
	}
}
