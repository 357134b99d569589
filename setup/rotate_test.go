package setup

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"realtime-election/internal/secret"
)

// TestRotateWithoutServersChangesNothing checks that the passwords that the servers know stay until they know others, and that
// the next Rotate goes on with those that this one made.
func TestRotateWithoutServersChangesNothing(t *testing.T) {
	s := Secrets{Folder: t.TempDir(), Kafka: "127.0.0.1:1", Postgres: "127.0.0.1:1/election", Spark: "127.0.0.1:1"}
	if err := s.Make(); err != nil {
		t.Fatal(err)
	}
	before := read(t, s.Folder)
	folder := filepath.Join(s.Folder, next)
	var made map[string]string
	for range 2 {
		if err := s.Rotate(t.Context()); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
			t.Errorf("got %v", err)
		}
		if made != nil {
			if diff := cmp.Diff(made, read(t, folder)); diff != "" {
				t.Errorf("other passwords were made:\n%s", diff)
			}
		}
		made = read(t, folder)
	}
	if err := os.Rename(folder, filepath.Join(t.TempDir(), next)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, read(t, s.Folder)); diff != "" {
		t.Errorf("without servers:\n%s", diff)
	}
	for name, old := range before {
		keyOrCertificate := strings.HasSuffix(name, ".pem") || name == "ballot-key"
		if new, ok := made[name]; ok == keyOrCertificate || ok && new == old {
			t.Errorf("%s is in both folders: %v, with new content: %v", name, ok, new != old)
		}
	}
}

// TestNewSecretsTakeThePlaceOfTheOld checks what Rotate does last, also where it was interrupted before.
func TestNewSecretsTakeThePlaceOfTheOld(t *testing.T) {
	s := Secrets{Folder: t.TempDir()}
	write := func(path, content string, mode fs.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	folder, used := filepath.Join(s.Folder, next), filepath.Join(s.Folder, "used")
	write(filepath.Join(s.Folder, "a"), "old a", 0o600)
	write(filepath.Join(s.Folder, "b"), "old b", 0o600)
	write(filepath.Join(s.Folder, "kept"), "kept", 0o600)
	write(filepath.Join(s.Folder, secret.Unfinished+"a"), "left", 0o600)
	write(filepath.Join(used, "b"), "left", 0o600)
	write(filepath.Join(folder, "a"), "new a", 0o640)
	write(filepath.Join(folder, "b"), "new b", 0o600)
	write(filepath.Join(folder, secret.Unfinished+"1"), "half", 0o600)
	if err := s.use(folder); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "new a", "b": "new b", "kept": "kept"}
	if diff := cmp.Diff(want, read(t, s.Folder)); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(filepath.Join(s.Folder, "a")); err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v; want mode 0640", info, err)
	}
}
