package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"realtime-election/election"
	"realtime-election/internal/number"
	"realtime-election/local/maven"
)

const (
	diskForData = 3 << 30   // bytes that must be free under DATA at the start, beside those for the election's voters and votes
	diskForJars = 1 << 30   // bytes that must be free for the jars, in the cache and in ~/.m2
	diskMinimum = 256 << 20 // with fewer bytes free, everything is stopped while logs can still be written
)

// checkAndFetch finds, before anything is started, what would make `up` fail. It fetches the jars that are missing.
func checkAndFetch(ctx context.Context, config UpConfig) error {
	if _, _, err := java(ctx); err != nil {
		return err
	}
	if err := roomForLoad(config); err != nil {
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
			continue // verified before it is used
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

// Load is how many voters and votes an election will store.
type Load struct{ Voters, Votes int64 }

// The bytes that a voter and a vote take in DATA, with a margin. After `up --once --voters 500000`, du found for a
// voter 162 bytes in Kafka, 336 in the table voters and 75 in its index; for a vote 67 (94 at a rate of 1,000 a
// second), 84 and 44, and 23 in the checkpoints. PostgreSQL's log, up to 2 GiB, is part of diskForData.
const (
	bytesPerVoter = 700
	bytesPerVote  = 400
)

func (l Load) bytes() uint64 {
	return uint64(max(0, l.Voters))*bytesPerVoter + uint64(max(0, l.Votes))*bytesPerVote
}

// roomForLoad is an error if the election would not fit on the disk. Files that are already in DATA count as room.
func roomForLoad(config UpConfig) error {
	load := config.Load.bytes()
	needed := load - min(load, usedBytes(config.Data)) + diskForData
	free, err := freeBytes(config.Data)
	if err != nil {
		return err
	}
	if free < needed {
		return &election.Hint{
			Err: fmt.Errorf("the disk of %s is too full for %s voters and %s votes: %s are free, about %s are needed",
				config.Data, number.Thousands(config.Load.Voters), number.Thousands(config.Load.Votes), gibibytes(free), gibibytes(needed)),
			Text: "make room, name a folder on another disk with {data}, or choose a smaller election with {voters} or {regions}",
		}
	}
	config.log().Info("the disk has room", "needed", gibibytes(needed), "free", gibibytes(free))
	return nil
}

// usedBytes is how many bytes the folder's files take. It leaves out files that vanish meanwhile.
func usedBytes(folder string) (sum uint64) {
	filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			sum += uint64(info.Size())
		}
		return nil
	})
	return sum
}

// roomFor is an error if fewer bytes than needed are free where the folder is or will be.
func roomFor(folder string, needed uint64, setting string) error {
	free, err := freeBytes(folder)
	if err != nil {
		return err
	}
	if free < needed {
		return &election.Hint{
			Err:  fmt.Errorf("the disk of %s is too full: %s are free, %s are needed", folder, gibibytes(free), gibibytes(needed)),
			Text: "make room, or name a folder on another disk with " + setting,
		}
	}
	return nil
}

// freeBytes is how many bytes an ordinary user may still write where the folder is or will be.
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
