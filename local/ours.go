package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"realtime-election/election"
)

// checkOurs is an error unless DATA belongs to this process's user, and what is believed in it too: the lock, the records of
// processes, the secrets. Nobody else may write them, and none of them is a link. A DATA that does not exist yet is in order.
func checkOurs(data string) error {
	trusted := []string{data}
	for _, pattern := range []string{"lock", "run", "run/*", "secrets", "secrets/*", "kafka", "spark", "logs", "checkpoints"} {
		found, err := filepath.Glob(filepath.Join(globEscape(data), pattern))
		if err != nil {
			return fmt.Errorf("look into %s: %w", data, err)
		}
		trusted = append(trusted, found...)
	}
	for i, path := range trusted {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has just ended, or is not made yet
		}
		if err != nil {
			return fmt.Errorf("look whose %s is: %w", path, err)
		}
		if i == 0 && info.Mode()&fs.ModeSymlink != 0 && ours(info) { // DATA itself may be a link that its user has made
			if info, err = os.Stat(path); err != nil {
				return fmt.Errorf("look whose %s is: %w", path, err)
			}
		}
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			return refuseData(data, fmt.Sprintf("%s is a link", path))
		case !ours(info):
			return refuseData(data, fmt.Sprintf("%s belongs to another user", path))
		case info.Mode().Perm()&0o022 != 0:
			return refuseData(data, fmt.Sprintf("others may write to %s (mode %04o)", path, info.Mode().Perm()))
		}
	}
	return nil
}

func refuseData(data, why string) error {
	return &election.Wrong{Setting: "data", Value: data, Text: why + ": whoever can write there could have this program read and end what is yours; run as the folder's user, take the rights from others (chmod go-w), or name another folder"}
}

func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
