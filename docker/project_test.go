//go:build compose

// Package docker_test runs docker-compose.yml as it ships: the images are built from docker/Dockerfile, and everything is
// looked at from outside the containers. It has no code besides these tests.
package docker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"realtime-election/local/localtest"
)

// project is one system of containers, with volumes and ports of its own.
type project struct {
	name string
	page string   // host:port
	env  []string // the knobs
}

// TestMain builds the images, so that no test looks at older ones.
func TestMain(m *testing.M) {
	began := time.Now()
	if code, says := (&project{name: "election-test", env: os.Environ()}).run("--profile=*", "build"); code != 0 {
		fmt.Fprintf(os.Stderr, "docker compose build: exit code %d: %s\n", code, tail(says))
		os.Exit(1)
	}
	fmt.Printf("images were built in %.0f s\n", time.Since(began).Seconds())
	os.Exit(m.Run())
}

// newProject chooses free ports, and removes containers, networks and volumes when the test ends.
func newProject(t testing.TB, knobs ...string) *project {
	t.Helper()
	port := localtest.FreePort(t)
	p := &project{name: "election-test-" + port, page: "127.0.0.1:" + port}
	p.env = append(append(os.Environ(), "COMPOSE_PROGRESS=quiet", "ELECTION_PORT="+port, "SPARK_UI_PORT="+localtest.FreePort(t),
		"KAFKA_PORT="+localtest.FreePort(t), "PROMETHEUS_PORT="+localtest.FreePort(t)), knobs...)
	t.Cleanup(func() {
		if t.Failed() {
			_, logs := p.run("logs", "--no-color", "--tail=15")
			t.Log(logs)
		}
		p.down(t, "--profile=*", "down", "--volumes", "--timeout=5")
	})
	return p
}

// staleEndpoint is what Docker's engine sometimes says after a container was killed: it keeps the container's place in a
// network though the container is gone (moby/moby#23302).
var staleEndpoint = regexp.MustCompile(`error while removing network: network (\S+) id \S+ has active endpoints`)

// down runs docker compose down. Where the engine keeps places in a network for containers that are gone, it takes them away,
// and runs it again.
func (p *project) down(t testing.TB, args ...string) {
	t.Helper()
	code, says := p.run(args...)
	if stale := staleEndpoint.FindStringSubmatch(says); code != 0 && stale != nil {
		names, err := exec.Command("docker", "network", "inspect", "--format", "{{range .Containers}}{{.Name}} {{end}}", stale[1]).Output()
		t.Logf("network %s keeps a place for %s(%v)", stale[1], names, err)
		for _, name := range strings.Fields(string(names)) {
			says, err := exec.Command("docker", "network", "disconnect", "--force", stale[1], name).CombinedOutput()
			t.Logf("disconnect %s: %s (%v)", name, says, err)
		}
		code, says = p.run(args...)
	}
	if code != 0 {
		t.Errorf("docker compose down: exit code %d: %s", code, tail(says))
	}
}

// with is the same project with other knobs.
func (p *project) with(knobs ...string) *project {
	other := *p
	other.env = append(append([]string{}, p.env...), knobs...)
	return &other
}

// run is docker compose with arguments: its exit code, and all it printed.
func (p *project) run(args ...string) (int, string) {
	cmd := exec.Command("docker", append([]string{"compose", "--project-directory=..", "--project-name=" + p.name}, args...)...)
	cmd.Env = p.env
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); cmd.ProcessState == nil {
		return -1, err.Error()
	}
	return cmd.ProcessState.ExitCode(), said.String()
}

// must is run, for what must succeed.
func (p *project) must(t testing.TB, args ...string) string {
	t.Helper()
	code, says := p.run(args...)
	if code != 0 {
		t.Fatalf("docker compose %s: exit code %d: %s", strings.Join(args, " "), code, tail(says))
	}
	return says
}

func tail(text string) string { return text[max(0, len(text)-3000):] }

// container is what docker inspect says of one.
type container struct {
	Name  string
	State struct {
		Pid      int
		Status   string
		ExitCode int
	}
	HostConfig struct {
		ReadonlyRootfs, Privileged bool
		CapDrop, CapAdd            []string
		SecurityOpt                []string
		Memory                     int64
		PidsLimit                  *int64
		RestartPolicy              struct{ Name string }
	}
	NetworkSettings struct {
		Ports    map[string][]struct{ HostIP, HostPort string }
		Networks map[string]struct{ IPAddress string }
	}
	Config struct{ User string }
	ID     string
}

// containers are those of a service, or all of the project, by name.
func (p *project) containers(t testing.TB, services ...string) []container {
	t.Helper()
	ids := strings.Fields(p.must(t, append([]string{"ps", "--all", "--quiet"}, services...)...))
	if len(ids) == 0 {
		t.Fatalf("there is no container of %v", services)
	}
	out, err := exec.Command("docker", append([]string{"inspect"}, ids...)...).Output()
	if err != nil {
		t.Fatalf("docker inspect: %v", err)
	}
	var found []container
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// kill ends the main processes of services from the host, as crashes would: Docker is not asked, so that the restart policy
// holds. It returns their pids.
func (p *project) kill(t *testing.T, services ...string) (pids []int) {
	t.Helper()
	for _, c := range p.containers(t, services...) {
		groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", c.State.Pid))
		if err != nil || !strings.Contains(string(groups), c.ID) {
			t.Fatalf("%s has no process %d on this machine (%v): the containers must run here, and the test as root", c.Name, c.State.Pid, err)
		}
		pids = append(pids, c.State.Pid)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatalf("kill %v: %v", services, err)
		}
	}
	return pids
}

// results are what the page shows.
type results struct {
	Total int64 `json:"total_votes"`
	Run   int
}

// results asks the page; Total is -1 while it does not answer.
func (p *project) results() results {
	var r results
	if err := fetch("http://"+p.page+"/api/v1/results", &r); err != nil {
		r.Total = -1
	}
	return r
}

// total is how many votes the page shows; -1 while it does not answer.
func (p *project) total() int64 { return p.results().Total }

// awaitMore waits until the page shows more votes than before, and returns how long that took.
func (p *project) awaitMore(t testing.TB, than int64, atMost time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	await(t, atMost, fmt.Sprintf("more than %d votes", than), func() error {
		if total := p.total(); total <= than {
			return fmt.Errorf("the page shows %d", total)
		}
		return nil
	})
	return time.Since(began)
}

// await asks until there is no error.
func await(t testing.TB, atMost time.Duration, what string, ask func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), atMost)
	defer cancel()
	for tick := time.NewTicker(250 * time.Millisecond); ; {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited %s for %s: %v", atMost, what, err)
		case <-tick.C:
		}
	}
}

// fetch decodes a page's JSON.
func fetch(url string, into any) error {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return json.Unmarshal(body, into)
}
