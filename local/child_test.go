package local

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The child processes of the tests run this test binary: with CHILD set, it acts as a server or a service.
func TestMain(m *testing.M) {
	if folder := os.Getenv("CHILD"); folder != "" {
		play(folder, os.Args[1:])
		return
	}
	os.Exit(m.Run())
}

// play follows the script of the child's name, a file in folder. Line n says what the child does when it starts for the
// nth time; the last line is for all further starts. Without a script the child serves. play writes a note with the
// arguments and the environment of each start.
func play(folder string, args []string) {
	name := args[0]
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	note := filepath.Join(folder, fmt.Sprintf("%s.%d.started", name, os.Getpid()))
	content := strings.Join(args, " ") + "\n" + strings.Join(os.Environ(), "\n")
	if err := os.WriteFile(note, []byte(content), 0o600); err != nil {
		fmt.Println(err)
		os.Exit(99)
	}
	starts, _ := filepath.Glob(filepath.Join(folder, name+".*.started"))
	script, _ := os.ReadFile(filepath.Join(folder, name))
	lines := strings.Split(strings.TrimSpace(string(script)), "\n")
	line := lines[min(len(starts), len(lines))-1]

	switch action, text, _ := strings.Cut(line, " "); action {
	case "exit": // exit CODE TEXT
		var code int
		fmt.Sscan(text, &code)
		_, text, _ = strings.Cut(text, " ")
		if code == 0 {
			fmt.Println(text)
		} else {
			fmt.Fprintln(os.Stderr, text)
		}
		os.Exit(code)
	case "panic":
		panic(text)
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "repeat": // repeat TEXT: logs it every 10 ms, with the time
		go func() {
			for n := range time.Tick(10 * time.Millisecond) {
				fmt.Fprintf(os.Stderr, "%s after=%d\n", text, n.UnixNano())
			}
		}()
	case "make": // make FOLDER: makes it, and a file in it, for all who may read
		os.Mkdir(text, 0o777)
		os.WriteFile(filepath.Join(text, "file"), nil, 0o666)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		terminated = nil
	}
	if name == "dashboard" {
		listener, err := net.FileListener(os.NewFile(3, "the page's socket"))
		if err != nil {
			panic(err)
		}
		go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			json.NewEncoder(w).Encode(map[string]any{"total_votes": 1200, "expected_votes": 4800, "rejected": map[string]int{"malformed": 3}})
		}))
	}
	os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s.%d.serving", name, os.Getpid())), nil, 0o600)
	<-terminated
	os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s.stopped", name)), []byte(fmt.Sprint(time.Now().UnixNano())), 0o600)
}

// stage is a folder for scripts and notes, and a folder DATA.
type stage struct {
	t      *testing.T
	folder string
	config Config
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, folder: t.TempDir(), config: Config{Data: filepath.Join(t.TempDir(), "da ta")}}
	t.Setenv("CHILD", s.folder)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // otherwise every child takes a second to end
	t.Cleanup(func() {
		for _, pid := range s.pids() {
			if !gone(pid) {
				t.Errorf("process %d is left behind", pid)
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	return s
}

func (s *stage) script(name string, lines ...string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// start starts a child of that name and waits until it serves or has ended.
func (s *stage) start(name string) *Process {
	s.t.Helper()
	process, err := start(s.config, command{name: name, path: os.Args[0], args: []string{name}, address: name + ":1"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { process.kill(); <-process.Done() })
	s.until("child "+name+" serves", func() bool {
		select {
		case <-process.Done():
			return true
		default:
			return s.has(fmt.Sprintf("%s.%d.serving", name, process.PID()))
		}
	})
	return process
}

// until asks again and again until the condition holds. There is no other way to wait for another process.
func (s *stage) until(what string, condition func() bool) {
	s.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			s.t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

func (s *stage) has(name string) bool {
	_, err := os.Stat(filepath.Join(s.folder, name))
	return err == nil
}

// starts reads the notes of that child, one for each start.
func (s *stage) starts(name string) []string {
	files, _ := filepath.Glob(filepath.Join(s.folder, name+".*.started"))
	var notes []string
	for _, file := range files {
		content, _ := os.ReadFile(file)
		notes = append(notes, string(content))
	}
	return notes
}

// serves reports whether a child of that name serves, so that it would end when asked to.
func (s *stage) serves(name string) bool {
	files, _ := filepath.Glob(filepath.Join(s.folder, name+".*.serving"))
	return len(files) > 0
}

// stoppedAt is when the child was asked to end and did, or 0.
func (s *stage) stoppedAt(name string) (at int64) {
	content, _ := os.ReadFile(filepath.Join(s.folder, name+".stopped"))
	fmt.Sscan(string(content), &at)
	return at
}

func (s *stage) pids() (pids []int) {
	files, _ := filepath.Glob(filepath.Join(s.folder, "*.started"))
	for _, file := range files {
		var pid int
		parts := strings.Split(filepath.Base(file), ".")
		fmt.Sscan(parts[len(parts)-2], &pid)
		pids = append(pids, pid)
	}
	return pids
}

func gone(pid int) bool {
	_, ended, err := identify(pid)
	return err != nil || ended
}
