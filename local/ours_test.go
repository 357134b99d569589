package local

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"realtime-election/internal/principals"
)

// TestDataOfOthersIsRefused prepares a folder as another user of the machine could, and looks at what the commands say.
func TestDataOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(t *testing.T, data string)
		want    string
	}{
		"a folder that others may write": {func(t *testing.T, data string) { change(t, os.Chmod(data, 0o777)) }, "others may write to"},
		"records that others may write": {func(t *testing.T, data string) {
			change(t, os.Mkdir(filepath.Join(data, "run"), 0o700))
			change(t, os.Chmod(filepath.Join(data, "run"), 0o770))
		}, "others may write to"},
		"a record that others may write": {func(t *testing.T, data string) {
			change(t, os.Mkdir(filepath.Join(data, "run"), 0o700))
			change(t, os.WriteFile(filepath.Join(data, "run", "kafka.json"), nil, 0o600))
			change(t, os.Chmod(filepath.Join(data, "run", "kafka.json"), 0o602))
		}, "others may write to"},
		"secrets that are a link": {func(t *testing.T, data string) { change(t, os.Symlink(t.TempDir(), filepath.Join(data, "secrets"))) }, "is a link"},
		"a secret that is a link": {func(t *testing.T, data string) {
			change(t, os.Mkdir(filepath.Join(data, "secrets"), 0o700))
			change(t, os.Symlink("/etc/passwd", filepath.Join(data, "secrets", "spark")))
		}, "is a link"},
		"a lock that is a link":                    {func(t *testing.T, data string) { change(t, os.Symlink("/etc/passwd", filepath.Join(data, "lock"))) }, "is a link"},
		"a folder below one that others may write": {func(t *testing.T, data string) { change(t, os.Chmod(filepath.Dir(data), 0o777)) }, "chmod go-w "},
		"a folder below one of a group": {func(t *testing.T, data string) {
			if os.Geteuid() != 0 {
				change(t, os.Chmod(filepath.Dir(data), 0o777)) // only root can give a folder to another group
				return
			}
			change(t, os.Chown(filepath.Dir(data), 0, 65533))
			change(t, os.Chmod(filepath.Dir(data), 0o770))
		}, "chmod go-w "},
		"a link into a folder that others may write": {func(t *testing.T, data string) {
			open := filepath.Join(filepath.Dir(data), "open")
			change(t, os.Mkdir(open, 0o700))
			change(t, os.Rename(data, filepath.Join(open, "data")))
			change(t, os.Chmod(open, 0o777))
			change(t, os.Symlink("open/../open/data", data))
		}, "open, which leads there"},
		"a link that leads by a folder that others may write": {func(t *testing.T, data string) {
			open := filepath.Join(filepath.Dir(data), "open")
			change(t, os.Mkdir(open, 0o700))
			change(t, os.Rename(data, data+"2"))
			change(t, os.Symlink("../data2", filepath.Join(open, "link")))
			change(t, os.Chmod(open, 0o777))
			change(t, os.Symlink("open/link", data))
		}, "open, which leads there"},
		"a record that is a pipe": {func(t *testing.T, data string) {
			change(t, os.Mkdir(filepath.Join(data, "run"), 0o700))
			change(t, syscall.Mkfifo(filepath.Join(data, "run", "kafka.json"), 0o600))
		}, "neither a file nor a folder"},
		"a folder below one of another user": {func(t *testing.T, data string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a folder away")
			}
			change(t, os.Chown(filepath.Dir(data), 65534, 65534))
		}, "belongs to another user"},
		"a link of another user": {func(t *testing.T, data string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a link away")
			}
			change(t, os.Rename(data, data+"2"))
			change(t, os.Symlink("data2", data))
			change(t, os.Lchown(data, 65534, 65534))
		}, "is a link of another user"},
		"a folder of another user": {func(t *testing.T, data string) {
			if os.Geteuid() == 0 {
				change(t, os.Chown(data, 65534, 65534))
			} else {
				change(t, os.Remove(data))
				change(t, os.Symlink("/", data))
			}
		}, "belongs to another user"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := filepath.Join(t.TempDir(), "data")
			change(t, os.Mkdir(data, 0o700))
			test.prepare(t, data)
			config := Config{Data: data}
			_, locked := lock(config)
			_, _, asked := KafkaAs(config, principals.Reader)
			_, _, listed := Children(data)
			ended, end := context.WithCancel(t.Context())
			end()
			for _, err := range []error{locked, asked, listed, Reset(ended, data), Up(ended, UpConfig{Config: config})} {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want that it %s", err, test.want)
				}
			}
			if _, running := Running(data, Kafka); running {
				t.Error("its Kafka is believed to run")
			}
		})
	}
}

func TestDataThatLeadsToItselfIsRefused(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	change(t, os.Symlink(data, data))
	if err := checkOurs(data); err == nil || !strings.Contains(err.Error(), "too many links") {
		t.Errorf("got %v", err)
	}
}

// TestDataInAFolderOfTheOwnGroupIsTaken has a folder as umask 002 makes it.
func TestDataInAFolderOfTheOwnGroupIsTaken(t *testing.T) {
	own, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(own.Gid)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	change(t, os.Chmod(folder, 0o775))
	err = makeOurs(filepath.Join(folder, "data"))
	if taken := err == nil; taken != (group.Name == own.Username) {
		t.Errorf("a folder of the group %s of %s: %v", group.Name, own.Username, err)
	}
}

func TestDataInAStickyFolderIsTaken(t *testing.T) {
	t.Parallel()
	shared := filepath.Join(t.TempDir(), "shared")
	change(t, os.Mkdir(shared, 0o700))
	change(t, os.Chmod(shared, 0o777|os.ModeSticky))
	unlock, err := lock(Config{Data: filepath.Join(shared, "new", "data")})
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// TestDataThatAnotherMakesFirstIsLookedAt has somebody make DATA at the moment in which the lock makes it.
func TestDataThatAnotherMakesFirstIsLookedAt(t *testing.T) {
	t.Parallel()
	open := filepath.Join(t.TempDir(), "open")
	change(t, os.Mkdir(open, 0o700))
	change(t, os.Chmod(open, 0o777))
	shared := t.TempDir()
	for round := range 1000 {
		data := filepath.Join(shared, strconv.Itoa(round))
		another := make(chan error)
		go func() { another <- os.Symlink(open, data) }()
		unlock, err := lock(Config{Data: data})
		wasFirst := <-another == nil
		if err == nil {
			unlock()
			if _, err := os.Lstat(filepath.Join(open, "lock")); wasFirst && err == nil {
				t.Fatalf("in round %d the lock was made in another's folder", round)
			}
		}
	}
}

func TestDataThatIsALinkOfItsUserIsTaken(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "data")
	change(t, os.Symlink(t.TempDir(), link))
	unlock, err := lock(Config{Data: link})
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func change(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
