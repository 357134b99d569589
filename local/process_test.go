package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestARunningProcessIsRecorded(t *testing.T) {
	s := newStage(t)
	process := s.start("kafka")
	if _, ok := Running(s.config.Data, "kafka"); ok {
		t.Error("it is said to run before it is ready")
	}
	if err := process.recordReady(); err != nil {
		t.Fatal(err)
	}
	record, ok := Running(s.config.Data, "kafka")
	if !ok || record.PID != process.PID() || record.Address != "kafka:1" {
		t.Errorf("the record is %+v, %v", record, ok)
	}
	info, err := os.Stat(filepath.Join(s.config.Data, "run", "kafka.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the record, which holds secrets, has the mode %v, %v", info.Mode(), err)
	}
	if err := process.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, ok := Running(s.config.Data, "kafka"); ok {
		t.Error("it is said to run after it was stopped")
	}
	if err := process.Err(); err != nil {
		t.Errorf("a process that was stopped has the error %v", err)
	}
}

func TestAStubbornProcessIsKilled(t *testing.T) {
	s := newStage(t)
	s.script("kafka", "stubborn")
	process := s.start("kafka")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := process.Stop(ctx); err == nil {
		t.Error("Stop does not say that the process was killed")
	}
	if !gone(process.PID()) {
		t.Error("it still runs")
	}
}

func TestADeadProcessSaysWhy(t *testing.T) {
	s := newStage(t)
	s.script("kafka", "exit 3 election: the disk is full")
	process := s.start("kafka")
	err := process.Err()
	if err == nil || !strings.Contains(err.Error(), "kafka exited with code 3: election: the disk is full") {
		t.Errorf("the error is %v", err)
	}
	if !strings.Contains(err.Error(), filepath.Join("logs", "kafka.log")) {
		t.Errorf("the error does not name the log: %v", err)
	}
}

func TestAProcessThatEndsAtOnceIsNotLost(t *testing.T) {
	config := Config{Data: t.TempDir()}
	for range 100 {
		process, err := start(config, command{name: "init", path: "/bin/sh", args: []string{"-c", "exit 0"}})
		if err != nil {
			t.Fatal(err)
		}
		<-process.Done()
		if code := process.exit().Code; code != 0 {
			t.Fatalf("it exited with code %d", code)
		}
	}
}

func TestALogThatIsTooLongKeepsItsEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "postgresql.log")
	writer, err := openLog(path)
	change(t, err)
	defer writer.Close()
	reader, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	change(t, err)
	defer reader.Close()
	for n := range 100 {
		fmt.Fprintf(writer, "line %d\n", n)
	}
	_, err = io.ReadAll(reader)
	change(t, err)
	if trimmed, err := trimLog(reader, 1<<20); trimmed || err != nil {
		t.Errorf("a short log was trimmed: %v, %v", trimmed, err)
	}
	if trimmed, err := trimLog(reader, 80); !trimmed || err != nil {
		t.Errorf("a long log was not trimmed: %v, %v", trimmed, err)
	}
	fmt.Fprintln(writer, "next")
	if text, err := io.ReadAll(reader); err != nil || string(text) != "next\n" {
		t.Errorf("after it is trimmed, the log reads %q (%v)", text, err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "line 98\nline 99\nnext\n" {
		t.Errorf("the log keeps %q (%v)", content, err)
	}
}

func TestALogThatIsTooLongIsTrimmedWhileItsProcessRuns(t *testing.T) {
	t.Parallel()
	config := Config{Data: t.TempDir()}
	process, err := start(config, command{name: PostgreSQL, path: "/bin/sleep", args: []string{"60"}})
	change(t, err)
	t.Cleanup(func() { change(t, process.Stop(context.Background())) })
	change(t, os.Truncate(process.logFile, logsBytes+1))
	ctx, end := context.WithCancel(t.Context())
	defer end()
	watched := make(chan error, 1)
	go func() { watched <- (&run{config: UpConfig{Config: config}}).watchLog(ctx, process) }()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		log, err := os.Stat(process.logFile)
		change(t, err)
		if log.Size() <= logsBytes/4 {
			break
		}
		if time.Since(began) > 30*time.Second {
			t.Error("the log is not trimmed")
			break
		}
	}
	end()
	change(t, <-watched)
}

func TestTheNewestLogsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kafka.log")
	logged := func(size int64) {
		t.Helper()
		file, err := openLog(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(file.Truncate(size), file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want ...int64) {
		t.Helper()
		var sizes []int64
		for n := range 10 {
			name := path
			if n > 0 {
				name = fmt.Sprintf("%s.%d", path, n)
			}
			if file, err := os.Stat(name); err == nil {
				sizes = append(sizes, file.Size())
			}
		}
		if !slices.Equal(sizes, want) {
			t.Errorf("logs of %d bytes are kept, want %d", sizes, want)
		}
	}
	for size := range int64(9) {
		logged(size)
	}
	expect(8, 7, 6, 5, 4, 3)
	logged(logsBytes - 15)
	expect(logsBytes-15, 8, 7, 6, 5, 4)
	logged(9)
	expect(9, logsBytes-15, 8, 7)
	logged(logsBytes + 1)
	logged(10)
	expect(10, logsBytes+1)
}

func TestThePreviousLogIsKept(t *testing.T) {
	s := newStage(t)
	s.script("kafka", "exit 1 first", "exit 1 second")
	s.start("kafka")
	s.start("kafka")
	for file, want := range map[string]string{"kafka.log.1": "first\n", "kafka.log": "second\n"} {
		if content, _ := os.ReadFile(filepath.Join(s.config.Data, "logs", file)); string(content) != want {
			t.Errorf("%s holds %q, want %q", file, content, want)
		}
	}
}

func TestOrphansAreEnded(t *testing.T) {
	s := newStage(t)
	s.script("spark", "stubborn")
	gentle, stubborn := s.start("kafka"), s.start("spark")
	ended, err := EndOrphans(t.Context(), s.config, 100*time.Millisecond)
	if err != nil || len(ended) != 2 {
		t.Errorf("ended %v, %v", ended, err)
	}
	<-gentle.Done()
	<-stubborn.Done()
	if s.stoppedAt("kafka") == 0 {
		t.Error("the orphan that would have ended gently was killed")
	}
	if left, _ := filepath.Glob(filepath.Join(s.config.Data, "run", "*.json")); len(left) > 0 {
		t.Errorf("records are left: %v", left)
	}
}

// startStubbornParent starts a child that has a child of its own. Both ignore the signal that asks them to end. It
// returns the parent, and the pid of the other.
func (s *stage) startStubbornParent(name string) (parent *Process, child int) {
	s.t.Helper()
	note := filepath.Join(s.folder, name+".child")
	const script = `trap "" TERM; sleep 3600 & echo $! >"$0.new"; mv "$0.new" "$0"; while :; do wait; done`
	parent, err := start(s.config, command{name: name, path: "/bin/sh", args: []string{"-c", script, note}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.until("the child has a child", func() bool { return s.has(name + ".child") })
	content, err := os.ReadFile(note)
	if err == nil {
		_, err = fmt.Sscan(string(content), &child)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		parent.kill()
		<-parent.Done()
		syscall.Kill(child, syscall.SIGKILL)
	})
	return parent, child
}

func TestKilledProcessTakesItsChildrenAlong(t *testing.T) {
	s := newStage(t)
	process, child := s.startStubbornParent("kafka")
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	if err := process.Stop(hurried); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("the error is %v", err)
	}
	s.until("its child is gone", func() bool { return gone(child) })

	orphan, child := s.startStubbornParent("spark")
	if ended, err := EndOrphans(t.Context(), s.config, 0); err != nil || len(ended) != 1 {
		t.Errorf("ended %v, %v", ended, err)
	}
	<-orphan.Done()
	s.until("the orphan's child is gone", func() bool { return gone(child) })
}

func TestAProcessWithARecycledPidIsLeftAlone(t *testing.T) {
	s := newStage(t)
	other := s.start("other")
	if err := writeRecord(s.config, "kafka", ProcessRecord{PID: other.PID(), identity: identity{Started: "at another time"}, Signal: int(syscall.SIGTERM), Address: "kafka:1"}); err != nil {
		t.Fatal(err)
	}
	removeRecord(s.config, "other")
	if _, ok := Running(s.config.Data, "kafka"); ok {
		t.Error("the other process is taken for kafka")
	}
	ended, err := EndOrphans(t.Context(), s.config, 0)
	if err != nil || len(ended) > 0 {
		t.Errorf("ended %v, %v", ended, err)
	}
	if gone(other.PID()) {
		t.Error("the other process was killed")
	}
	other.Stop(t.Context())
}

func TestOneProcessAtATimeWorksInAFolder(t *testing.T) {
	config := Config{Data: t.TempDir()}
	unlock, err := lock(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(config); err == nil || !strings.Contains(err.Error(), "another election process (pid ") {
		t.Errorf("the second got %v", err)
	}
	unlock()
	unlock, err = lock(config)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestLastMessage(t *testing.T) {
	for log, want := range map[string]string{
		"":                        "",
		"starting\nlistening\n\n": "listening",
		"ERROR Broker: no space left on device\n\tat java.io.File\n\t... 3 more\nstopping\n": "ERROR Broker: no space left on device",
		"panic: index out of range\n\ngoroutine 1 [running]:\nmain.main()\n":                 "panic: index out of range",
		strings.Repeat("x", 500): strings.Repeat("x", 400) + "…",
	} {
		file := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(file, []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
		line, crashed := lastMessage(file)
		if line != want || crashed != strings.HasPrefix(want, "panic:") {
			t.Errorf("the last message of %q is %q, %v", log, line, crashed)
		}
	}
}
