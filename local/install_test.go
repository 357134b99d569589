package local

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
