package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ProcessRecord describes a running process. DATA/run/NAME.json holds it, with mode 0600 because addresses hold
// secrets.
type ProcessRecord struct {
	PID int `json:"pid"`
	identity
	Since    time.Time `json:"since"`
	Signal   int       `json:"signal"`              // the signal that asks it to end
	Ready    bool      `json:"ready,omitempty"`     // a server has answered; a service is ready at once
	Address  string    `json:"address,omitempty"`   // of a server, or the URL of the page, once it is ready
	Health   string    `json:"health,omitempty"`    // host:port of /healthz, /readyz and /metrics, if it has them
	Restarts int       `json:"restarts,omitempty"`  // how often this up has started it again
	LastExit string    `json:"last_exit,omitempty"` // how the process before it ended
}

// identity is what makes the process with a pid that one and no other.
type identity struct {
	Started    string `json:"started"`              // when it was started
	Executable string `json:"executable,omitempty"` // device and inode of its program, which it keeps when the program is moved, replaced or removed; on Linux
	Owner      uint32 `json:"owner,omitempty"`      // the user that it runs as; on Linux
}

// upName names the record of up, which is not a child of up.
const upName = "up"

// Running reads the record of the folder's process of that name, if the process runs and is ready. It believes no folder of others.
func Running(data, name string) (ProcessRecord, bool) {
	if checkOurs(data) != nil {
		return ProcessRecord{}, false
	}
	record, err := readRecord(Config{Data: data}, name)
	if err != nil || !record.Ready {
		return ProcessRecord{}, false
	}
	return record, record.alive()
}

// alive reports whether the recorded process still runs: a process with its pid and its identity.
func (r ProcessRecord) alive() bool {
	now, ended, err := identify(r.PID)
	return err == nil && !ended && now == r.identity
}

// EndOrphans ends the processes that an earlier process started in this folder and did not stop. It asks them to end,
// and kills them after grace. It leaves alone any other process that has a recorded pid by now. The caller must hold
// the folder's lock. It returns the names of the processes that it ended.
func EndOrphans(ctx context.Context, config Config, grace time.Duration) ([]string, error) {
	folder, err := config.pathIn("run", "x")
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(globEscape(filepath.Dir(folder)), "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list running processes: %w", err)
	}
	orphans := map[string]ProcessRecord{}
	var ended, records []string
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		record, err := readRecord(config, name)
		if err != nil {
			continue // it is another program's
		}
		records = append(records, file)
		if name != upName && record.alive() {
			orphans[name] = record
			ended = append(ended, name)
			syscall.Kill(record.PID, syscall.Signal(record.Signal))
		}
	}
	deadline := time.After(grace)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for forced := false; len(orphans) > 0; {
		for name, record := range orphans {
			if !record.alive() {
				delete(orphans, name)
			} else if forced {
				syscall.Kill(-record.PID, syscall.SIGKILL)
			}
		}
		select {
		case <-ctx.Done():
			return ended, ctx.Err()
		case <-deadline:
			forced = true
		case <-tick.C:
		}
	}
	for _, file := range records {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return ended, fmt.Errorf("remove an old record: %w", err)
		}
	}
	return ended, nil
}

func globEscape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func readRecord(config Config, name string) (ProcessRecord, error) {
	var record ProcessRecord
	data, err := filepath.Abs(config.Data)
	if err != nil {
		return record, fmt.Errorf("find %s: %w", config.Data, err)
	}
	content, err := os.ReadFile(filepath.Join(data, "run", name+".json"))
	if err != nil {
		return record, fmt.Errorf("read the record of %s: %w", name, err)
	}
	if err := json.Unmarshal(content, &record); err != nil {
		return record, fmt.Errorf("read the record of %s: %w", name, err)
	}
	if record.PID <= 1 {
		return record, fmt.Errorf("read the record of %s: no process has the id %d", name, record.PID)
	}
	return record, nil
}

func writeRecord(config Config, name string, record ProcessRecord) error {
	path, err := config.pathIn("run", name+".json")
	if err != nil {
		return err
	}
	content, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode the record of %s: %w", name, err)
	}
	return replaceFile(path, content, 0o600)
}

func removeRecord(config Config, name string) {
	if path, err := config.pathIn("run", name+".json"); err == nil {
		os.Remove(path)
	}
}

// replaceFile writes another file and renames it to path, so that a reader sees the old content or the new.
func replaceFile(path string, content []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("create a file: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
