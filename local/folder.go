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
	"realtime-election/internal/principals"
	"realtime-election/internal/secret"
)

// recordUp writes the record of this process, as the folder's up.
func recordUp(config Config) error {
	pid := os.Getpid()
	self, _, err := identify(pid)
	if err != nil {
		return err
	}
	return writeRecord(config, upName, ProcessRecord{PID: pid, identity: self, Since: time.Now().UTC(), Ready: true})
}

// Child describes a process that runs in a folder, or has run there. It holds no secret.
type Child struct {
	Name     string    `json:"name"`
	State    string    `json:"state"` // running, starting, or ended
	PID      int       `json:"pid,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Address  string    `json:"address,omitempty"` // host:port of a server or of the page
	Health   string    `json:"health,omitempty"`  // URL below which readyz and metrics are
	Restarts int       `json:"restarts"`          // since up was started
	Error    string    `json:"error,omitempty"`   // while it runs, how the process before it ended; after it ended, the last complaint in its log
}

// Children lists the folder's processes in the order in which they are started, and reports whether an up runs there.
// Processes that were never started there are left out. It refuses a folder of others.
func Children(data string) (children []Child, up bool, err error) {
	if err := checkOurs(data); err != nil {
		return nil, false, err
	}
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
			if message, _ := lastMessage(log); complaint.MatchString(message) {
				child.Error = message
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
	return children, up, nil
}

// hostPort is an address without its secrets.
func hostPort(address string) string {
	if parsed, err := url.Parse(address); err == nil && parsed.Host != "" {
		return parsed.Host
	}
	return address
}

// The folders that `up` makes in DATA. Others may have put files of their own into the shared ones.
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
	for _, name := range principals.Files() {
		patterns = append(patterns, "secrets/"+name)
	}
	patterns = append(patterns, "secrets/"+secret.Unfinished+"*")
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

// Reset removes the election in DATA: topics, tables, checkpoints, secrets and logs, together. It keeps all other files
// in the folder, and the jars. It refuses a folder in which no up ever ran, whatever its folders are called, and one in
// which an up runs. It ends the processes that a killed up left.
func Reset(ctx context.Context, data string) error {
	if err := checkOurs(data); err != nil {
		return err
	}
	if !upEverRan(data) {
		return &election.Hint{Err: fmt.Errorf("there is no election in %s, for `election up` never ran there", data), Text: "name with {data} the folder that it used"}
	}
	data, err := filepath.Abs(data) // os.Remove cannot remove the folder "."
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

// BallotKeyFile is the file of the ballot key in a folder of Up. A replay has none.
func BallotKeyFile(data string) string { return filepath.Join(data, "secrets", "ballot-key") }
