package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"realtime-election/local/maven"
)

const (
	diskForData = 3 << 30   // bytes free under DATA before anything is started
	diskForJars = 1 << 30   // bytes free for what is fetched, in the cache and in ~/.m2
	diskLowest  = 256 << 20 // below this, everything is stopped while the logs can still be written
)

// check finds what would make `up` fail, before anything is started, and fetches what is not there yet.
func check(ctx context.Context, config UpConfig) error {
	if _, err := java(ctx); err != nil {
		return err
	}
	if err := roomFor(config.Data, diskForData, "--data"); err != nil {
		return err
	}
	postgresql, err := maven.PostgreSQL()
	if err != nil {
		return err
	}
	for _, part := range []maven.Part{maven.Kafka, postgresql, maven.Spark} {
		folder, err := maven.Folder(part)
		if err != nil {
			return err
		}
		if _, err := os.Stat(folder); err == nil {
			continue // verified when it is used
		}
		if err := roomFor(filepath.Dir(folder), diskForJars, "ELECTION_CACHE"); err != nil {
			return err
		}
		if _, err := maven.Fetch(ctx, config.log(), part); err != nil {
			return err
		}
	}
	return nil
}

// roomFor is an error if fewer bytes than needed are free where the folder is or will be.
func roomFor(folder string, needed uint64, setting string) error {
	free, err := freeBytes(folder)
	if err != nil {
		return err
	}
	if free < needed {
		return fmt.Errorf("the disk of %s is too full: %s are free, %s are needed; make room, or name a folder on another disk with %s", folder, gibibytes(free), gibibytes(needed), setting)
	}
	return nil
}

// freeBytes is how much an ordinary user may still write where the folder is or will be.
func freeBytes(folder string) (uint64, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return 0, fmt.Errorf("find %s: %w", folder, err)
	}
	for {
		var disk syscall.Statfs_t
		err := syscall.Statfs(folder, &disk)
		if err == nil {
			return disk.Bavail * uint64(disk.Bsize), nil
		}
		parent := filepath.Dir(folder)
		if !errors.Is(err, fs.ErrNotExist) || parent == folder {
			return 0, fmt.Errorf("ask how much of the disk of %s is free: %w", folder, err)
		}
		folder = parent
	}
}

func gibibytes(n uint64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }
