package local

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAProcessOfAnotherBootIsAnother has a process of an earlier boot with the same pid and the same time since its
// boot.
func TestAProcessOfAnotherBootIsAnother(t *testing.T) {
	now, _, err := identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	ticks, ours, _ := strings.Cut(now.Started, "@")
	if ours != strings.TrimSpace(string(boot)) {
		t.Errorf("it was started at %s, without the boot's id %s", now.Started, boot)
	}
	for _, before := range []string{ticks, ticks + "@", ticks + "@00000000-0000-0000-0000-000000000000"} {
		other := now
		other.Started = before
		if (ProcessRecord{PID: os.Getpid(), identity: other}).alive() {
			t.Errorf("what started at %s is taken for what started at %s", before, now.Started)
		}
	}
	if !(ProcessRecord{PID: os.Getpid(), identity: now}).alive() {
		t.Error("this process is taken for another")
	}
}

func TestAProcessThatIsNotTheRecordedOneIsLeftAlone(t *testing.T) {
	for field, other := range map[string]any{"executable": "1:1", "owner": 12345} {
		t.Run(field, func(t *testing.T) {
			s := newStage(t)
			process := s.start("kafka")
			path := filepath.Join(s.config.Data, "run", "kafka.json")
			content, err := os.ReadFile(path)
			change(t, err)
			record := map[string]any{}
			change(t, json.Unmarshal(content, &record))
			record[field] = other
			content, err = json.Marshal(record)
			change(t, err)
			change(t, os.WriteFile(path, content, 0o600))

			ended, err := EndOrphans(t.Context(), s.config, 0)
			if err != nil || len(ended) > 0 || gone(process.PID()) {
				t.Errorf("ended %v (%v), and it is gone: %t", ended, err, gone(process.PID()))
			}
		})
	}
}

func TestAnOrphanWhoseProgramWasReplacedIsEnded(t *testing.T) {
	for name, replace := range map[string]func(program string) error{
		"removed": os.Remove,
		"moved":   func(program string) error { return os.Rename(program, program+".old") },
		"rebuilt": func(program string) error {
			if err := os.Remove(program); err != nil {
				return err
			}
			return copyProgram("/bin/sh", program)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			program := filepath.Join(t.TempDir(), "program")
			change(t, copyProgram("/bin/sleep", program))
			process, err := start(s.config, command{name: "kafka", path: program, args: []string{"3600"}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { process.kill(); <-process.Done() })
			change(t, replace(program))
			if ended, err := EndOrphans(t.Context(), s.config, stopGrace); err != nil || len(ended) != 1 {
				t.Errorf("ended %v (%v)", ended, err)
			}
		})
	}
}

// TestAProcessThatHasBecomeAnotherIsLeftAlone has a shell that runs another program in its place. Where that is how a
// server starts, such as by a java that is a script, the program is recorded once the server is ready.
func TestAProcessThatHasBecomeAnotherIsLeftAlone(t *testing.T) {
	s := newStage(t)
	const script = `while [ ! -e "$1" ]; do sleep 0.01; done; exec "$0" kafka`
	process, err := start(s.config, command{name: "kafka", path: "/bin/sh", args: []string{"-c", script, os.Args[0], filepath.Join(s.folder, "go")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { process.kill(); <-process.Done() })
	s.script("go")
	s.until("it serves", func() bool { return s.serves("kafka") })
	if record, err := readRecord(s.config, "kafka"); err != nil || record.alive() {
		t.Errorf("it is taken for the shell (%v)", err)
	}
	change(t, process.recordReady())
	if record, err := readRecord(s.config, "kafka"); err != nil || !record.alive() {
		t.Errorf("once it is ready, it is taken for another (%v)", err)
	}
}

func TestTheUserOfAProcessIsRecorded(t *testing.T) {
	s := newStage(t)
	other := command{name: "postgresql", path: "/bin/sleep", args: []string{"3600"}}
	want := uint32(os.Geteuid())
	if want == 0 { // as PostgreSQL for root
		want = 65534
		other.user = &syscall.Credential{Uid: want, Gid: want}
	}
	process, err := start(s.config, other)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { process.kill(); <-process.Done() })
	if record, err := readRecord(s.config, "postgresql"); err != nil || record.Owner != want || !record.alive() {
		t.Errorf("the record is %+v (%v), want the user %d", record, err, want)
	}
}

func copyProgram(from, to string) error {
	program, err := os.Open(from)
	if err != nil {
		return err
	}
	defer program.Close()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, program); err != nil {
		return err
	}
	return file.Close()
}
