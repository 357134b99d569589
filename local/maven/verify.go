package maven

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Verify reads every file of folder and compares it with the part's committed sums. The error names a file that
// differs, is missing, or is not in the list.
func Verify(part Part, folder string) error {
	want, err := part.sums()
	if err != nil {
		return err
	}
	have, err := Sums(folder)
	if err != nil {
		return err
	}
	for name, sum := range have {
		switch want[name] {
		case "":
			return fmt.Errorf("verify %s: %s is not in the committed list", part.Name, filepath.Join(folder, name))
		case sum:
		default:
			return fmt.Errorf("verify %s: %s has the SHA-256 %s, the committed list says %s", part.Name, filepath.Join(folder, name), sum, want[name])
		}
	}
	for name := range want {
		if have[name] == "" {
			return fmt.Errorf("verify %s: %s is missing", part.Name, filepath.Join(folder, name))
		}
	}
	return nil
}

// Sums are the SHA-256 sums in hex of the files of folder, by name.
func Sums(folder string) (map[string]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("list the jars: %w", err)
	}
	sums := make([]string, len(entries))
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, entry := range entries {
		work.Go(func() (err error) {
			sums[i], err = Sum(filepath.Join(folder, entry.Name()))
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	byName := make(map[string]string, len(entries))
	for i, entry := range entries {
		byName[entry.Name()] = sums[i]
	}
	return byName, nil
}

// Sum is the SHA-256 sum in hex of a file.
func Sum(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("open a file: %w", err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", fmt.Errorf("read a file: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
