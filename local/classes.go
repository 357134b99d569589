package local

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"realtime-election/local/maven"
)

// classArchive holds the classes that a server loads, ready for Java to map into memory: class data sharing. A server's
// first long run writes it when it ends; later starts, also in other folders, use it. It is in the cache, and its
// name tells of which jars and which Java it is, and the SHA-256 of its content.
type classArchive struct {
	prefix  string // of its path, before the content's sum
	written string // where Java writes it
}

const archiveExtension = ".jsa"

// classOptions are Java's options to use the archive of a server with these jars. Without one they are empty, and the
// process of the archive that is returned writes it when it ends. Where none can be kept, both are nil.
func classOptions(config Config, name, java, version, jars string) (options []string, toWrite *classArchive) {
	archive, err := archiveFor(java, version, jars)
	file := ""
	if err == nil {
		file, err = archive.find()
	}
	if err == nil {
		archive.written, err = config.pathIn(name, "classes"+archiveExtension)
	}
	if err != nil {
		config.log().Warn("loaded classes are not kept for faster starts", "name", name, "error", err)
		return nil, nil
	}
	os.Remove(archive.written) // by a process whose up was killed
	if file != "" {
		return []string{"-XX:SharedArchiveFile=" + file}, nil
	}
	if config.keepClassesAfter == 0 {
		return nil, nil
	}
	return nil, archive
}

// writeOptions are Java's options to write the archive when it ends.
func (a *classArchive) writeOptions() []string {
	if a == nil {
		return nil
	}
	// Java would list each class that it leaves out, which are hundreds.
	return []string{"-XX:ArchiveClassesAtExit=" + a.written, "-Xlog:cds=error", "-Xlog:cds+dynamic=error"}
}

// archiveFor is the archive of jars in this Java.
func archiveFor(java, version, jars string) (*classArchive, error) {
	cache, err := checkWay(filepath.Dir(jars))
	if err != nil {
		return nil, fmt.Errorf("others may put another folder in the place of %s", filepath.Dir(jars))
	}
	info, err := os.Stat(cache)
	if err != nil {
		return nil, fmt.Errorf("look whose the cache is: %w", err)
	}
	if !ours(info) || othersMayWrite(info) && !onlyOwnGroupMayWrite(info) {
		return nil, fmt.Errorf("%s belongs to another user, or others may write there", cache)
	}
	fetched, err := os.Stat(jars)
	if err != nil {
		return nil, fmt.Errorf("look for the jars: %w", err)
	}
	// Java takes an archive only with the very files of which it was made.
	of := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%v\n", java, version, jars, fetched.ModTime().UnixNano()))
	return &classArchive{prefix: jars + "-classes-" + hex.EncodeToString(of[:6]) + "-"}, nil
}

// find is the archive's path, or empty if there is none. It removes a damaged one.
func (a *classArchive) find() (file string, err error) {
	found, err := filepath.Glob(globEscape(a.prefix) + "*" + archiveExtension)
	if err != nil {
		return "", fmt.Errorf("look for the archive of classes: %w", err)
	}
	for _, file := range found {
		info, err := os.Lstat(file)
		if err != nil {
			return "", fmt.Errorf("look whose the archive of classes is: %w", err)
		}
		if info.Mode().IsRegular() && ours(info) && !othersMayWrite(info) {
			sum, err := maven.Sum(file)
			if err != nil {
				return "", err
			}
			if file == a.prefix+sum+archiveExtension {
				return file, nil
			}
		}
		if err := os.Remove(file); err != nil {
			return "", fmt.Errorf("remove a damaged archive of classes: %w", err)
		}
	}
	return "", nil
}

// writesClasses reports whether the archive that the process writes when it ends is worth the wait: the process ran long
// enough to load what it needs, and there is room.
func (p *Process) writesClasses() bool {
	return p.classes != nil && time.Since(p.since) > p.config.keepClassesAfter && roomFor(p.config.Data, diskForJars, "{data}") == nil
}

// keepClasses moves the archive that the ended process has written into the cache, if it is whole.
func (p *Process) keepClasses() error {
	if p.classes == nil {
		return nil
	}
	defer os.Remove(p.classes.written)
	if !p.writesClasses() || !p.cmd.ProcessState.Exited() { // a signal may have cut it
		return nil
	}
	return p.classes.keep()
}

// keep moves what Java has written into the cache.
func (a *classArchive) keep() error {
	from, err := os.Open(a.written)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // Java found nothing to write, or crashed
	}
	if err != nil {
		return fmt.Errorf("keep loaded classes: %w", err)
	}
	defer from.Close()
	to, err := os.CreateTemp(filepath.Dir(a.prefix), ".classes-*") // the cache may be on another disk
	if err != nil {
		return fmt.Errorf("keep loaded classes: %w", err)
	}
	defer os.Remove(to.Name())
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, sum), from)
	if err = errors.Join(err, to.Close()); err == nil {
		err = os.Rename(to.Name(), a.prefix+hex.EncodeToString(sum.Sum(nil))+archiveExtension)
	}
	if err != nil {
		return fmt.Errorf("keep loaded classes: %w", err)
	}
	return nil
}
