package local

import (
	"os"
	"path/filepath"
	"testing"
)

// TestArchiveOfClassesIsOnlyOurs refuses a cache in which others may write, and removes an archive that others may write.
func TestArchiveOfClassesIsOnlyOurs(t *testing.T) {
	cache := t.TempDir()
	jars := filepath.Join(cache, "kafka-1")
	if err := os.Mkdir(jars, 0o755); err != nil {
		t.Fatal(err)
	}
	archive, err := archiveFor("java", "17", jars)
	if err != nil {
		t.Fatal(err)
	}
	other, err := archiveFor("java", "21", jars)
	if err != nil || other.prefix == archive.prefix {
		t.Errorf("another Java has the same archive %s (%v)", other.prefix, err)
	}
	archive.written = filepath.Join(t.TempDir(), "written")
	if err := os.WriteFile(archive.written, []byte("classes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := archive.keep(); err != nil {
		t.Fatal(err)
	}
	kept, err := archive.find()
	if err != nil || kept == "" {
		t.Fatalf("the archive that was kept is not found (%v)", err)
	}
	if err := os.Chmod(kept, 0o622); err != nil {
		t.Fatal(err)
	}
	if found, err := archive.find(); err != nil || found != "" {
		t.Errorf("%s is used, which others may write (%v)", found, err)
	}
	if err := os.Chmod(cache, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := archiveFor("java", "17", jars); err == nil {
		t.Error("a cache in which others may write is used")
	}
}
