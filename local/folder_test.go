package local

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestInitAndAuditAreTriedAgain(t *testing.T) {
	s := newStage(t)
	s.script("init", "exit 1 election: kafka is away", "kill", "exit 0")
	s.script("replay", "exit 0")
	s.script("audit", "panic kafka is away", "exit 1 election: kafka is away", "exit 0 everything agrees")
	config, out := s.upConfig()
	if err := up(t.Context(), config, s.servers()); err != nil {
		t.Fatal(err)
	}
	if init, audit := len(s.starts("init")), len(s.starts("audit")); init != 3 || audit != 3 || !strings.Contains(out.String(), "everything agrees") {
		t.Errorf("init was started %d times, audit %d times: %s", init, audit, out.String())
	}
}

func TestInitThatNeverSucceedsIsGivenUp(t *testing.T) {
	s := newStage(t)
	s.script("init", "exit 1 election: no room in the database")
	config, _ := s.upConfig()
	err := up(t.Context(), config, s.servers())
	if err == nil || !strings.Contains(err.Error(), "no room in the database") || len(s.starts("init")) != attempts {
		t.Errorf("after %d starts: %v", len(s.starts("init")), err)
	}
}

func TestChildrenTellWhatRunsAndRan(t *testing.T) {
	s := newStage(t)
	if children, up, _ := Children(s.config.Data); len(children) != 0 || up {
		t.Errorf("in a folder without an up: %+v, %t", children, up)
	}
	s.script("init", "exit 0")
	s.script("replay", "exit 0")
	s.script("submit", "exit 1 election: spark is away", "serve")
	config, _ := s.upConfig()
	config.Once = false
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	go func() { done <- up(ctx, config, s.servers()) }()
	if err := recordUp(s.config); err != nil {
		t.Fatal(err)
	}
	find := func(name string) Child {
		children, _, _ := Children(s.config.Data)
		for _, child := range children {
			if child.Name == name {
				return child
			}
		}
		return Child{}
	}
	s.until("the query was started again, the page answers, and the replay has ended", func() bool {
		return find("submit").Restarts == 1 && find("dashboard").State == "running" && find("replay").State == "ended"
	})
	if submit := find("submit"); submit.State != "running" || submit.PID == 0 || submit.Since.IsZero() ||
		!strings.HasPrefix(submit.Health, "http://127.0.0.1:") || !strings.Contains(submit.Error, "spark is away") {
		t.Errorf("submit is %+v", submit)
	}
	if page := find("dashboard"); page.Address == "" || page.Health == "" || page.Health == "http://"+page.Address+"/" { // metrics are not for viewers
		t.Errorf("the dashboard is %+v", page)
	}
	if database := find(PostgreSQL); database.Address != "127.0.0.1:1" {
		t.Errorf("PostgreSQL's address, which must not show its password, is %s", database.Address)
	}
	if replay := find("replay"); replay.Error != "" || replay.PID != 0 {
		t.Errorf("the replay is %+v", replay)
	}
	if _, up, _ := Children(s.config.Data); !up {
		t.Error("up is said not to run")
	}
	removeRecord(s.config, upName)
	if _, up, _ := Children(s.config.Data); up {
		t.Error("up is said to run")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if kafka := find(Kafka); kafka.State != "ended" {
		t.Errorf("after up, kafka is %+v", kafka)
	}
}

func TestResetRemovesTheElectionAndNothingElse(t *testing.T) {
	s := newStage(t)
	data := s.config.Data
	if err := Reset(t.Context(), data); err == nil || !strings.Contains(err.Error(), "there is no election in "+data) {
		t.Errorf("a folder that is not there: %v", err)
	}
	for _, name := range []string{
		"postgresql/data/x", "kafka/data/x", "checkpoints/run-1/metadata", "secrets/ballot-key", "secrets/postgresql-election_ledger", "secrets/kafka-votes", "secrets/kafka-votes.properties", "secrets/.secret-1", "logs/kafka.log", "logs/submit.log.1",
		"run/page.port", "run/kafka.json", "thesis.txt", "logs/theirs.log", "run/theirs.json", "secrets/theirs",
	} {
		path, err := s.config.pathIn(filepath.Split(name))
		if err == nil {
			err = os.WriteFile(path, nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := Reset(t.Context(), data); err == nil || !strings.Contains(err.Error(), "never ran there") {
		t.Errorf("where no up ran: %v", err)
	}
	write(t, filepath.Join(data, "lock"), "of another program\n")
	if err := Reset(t.Context(), data); err == nil || !strings.Contains(err.Error(), "never ran there") {
		t.Errorf("another program's lock: %v", err)
	}
	for _, name := range []string{"postgresql/data/x", "kafka/data/x", "secrets/ballot-key", "logs/kafka.log", "lock"} {
		if _, err := os.Stat(filepath.Join(data, name)); err != nil {
			t.Errorf("a refused reset touched it: %v", err)
		}
	}
	unlock, err := lock(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := Reset(t.Context(), data); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("while an up runs: %v", err)
	}
	unlock()
	orphan := s.start("submit")
	if err := Reset(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	if !gone(orphan.PID()) {
		t.Error("what a killed up had left still runs")
	}
	var left []string
	err = filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			left = append(left, strings.TrimPrefix(path, data+"/"))
		}
		return err
	})
	if want := []string{"logs/theirs.log", "run/theirs.json", "secrets/theirs", "thesis.txt"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left: %v (%v), want %v", left, err, want)
	}
	if err := Reset(t.Context(), data); err == nil {
		t.Error("a folder without an election was reset")
	}
}

func TestUpRefusesAFolderOfSomebodyElse(t *testing.T) {
	config := UpConfig{Config: Config{Data: t.TempDir()}, Electorate: true, Host: "192.0.2.1"} // no machine has this address, so Up fails there at the latest
	theirs := filepath.Join(config.Data, "logs", "theirs.log")
	write(t, theirs, "")
	for _, lock := range []string{"", "of another program\n"} {
		if lock != "" {
			write(t, filepath.Join(config.Data, "lock"), lock)
		}
		if err := Up(t.Context(), config); err == nil || !strings.Contains(err.Error(), "name a new or an empty folder") || !strings.Contains(err.Error(), config.Data) {
			t.Errorf("with the lock %q: %v", lock, err)
		}
		if content, _ := os.ReadFile(filepath.Join(config.Data, "lock")); string(content) != lock {
			t.Errorf("the lock %q became %q", lock, content)
		}
	}
	if _, err := os.Stat(filepath.Join(config.Data, "run")); err == nil {
		t.Error("a refused up made a folder")
	}

	// Up accepts a folder where an up ran, whatever files were added since. It also accepts one where an up was killed
	// at its start.
	write(t, filepath.Join(config.Data, "lock"), "pid 1\n")
	if err := Up(t.Context(), config); err == nil || !strings.Contains(err.Error(), "host is ") {
		t.Errorf("its own folder: %v", err)
	}
	config.Data = t.TempDir()
	write(t, filepath.Join(config.Data, "lock"), "")
	if err := Up(t.Context(), config); err == nil || !strings.Contains(err.Error(), "host is ") {
		t.Errorf("a folder with an empty lock: %v", err)
	}
}

func TestResetRemovesWhatAKilledFirstStartLeft(t *testing.T) {
	config := Config{Data: filepath.Join(t.TempDir(), "data")}
	unlock, err := lock(config)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := Reset(t.Context(), config.Data); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(config.Data); err == nil {
		t.Error("the folder is left")
	}
}

// linked is a DATA where an up ran, and whose database is a link to that folder.
func linked(t *testing.T, elsewhere string) (data string) {
	t.Helper()
	config := Config{Data: filepath.Join(t.TempDir(), "data")}
	unlock, err := lock(config)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := os.Symlink(elsewhere, filepath.Join(config.Data, "postgresql")); err != nil {
		t.Fatal(err)
	}
	return config.Data
}

func write(t *testing.T, path, content string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFolderOfAnotherIsNotDeletedThroughALink(t *testing.T) {
	for name, remove := range map[string]func(string) error{
		"reset":           func(data string) error { return Reset(t.Context(), data) },
		"remove database": func(data string) error { return errors.Join(RemoveDatabase(data), os.RemoveAll(data)) },
	} {
		elsewhere := filepath.Join(t.TempDir(), "postgresql-1")
		data := linked(t, elsewhere)
		write(t, filepath.Join(elsewhere, "thesis.txt"), "")
		write(t, elsewhere+".of", filepath.Join(data, "postgresql"))
		if err := remove(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, path := range []string{filepath.Join(elsewhere, "thesis.txt"), elsewhere + ".of"} {
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s went through the link: %v", name, err)
			}
		}
		if _, err := os.Lstat(data); err == nil {
			t.Errorf("%s left %s", name, data)
		}
	}
}

func TestADatabaseElsewhereIsRemovedWithItsOwnDataOnly(t *testing.T) {
	public := t.TempDir()
	elsewhere := filepath.Join(public, "postgresql-1")
	original, copied := linked(t, elsewhere), linked(t, elsewhere)
	write(t, filepath.Join(elsewhere, "PG_VERSION"), "")
	left := func() bool {
		_, err := os.Stat(filepath.Join(elsewhere, "PG_VERSION"))
		return err == nil
	}
	if err := removeDatabase(original, public); err != nil || !left() {
		t.Errorf("a database without a note: %v, left %t", err, left())
	}
	if err := claim(elsewhere, filepath.Join(original, "postgresql")); err != nil {
		t.Fatal(err)
	}
	if err := claim(elsewhere, filepath.Join(copied, "postgresql")); err == nil || !strings.Contains(err.Error(), copied+" is a copy of "+original) {
		t.Errorf("a copy claims it: %v", err)
	}
	if err := removeDatabase(copied, public); err != nil || !left() {
		t.Errorf("from a copy: %v, left %t", err, left())
	}
	if err := removeDatabase(original, t.TempDir()); err != nil || !left() {
		t.Errorf("outside the public folder: %v, left %t", err, left())
	}
	alias := filepath.Join(t.TempDir(), "alias")
	if err := os.Symlink(original, alias); err != nil {
		t.Fatal(err)
	}
	if err := claim(elsewhere, filepath.Join(alias, "postgresql")); err != nil {
		t.Errorf("its own claims it, by another path: %v", err)
	}
	if err := removeDatabase(alias, public); err != nil || left() {
		t.Errorf("its own, by another path: %v, left %t", err, left())
	}
	if entries, err := os.ReadDir(public); err != nil || len(entries) != 0 {
		t.Errorf("left: %v (%v)", entries, err)
	}
}

func TestADatabaseElsewhereIsRemovedWithItsMovedData(t *testing.T) {
	public := t.TempDir()
	elsewhere := filepath.Join(public, "postgresql-1")
	data := linked(t, elsewhere)
	write(t, filepath.Join(elsewhere, "PG_VERSION"), "")
	if err := claim(elsewhere, filepath.Join(data, "postgresql")); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(data, moved); err != nil {
		t.Fatal(err)
	}
	if err := removeDatabase(moved, public); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(public); err != nil || len(entries) != 0 {
		t.Errorf("left: %v (%v)", entries, err)
	}
}

func TestUpNamesAnAddressThatIsNotThisMachines(t *testing.T) {
	s := newStage(t)
	config, _ := s.upConfig()
	config.Host = "192.0.2.1" // of a network for documentation
	err := up(t.Context(), config, s.servers())
	if err == nil || !strings.Contains(err.Error(), `host is "192.0.2.1"`) || !strings.Contains(err.Error(), "0.0.0.0") {
		t.Errorf("the error is %v", err)
	}
}

func TestUpChecksThePageBeforeItFetches(t *testing.T) {
	s := newStage(t)
	t.Setenv("ELECTION_CACHE", filepath.Join(t.TempDir(), "empty"))
	t.Setenv("JAVA_HOME", t.TempDir())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	config, _ := s.upConfig()
	config.Replay, config.Regions = "", nil
	config.Port = listener.Addr().(*net.TCPAddr).Port
	if err := Up(t.Context(), config); err == nil || !strings.Contains(err.Error(), "choose another with port") {
		t.Errorf("the error is %v", err)
	}
}

func TestUpRefusesAnElectionTooLargeForTheDisk(t *testing.T) {
	config := UpConfig{Config: Config{Data: t.TempDir()}, Load: Load{Voters: 1 << 45, Votes: 1 << 40}}
	err := roomForLoad(config)
	for _, says := range []string{"35,184,372,088,832 voters and 1,099,511,627,776 votes", " are needed", "smaller election with voters or regions", "another disk with data"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, want %q", err, says)
		}
	}
	config.Load = Load{Votes: 1}
	if err := roomForLoad(config); err != nil {
		t.Errorf("a single vote: %v", err)
	}
}

func TestUsedBytesAreThoseOfFiles(t *testing.T) {
	folder := t.TempDir()
	for name, size := range map[string]int64{"a/b": 1000, "c": 24} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := usedBytes(folder); got != 1024 {
		t.Errorf("%d bytes are used, want 1024", got)
	}
}
