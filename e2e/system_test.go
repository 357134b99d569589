//go:build e2e

// Package e2e tests the whole program as a person runs it: the built binary, real Kafka, PostgreSQL and Spark, a real
// browser, and kill -9.
package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"realtime-election/internal/definition"
	"realtime-election/local"
)

var (
	replay   = flag.String("replay", "../examples/island.csv", "the result file to replay")
	regions  = flag.String("regions", "", "only these regions of it, separated by commas")
	rate     = flag.Int("rate", 0, "votes a second while processes are killed; 0: so that the votes last for some minutes, on a slow machine too")
	voters   = flag.Int64("voters", 200_000, "registered voters of the country that votes")
	picture  = flag.String("picture", "", "where to write the picture of the page after a replay; a temporary file where empty")
	pictures = flag.String("pictures", "", "folder for the pictures of the page while a country votes; a temporary one where empty")
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "election-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		binary = filepath.Join(folder, "election")
		if out, err := exec.Command("go", "build", "-o", binary, "../cmd/election").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// input is what the tests replay.
func input(t *testing.T) (file *definition.ResultFile, flags []string) {
	t.Helper()
	var only []string
	if *regions != "" {
		only = strings.Split(*regions, ",")
	}
	file, err := definition.ReadResultFile(*replay, only)
	if err != nil {
		t.Fatal(err)
	}
	flags = []string{"--replay", *replay}
	if *regions != "" {
		flags = append(flags, "--regions", *regions)
	}
	return file, flags
}

// system is a running `election up`.
type system struct {
	data string
	cmd  *exec.Cmd
	out  *output
	done chan struct{}
}

// output collects what a process prints. The buffer is not embedded: its ReadFrom would write without the lock.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// newData is a folder for `up`; whatever still runs in it when the test ends is ended.
func newData(t *testing.T) string {
	t.Helper()
	data, err := os.MkdirTemp("", "election-data-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range []string{"replay", "voters", "votes", "ledger", "submit", "spark", "kafka", "dashboard"} {
				t.Logf("%s: %s", name, tail(filepath.Join(data, "logs", name+".log")))
			}
		}
		if err := errors.Join(local.RemoveDatabase(data), os.RemoveAll(data)); err != nil {
			t.Error(err)
		}
	})
	return data
}

func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return tailOf(string(text))
}

func tailOf(text string) string { return text[max(0, len(text)-2000):] }

func up(t *testing.T, data string, flags ...string) *system {
	t.Helper()
	return startUp(t, data, exec.Command(binary, append([]string{"up", "--data", data, "--port", "0"}, flags...)...))
}

// startUp starts the command that runs `up`.
func startUp(t *testing.T, data string, cmd *exec.Cmd) *system {
	t.Helper()
	s := &system{data: data, cmd: cmd, out: &output{}, done: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		_ = s.cmd.Wait() // its exit code is asked for
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(os.Interrupt) // it may have ended
		<-s.done
		if t.Failed() {
			t.Log(s.out.String())
		}
	})
	return s
}

// exit is up's exit code, once it has ended.
func (s *system) exit(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-s.done:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		t.Fatalf("up has not ended within %s", within)
		return -1
	}
}

// figures are what the tests read of the page's API.
type figures struct {
	TotalVotes    int64 `json:"total_votes"`
	ExpectedVotes int64 `json:"expected_votes"`
	Candidates    []struct {
		Name  string `json:"name"`
		Party string `json:"party"`
		Votes int64  `json:"votes"`
	} `json:"candidates"`
}

func (s *system) page() string {
	record, ok := local.Running(s.data, "dashboard")
	if !ok {
		return ""
	}
	return record.Address
}

// figures asks the page's API; an error is the page's absence.
func (s *system) figures() (f figures, err error) {
	page := s.page()
	if page == "" {
		return f, errors.New("there is no page")
	}
	return figuresOf(page)
}

// figuresOf asks the API of a page.
func figuresOf(page string) (f figures, err error) {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(page + "/api/v1/results")
	if err != nil {
		return f, err
	}
	defer response.Body.Close()
	return f, json.NewDecoder(response.Body).Decode(&f)
}

// await waits until the page's figures are as wanted, or up has ended.
func (s *system) await(t *testing.T, what string, wanted func(figures) bool) figures {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(4 * time.Minute)
	for {
		if f, err := s.figures(); err == nil && wanted(f) {
			return f
		}
		select {
		case <-tick.C:
		case <-s.done:
			t.Fatalf("up ended with %d before %s", s.cmd.ProcessState.ExitCode(), what)
		case <-limit:
			t.Fatalf("it did not come to pass that %s", what)
		}
	}
}

// recordOf is the record of a process that runs in a folder.
func recordOf(t *testing.T, data, name string) local.ProcessRecord {
	t.Helper()
	record, ok := local.Running(data, name)
	if !ok {
		t.Fatalf("%s does not run", name)
	}
	return record
}

// serverURL is the address of a server that runs in a folder.
func serverURL(t *testing.T, data, name string) *url.URL {
	t.Helper()
	address, err := url.Parse(recordOf(t, data, name).Address)
	if err != nil {
		t.Fatalf("the address of %s is no URL", name) // it holds a secret
	}
	return address
}

// kill ends a process of the system with SIGKILL and returns its pid.
func (s *system) kill(t *testing.T, name string) (pid int) {
	t.Helper()
	pid = s.cmd.Process.Pid
	if name != "up" {
		pid = recordOf(t, s.data, name).PID
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill %s: %v", name, err)
	}
	return pid
}

// election runs another subcommand and returns what it prints.
func run(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		t.Logf("election %s: exit %d\n%s", strings.Join(args, " "), code, stderr.String())
	}
	return stdout.String(), cmd.ProcessState.ExitCode()
}

// wantCSV is the lines of the replayed file, as `results --by district -o csv` must print them.
func wantCSV(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(*replay)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for i, line := range strings.SplitAfter(string(text), "\n") {
		region, _, _ := strings.Cut(line, ",")
		if i == 0 || *regions == "" || strings.Contains(","+*regions+",", ","+region+",") {
			want.WriteString(line)
		}
	}
	return want.String()
}
