package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"realtime-election/election"
	"realtime-election/internal/postgres"
)

// recordUp notes that this process is the folder's up.
func recordUp(config Config) error {
	pid := os.Getpid()
	started, _, err := identity(pid)
	if err != nil {
		return err
	}
	return writeRecord(config, upName, Record{PID: pid, Started: started, Since: time.Now().UTC(), Ready: true})
}

// Child is what a folder tells of a process that runs there, or ran. It holds no secret.
type Child struct {
	Name     string    `json:"name"`
	State    string    `json:"state"` // running, starting, or ended
	PID      int       `json:"pid,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Address  string    `json:"address,omitempty"` // host:port of what serves
	Health   string    `json:"health,omitempty"`  // URL of the folder of readyz and metrics
	Restarts int       `json:"restarts"`          // since up was started
	Error    string    `json:"error,omitempty"`   // how the one before it ended; of one that has ended, the last complaint in its log
}

// Children are the folder's processes in the order in which they are started, and whether an up runs there. Those that
// were never started there are left out.
func Children(data string) (children []Child, up bool) {
	config := Config{Data: data}
	names := []string{upName, Kafka, PostgreSQL, Spark, "init"}
	for _, service := range services {
		names = append(names, service.name)
	}
	for _, name := range append(names, "audit") {
		record, err := readRecord(config, name)
		alive := err == nil && record.alive()
		up = up || name == upName && alive
		log := filepath.Join(data, "logs", name+".log")
		if _, err := os.Stat(log); err != nil && !alive {
			continue
		}
		if !alive {
			child := Child{Name: name, State: "ended"}
			if words, _ := lastWords(log); complaint.MatchString(words) {
				child.Error = words
			}
			children = append(children, child)
			continue
		}
		child := Child{
			Name: name, State: "starting", PID: record.PID, Since: record.Since, Address: hostPort(record.Address),
			Restarts: record.Restarts, Error: record.LastExit,
		}
		if record.Health != "" {
			child.Health = "http://" + record.Health + "/"
		}
		if record.Ready {
			child.State = "running"
		}
		children = append(children, child)
	}
	return children, up
}

// hostPort is an address without its secrets.
func hostPort(address string) string {
	if parsed, err := url.Parse(address); err == nil && parsed.Host != "" {
		return parsed.Host
	}
	return address
}

// What `up` makes in DATA: folders, and files in folders where others may have put theirs.
var (
	ownFolders    = []string{Kafka, PostgreSQL, Spark, "checkpoints"}
	sharedFolders = []string{"logs", "run", "secrets"}
)

// ownFiles are the patterns of the files that `up` and its children make in the shared folders.
func ownFiles() (patterns []string) {
	secrets := []string{Spark, PostgreSQL, "ballot-key"}
	for _, role := range postgres.Roles() {
		secrets = append(secrets, PostgreSQL+"-"+string(role))
	}
	for _, name := range secrets {
		patterns = append(patterns, "secrets/"+name, "secrets/."+name+"-*")
	}
	names := []string{upName, Kafka, "kafka-controller", PostgreSQL, Spark, "init", "audit", "page"}
	for _, service := range services {
		names = append(names, service.name, service.name+"-health")
	}
	for _, name := range names {
		for _, pattern := range []string{"run/%s.json", "run/.%s.json-*", "run/%s.port", "run/.%s.port-*", "logs/%s.log", "logs/%s.log.[0-9]"} {
			patterns = append(patterns, fmt.Sprintf(pattern, name))
		}
	}
	return patterns
}

// Reset removes the election in DATA: topics, tables, checkpoints, secrets and logs, together. Nothing else that lies in
// the folder is touched, nor is what was fetched. It refuses a folder where no up ever ran, whatever its folders are
// called, and while an up runs there, and ends what a killed one left.
func Reset(ctx context.Context, data string) error {
	if !wasLocked(data) {
		return &election.Hint{Err: fmt.Errorf("there is no election in %s, for `election up` never ran there", data), Text: "name with {data} the folder that it used"}
	}
	data, err := filepath.Abs(data) // a folder cannot be removed by the name "."
	if err != nil {
		return fmt.Errorf("find the folder of the election: %w", err)
	}
	config := Config{Data: data}
	unlock, err := lock(config)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := EndOrphans(ctx, config, stopGrace); err != nil {
		return err
	}
	if err := RemoveDatabase(data); err != nil {
		return err
	}
	for _, name := range ownFolders {
		if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
			return fmt.Errorf("remove %s of the election: %w", name, err)
		}
	}
	for _, pattern := range ownFiles() {
		files, err := filepath.Glob(filepath.Join(globEscape(data), pattern))
		if err != nil {
			return fmt.Errorf("look for the files of the election: %w", err)
		}
		for _, file := range files {
			if err := os.Remove(file); err != nil {
				return fmt.Errorf("remove a file of the election: %w", err)
			}
		}
	}
	os.Remove(filepath.Join(data, "lock"))
	folders := []string{data}
	for _, name := range sharedFolders {
		folders = append([]string{filepath.Join(data, name)}, folders...)
	}
	for _, folder := range folders {
		if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) {
			return fmt.Errorf("remove the empty folder %s: %w", folder, err)
		}
	}
	return nil
}
