package maven

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// VerifyTree reads all of folder and compares it with its sum, see TreeSum.
func VerifyTree(folder, want string) error {
	have, err := TreeSum(folder)
	if err == nil && have != want {
		err = fmt.Errorf("its sum is %s, the committed list says %s", have, want)
	}
	if err != nil {
		return fmt.Errorf("verify %s: %w", folder, err)
	}
	return nil
}

// TreeSum is one SHA-256 in hex of folder and all that is in it: names, modes, the targets of links and the content of
// files. What belongs to neither this process's user nor root, who may change it at any time, is an error.
func TreeSum(folder string) (string, error) {
	var lines []string
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	sums := map[int]*string{} // by line
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
			return fmt.Errorf("%s belongs to another user", path)
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%q %v", filepath.ToSlash(name), info.Mode())
		switch info.Mode().Type() {
		case fs.ModeDir:
		case fs.ModeSymlink: // its mode means nothing
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			line = fmt.Sprintf("%q -> %q", filepath.ToSlash(name), target)
		case 0:
			sum := new(string)
			sums[len(lines)] = sum
			work.Go(func() (err error) {
				*sum, err = Sum(path)
				return err
			})
		default:
			return fmt.Errorf("%s is of an unknown kind", path)
		}
		lines = append(lines, line)
		return nil
	})
	if reading := work.Wait(); err == nil {
		err = reading
	}
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for i, line := range lines {
		if sum := sums[i]; sum != nil {
			line += " " + *sum
		}
		fmt.Fprintln(hash, line)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
