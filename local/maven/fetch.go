package maven

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Cache is the folder the jars are kept in: ELECTION_CACHE, or realtime-election in the user's cache folder.
func Cache() (string, error) {
	if folder := os.Getenv("ELECTION_CACHE"); folder != "" {
		return filepath.Abs(folder)
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the jars: %w; set ELECTION_CACHE to one", err)
	}
	return filepath.Join(folder, "realtime-election"), nil
}

// Folder is where the part's jars are, or will be once they are fetched. If the folder exists, it is complete.
func Folder(part Part) (string, error) {
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	version, err := part.version()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, part.Name+"-"+version), nil
}

// Fetch returns the folder with the part's jars, and verifies each of them. If they are missing, it downloads them with
// mvn. It blocks while it or another process downloads.
func Fetch(ctx context.Context, log *slog.Logger, part Part) (string, error) {
	folder, err := Folder(part)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", fmt.Errorf("create the cache: %w", err)
	}
	unlock, err := Lock(ctx, folder+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()

	switch _, err := os.Stat(folder); {
	case err == nil:
		err := Verify(part, folder)
		if err == nil {
			return folder, nil
		}
		log.Warn("jars differ from the committed sums, fetching them again", "folder", folder, "error", err)
		if err := os.RemoveAll(folder); err != nil {
			return "", fmt.Errorf("remove spoilt jars: %w", err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("look for the jars: %w", err)
	}

	work := folder + ".fetching"
	if err := os.RemoveAll(work); err != nil {
		return "", fmt.Errorf("remove what a killed fetch left: %w", err)
	}
	jars := filepath.Join(work, "jars")
	if err := os.MkdirAll(jars, 0o755); err != nil {
		return "", fmt.Errorf("create a folder for the jars: %w", err)
	}
	started := time.Now()
	log.Info("fetching jars from maven central", "part", part.Name, "folder", folder)
	if err := Copy(ctx, part, jars, work); err != nil {
		return "", err
	}
	if err := Verify(part, jars); err != nil {
		return "", fmt.Errorf("%w: what mvn fetched is not what this program was checked with; look at the mirror in ~/.m2/settings.xml, or remove the file from ~/.m2/repository and run again", err)
	}
	if err := os.Rename(jars, folder); err != nil {
		return "", fmt.Errorf("move the jars into place: %w", err)
	}
	log.Info("fetched jars", "part", part.Name, "seconds", int(time.Since(started).Seconds()))
	return folder, os.RemoveAll(work)
}

// Lock waits until no other process holds the file.
func Lock(ctx context.Context, file string) (unlock func(), err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the cache: %w", err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock the cache: %w", err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}
