package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output collects the output of up.
type output struct {
	mu      sync.Mutex
	printed bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.printed.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.printed.String()
}

// upConfig is the settings of a replay whose services are children. Everything counts as counted at once.
func (s *stage) upConfig() (UpConfig, *output) {
	out := &output{}
	return UpConfig{
		Config: s.config, Replay: "results.csv", Electorate: true, Regions: []string{"NL", "BE"}, Rate: 7, Seed: 3, Once: true,
		Out: out, Executable: os.Args[0], pace: pace{firstPause: 10 * time.Millisecond, progressEvery: 100 * time.Millisecond},
		allCounted: func(context.Context, string) (bool, error) { return true, nil },
	}, out
}

// servers are children with the names of the real servers.
func (s *stage) servers() []server {
	var servers []server
	for _, name := range []string{Kafka, PostgreSQL, Spark} {
		servers = append(servers, server{name, func(ctx context.Context, config Config) (*Process, error) {
			address := name + ":1"
			if name == PostgreSQL {
				address = "postgres://election:owners@127.0.0.1:1/election?sslmode=disable"
			}
			process, err := start(config, command{name: name, path: os.Args[0], args: []string{name}, address: address})
			if err != nil {
				return nil, err
			}
			return waitUntilAnswers(ctx, process, func(context.Context) error {
				if !s.has(fmt.Sprintf("%s.%d.serving", name, process.PID())) {
					return errors.New("it does not serve yet")
				}
				return nil
			})
		}})
	}
	return servers
}

func TestUpOnceRunsInitReplayCountAndAudit(t *testing.T) {
	s := newStage(t)
	s.script("init", "exit 0 made")
	s.script("replay", "exit 0 all produced")
	s.script("audit", "exit 0 everything agrees")
	config, out := s.upConfig()
	asked := 0
	config.allCounted = func(_ context.Context, brokers string) (bool, error) {
		if brokers != "kafka:1" {
			t.Errorf("asked at %s", brokers)
		}
		asked++
		if asked == 2 {
			return false, errors.New("kafka is restarting")
		}
		return asked > 2 && s.serves("submit") && s.serves("ledger") && strings.Contains(out.String(), "The page: "), nil
	}
	if err := up(t.Context(), config, s.servers()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "everything agrees") {
		t.Errorf("printed %q, without the audit's report", out.String())
	}
	for name, want := range map[string]string{
		"init":   "init --replay results.csv --regions NL,BE\n",
		"replay": "replay results.csv --regions NL,BE --rate 7 --seed 3\n",
		"submit": "submit\n",
		"audit":  "audit --page http://127.0.0.1:",
		"ledger": "ledger\n",
	} {
		notes := s.starts(name)
		if len(notes) != 1 || !strings.HasPrefix(notes[0], want) {
			t.Fatalf("%s was started %d times, want once with %q: %.80q", name, len(notes), want, notes)
		}
	}
	if len(s.starts("voters"))+len(s.starts("votes")) > 0 {
		t.Error("the electorate voted, in a replay")
	}
	if service, spark, kafka := s.stoppedAt("submit"), s.stoppedAt(Spark), s.stoppedAt(Kafka); service == 0 || service > spark || spark > kafka {
		t.Errorf("stopped the service at %d, spark at %d, kafka at %d", service, spark, kafka)
	}
}

func TestWhatChildrenMakeIsForTheirUserOnly(t *testing.T) {
	before := syscall.Umask(0o022)
	t.Cleanup(func() { syscall.Umask(before) })
	s := newStage(t)
	s.script("init", "exit 0")
	s.script("replay", "exit 0")
	s.script("audit", "exit 0")
	made := map[string]string{}
	for _, name := range []string{Kafka, "ledger"} { // a server and a service
		made[name] = filepath.Join(t.TempDir(), name)
		s.script(name, "make "+made[name])
	}
	config, _ := s.upConfig()
	config.allCounted = func(context.Context, string) (bool, error) { return s.serves(Kafka) && s.serves("ledger"), nil }
	if err := up(t.Context(), config, s.servers()); err != nil {
		t.Fatal(err)
	}
	for name, folder := range made {
		for path, want := range map[string]os.FileMode{folder: 0o700, filepath.Join(folder, "file"): 0o600} {
			if info, err := os.Stat(path); err != nil {
				t.Error(err)
			} else if info.Mode().Perm() != want {
				t.Errorf("%s of %s has the mode %04o, want %04o", info.Name(), name, info.Mode().Perm(), want)
			}
		}
	}
}

func TestUpCarriesTheAuditsExitCode(t *testing.T) {
	s := newStage(t)
	s.script("init", "exit 0")
	s.script("replay", "exit 0")
	s.script("audit", "exit 3 election: one vote too many")
	config, _ := s.upConfig()
	err := up(t.Context(), config, s.servers())
	if exit, ok := errors.AsType[*ExitError](err); !ok || exit.Name != "audit" || exit.Code != 3 {
		t.Errorf("the error is %v", err)
	}
	if n := len(s.starts("audit")); n != 1 {
		t.Errorf("the audit, which was carried out, was started %d times", n)
	}
}

func TestUpStopsEverythingWhenInitRefuses(t *testing.T) {
	s := newStage(t)
	s.script("init", "exit 2 election: this folder holds another election; name another with --data")
	config, _ := s.upConfig()
	err := up(t.Context(), config, s.servers())
	if err == nil || !strings.Contains(err.Error(), "this folder holds another election") || !strings.Contains(err.Error(), "init.log") {
		t.Errorf("the error is %v", err)
	}
	if len(s.starts("submit")) > 0 {
		t.Error("services were started all the same")
	}
	if s.stoppedAt(Kafka) == 0 {
		t.Error("kafka was not stopped gently")
	}
}

func TestUpStopsEverythingWhenAServiceCannotBeHelped(t *testing.T) {
	s := newStage(t)
	s.script("init", "exit 0")
	s.script("replay", "exit 2 election: results.csv is not a file of results")
	config, _ := s.upConfig()
	config.Once = false
	err := up(t.Context(), config, s.servers())
	if err == nil || !strings.Contains(err.Error(), "not a file of results") {
		t.Errorf("the error is %v", err)
	}
	if n := len(s.starts("replay")); n != 1 {
		t.Errorf("started %d times", n)
	}
}

func TestUpStartsTheDeadAgain(t *testing.T) {
	for name, script := range map[string]string{
		"submit": "exit 1 election: spark is away", "replay": "panic unexpected", "dashboard": "kill", Kafka: "serve",
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.script("init", "exit 0")
			s.script("replay", "exit 0")
			s.script("audit", "exit 0")
			s.script(name, script, "serve")
			if name == "replay" {
				s.script(name, script, "exit 0")
			}
			config, _ := s.upConfig()
			config.allCounted = func(context.Context, string) (bool, error) {
				if record, ok := Running(s.config.Data, Kafka); ok && name == Kafka && len(s.starts(name)) == 1 {
					syscall.Kill(record.PID, syscall.SIGKILL)
				}
				return len(s.starts(name)) == 2 && len(s.starts("submit")) > 0, nil
			}
			if err := up(t.Context(), config, s.servers()); err != nil {
				t.Error(err)
			}
			if n := len(s.starts("submit")); name != "submit" && n != 1 {
				t.Errorf("submit, which lived, was started %d times", n)
			}
		})
	}
}

func TestUpEndsWhenItIsAskedTo(t *testing.T) {
	s := newStage(t)
	s.script("init", "exit 0")
	config, out := s.upConfig()
	config.Once = false
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	go func() { done <- up(ctx, config, s.servers()) }()
	s.until("a progress line is printed", func() bool { return strings.Contains(out.String(), "1,200 of 4,800 votes counted") })
	s.until("the page is recorded", func() bool {
		record, ok := Running(s.config.Data, "dashboard")
		return ok && strings.Contains(out.String(), "The page: "+record.Address+"/")
	})
	if !strings.Contains(out.String(), "3 rejected") {
		t.Errorf("printed %q", out.String())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if s.stoppedAt("dashboard") == 0 || s.stoppedAt(Kafka) == 0 {
		t.Error("not everything was stopped gently")
	}
}

func TestUpFailsWhereAServerDoes(t *testing.T) {
	s := newStage(t)
	config, _ := s.upConfig()
	servers := s.servers()
	servers[2].start = func(context.Context, Config) (*Process, error) { return nil, errors.New("no room for spark") }
	if err := up(t.Context(), config, servers); err == nil || !strings.Contains(err.Error(), "no room for spark") {
		t.Errorf("the error is %v", err)
	}
	if len(s.starts("init")) > 0 {
		t.Error("init was started all the same")
	}
}

// TestThePagesPortStaysWhileTheDashboardIsStartedAgain has a dashboard that dies at once.
func TestThePagesPortStaysWhileTheDashboardIsStartedAgain(t *testing.T) {
	s := newStage(t)
	s.script("init", "exit 0")
	s.script("dashboard", "exit 1")
	config, _ := s.upConfig()
	config.Once = false
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- up(ctx, config, s.servers()) }()
	s.until("the dashboard has died twice", func() bool {
		if port, err := os.ReadFile(filepath.Join(s.config.Data, "run", "page.port")); err == nil && len(s.starts("dashboard")) > 0 {
			if l, err := net.Listen("tcp", "127.0.0.1:"+strings.TrimSpace(string(port))); err == nil {
				l.Close()
				t.Error("another program can take the page's port")
			}
		}
		return len(s.starts("dashboard")) > 2
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestUpNamesATakenPort(t *testing.T) {
	s := newStage(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	config, _ := s.upConfig()
	config.Port = listener.Addr().(*net.TCPAddr).Port
	if err := up(t.Context(), config, s.servers()); err == nil || !strings.Contains(err.Error(), "choose another with port") {
		t.Errorf("the error is %v", err)
	}
	if len(s.pids()) > 0 {
		t.Error("processes were started all the same")
	}
}

// upKilled is a variable that makes this test binary an `up`, which the test kills. Its value is the folder of the
// stage.
const upKilled = "UP_TO_BE_KILLED"

func TestAnUpThatIsKilledLeavesOrphansForTheNext(t *testing.T) {
	if folder := os.Getenv(upKilled); folder != "" {
		os.Setenv("CHILD", folder)
		s := &stage{t: t, folder: folder, config: Config{Data: filepath.Join(folder, "data")}}
		config, _ := s.upConfig()
		config.Once = false
		unlock, err := lock(s.config)
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		up(t.Context(), config, s.servers())
		return
	}
	s := newStage(t)
	s.config.Data = filepath.Join(s.folder, "data")
	s.script("init", "exit 0")
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CHILD=") })
	cmd.Env = append(cmd.Env, upKilled+"="+s.folder)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	children := len(localServers)
	for _, service := range services {
		if service.wanted == nil || service.wanted(UpConfig{Replay: "results.csv"}) {
			children++
		}
	}
	s.until("all children serve", func() bool {
		serving, _ := filepath.Glob(filepath.Join(s.folder, "*.serving"))
		return len(serving) == children
	})
	if _, err := lock(s.config); err == nil {
		t.Error("the folder of a living up is not locked")
	}
	cmd.Process.Kill()
	cmd.Wait()

	unlock, err := lock(s.config)
	if err != nil {
		t.Fatalf("orphans hold the lock: %v", err)
	}
	defer unlock()
	started := time.Now()
	ended, err := EndOrphans(t.Context(), s.config, stopGrace)
	if err != nil || len(ended) != children {
		t.Errorf("ended %v, %v", ended, err)
	}
	if took := time.Since(started); took > stopGrace {
		t.Errorf("ending orphans took %s", took)
	}
}
