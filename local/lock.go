package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"realtime-election/election"
)

// lock keeps other election processes from starting or ending servers in DATA, until unlock is called or this process
// ends, in whatever way.
func lock(config Config) (unlock func(), err error) {
	if err := makeOurs(config.Data); err != nil {
		return nil, err
	}
	path, err := config.pathIn("lock")
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of %s: %w", config.Data, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", config.Data, err)
		}
		holder := make([]byte, 32)
		n, _ := f.ReadAt(holder, 0)
		return nil, &election.Hint{
			Err:  fmt.Errorf("another election process (%s) works in %s", strings.TrimSpace(string(holder[:n])), config.Data),
			Text: "stop it first, or name another folder with {data}",
		}
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintf(f, "pid %d\n", os.Getpid())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("write the lock of %s: %w", config.Data, err)
	}
	return func() { f.Close() }, nil
}

var lockText = regexp.MustCompile(`^pid [0-9]+\n$`)

// upEverRan reports whether an election process ever worked in DATA. The lock's file is the first that up creates
// there, and it remains when up ends or is killed. upEverRan creates nothing.
func upEverRan(data string) bool {
	path := filepath.Join(data, "lock")
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > 32 {
		return false
	}
	content, err := os.ReadFile(path)
	return err == nil && lockText.Match(content)
}

// checkFolderIsAnElections is an error if DATA holds any file, and no election process ever worked there.
func checkFolderIsAnElections(data string) error {
	entries, err := os.ReadDir(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into %s: %w", data, err)
	}
	// A process that was killed before it wrote its lock leaves an empty one.
	if upEverRan(data) || len(entries) == 0 || len(entries) == 1 && entries[0].Name() == "lock" {
		return nil
	}
	return &election.Wrong{Setting: "data", Text: fmt.Sprintf("%s holds something, such as %s, and no election that this program made: name a new or an empty folder, for election reset removes what up makes there", data, entries[0].Name())}
}
