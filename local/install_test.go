package local

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ulikunitz/xz"

	"realtime-election/local/maven"
)

// archive is a tar of files. An entry whose content begins with "-> " is a link.
func archive(t *testing.T, entries ...[2]string) *bytes.Reader {
	t.Helper()
	var packed bytes.Buffer
	writer := tar.NewWriter(&packed)
	for _, entry := range entries {
		name, content := entry[0], entry[1]
		header := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}
		target, link := strings.CutPrefix(content, "-> ")
		if link {
			header = &tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}
		}
		if err := writer.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if !link {
			if _, err := writer.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(packed.Bytes())
}

func TestAnArchiveIsUnpackedWithItsLinks(t *testing.T) {
	target := t.TempDir()
	packed := archive(t, [2]string{"lib/libpq.so", "-> libpq.so.5"}, [2]string{"lib/libpq.so.5", "library"}, [2]string{"bin/lib", "-> ../lib"})
	if err := unpackTar(t.Context(), packed, target); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"lib/libpq.so", "bin/lib/libpq.so.5"} {
		if content, err := os.ReadFile(filepath.Join(target, path)); err != nil || string(content) != "library" {
			t.Errorf("%s holds %q (%v)", path, content, err)
		}
	}
}

// TestAnArchiveIsUnpackedForAll unpacks, as `up` does, in a process that makes files for its user only.
func TestAnArchiveIsUnpackedForAll(t *testing.T) {
	before := syscall.Umask(0o077)
	t.Cleanup(func() { syscall.Umask(before) })
	target := t.TempDir()
	if err := unpackTar(t.Context(), archive(t, [2]string{"share/zone/UTC", "0"}), target); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{"share": 0o755, "share/zone": 0o755, "share/zone/UTC": 0o644} {
		if info, err := os.Stat(filepath.Join(target, path)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has the mode %v, want %v (%v)", path, info.Mode(), want, err)
		}
	}
}

func TestAnArchiveStaysInItsFolder(t *testing.T) {
	for name, entries := range map[string][][2]string{
		"a file above":           {{"../theirs", "ours"}},
		"a file through a link":  {{"out", "-> .."}, {"out/theirs", "ours"}},
		"a file by a link":       {{"file", "-> ../theirs"}, {"file", "ours"}},
		"a link out":             {{"file", "-> ../theirs"}},
		"a link of a whole path": {{"file", "-> /etc/passwd"}},
		"a link by a link":       {{"a/up", "-> .."}, {"file", "-> a/up/../theirs"}},
		"a link to nothing":      {{"file", "-> nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			outside := t.TempDir()
			target, theirs := filepath.Join(outside, "target"), filepath.Join(outside, "theirs")
			write(t, theirs, "theirs")
			if err := os.Mkdir(target, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unpackTar(t.Context(), archive(t, entries...), target); err == nil {
				t.Error("it was unpacked")
			}
			if content, err := os.ReadFile(theirs); err != nil || string(content) != "theirs" {
				t.Errorf("the file outside holds %q (%v)", content, err)
			}
		})
	}
}

// newJar is a folder with a jar that holds a packed archive, and the sum of what it unpacks to.
func newJar(t *testing.T, entries ...[2]string) (jars, sum string) {
	t.Helper()
	jars = t.TempDir()
	file, err := os.Create(filepath.Join(jars, "postgresql.jar"))
	change(t, err)
	jar := zip.NewWriter(file)
	packed, err := jar.Create("postgresql.txz")
	change(t, err)
	writer, err := xz.NewWriter(packed)
	change(t, err)
	_, err = archive(t, entries...).WriteTo(writer)
	change(t, errors.Join(err, writer.Close(), jar.Close(), file.Close()))
	sum, err = UnpackedSum(t.Context(), jars)
	change(t, err)
	return jars, sum
}

// TestAChangedPostgreSQLIsUnpackedAgain changes the installed programs as somebody could who may write there.
func TestAChangedPostgreSQLIsUnpackedAgain(t *testing.T) {
	t.Parallel()
	jars, sum := newJar(t, [2]string{"bin/postgres", "server"}, [2]string{"lib/libpq.so.5", "library"}, [2]string{"lib/libpq.so", "-> libpq.so.5"})
	for name, spoil := range map[string]func(installed string) error{
		"a changed file": func(installed string) error {
			return os.WriteFile(filepath.Join(installed, "bin/postgres"), []byte("Server"), 0o644)
		},
		"a removed file":  func(installed string) error { return os.Remove(filepath.Join(installed, "bin/postgres")) },
		"another library": func(installed string) error { return os.WriteFile(filepath.Join(installed, "lib/libz.so"), nil, 0o644) },
		"a link to the same content": func(installed string) error {
			elsewhere, program := filepath.Join(filepath.Dir(installed), "postgres"), filepath.Join(installed, "bin/postgres")
			return errors.Join(os.Rename(program, elsewhere), os.Symlink(elsewhere, program))
		},
		"a link that leads elsewhere": func(installed string) error {
			link := filepath.Join(installed, "lib/libpq.so")
			return errors.Join(os.Remove(link), os.Symlink("../bin/postgres", link))
		},
		"a file that others may write":   func(installed string) error { return os.Chmod(filepath.Join(installed, "bin/postgres"), 0o666) },
		"a folder that others may write": func(installed string) error { return os.Chmod(filepath.Join(installed, "lib"), 0o777) },
		"all that others may write":      func(installed string) error { return os.Chmod(installed, 0o777) },
		"all by a link": func(installed string) error {
			return errors.Join(os.Rename(installed, installed+".theirs"), os.Symlink(installed+".theirs", installed))
		},
		"a file of another user": func(installed string) error {
			if os.Geteuid() != 0 {
				return os.Remove(filepath.Join(installed, "bin/postgres")) // it cannot be given away
			}
			return os.Chown(filepath.Join(installed, "bin/postgres"), 65534, 65534)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			config := Config{Log: slog.New(slog.NewTextHandler(&log, nil))}
			installed := filepath.Join(t.TempDir(), "installed")
			for range 2 {
				change(t, install(t.Context(), config, jars, installed, sum))
			}
			if log.Len() > 0 {
				t.Errorf("nothing has changed, and the log says %s", &log)
			}
			change(t, spoil(installed))
			change(t, install(t.Context(), config, jars, installed, sum))
			if !strings.Contains(log.String(), "PostgreSQL differs from its archive, unpacking it again") {
				t.Errorf("the log says %q", &log)
			}
			if have, err := maven.TreeSum(installed); err != nil || have != sum {
				t.Errorf("what is installed has the sum %s, want %s (%v)", have, sum, err)
			}
		})
	}
}

func TestAPostgreSQLOfAnotherSumIsNotInstalled(t *testing.T) {
	jars, _ := newJar(t, [2]string{"bin/postgres", "server"})
	installed := filepath.Join(t.TempDir(), "installed")
	err := install(t.Context(), Config{}, jars, installed, "another")
	if err == nil || !strings.Contains(err.Error(), "the committed list says another") {
		t.Errorf("the error is %v", err)
	}
	if left, _ := filepath.Glob(installed + "*"); len(left) != 1 { // the lock
		t.Errorf("it left %v", left)
	}
}
