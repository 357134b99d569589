//go:build services

package local

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"realtime-election/spark"
)

// TestSparkWorksWhereMemoryIsShort caches more than there is memory for. Spark moves what it has broadcast to the disk
// then, by way of Kryo, which loads classes of machine learning that need jars of others.
func TestSparkWorksWhereMemoryIsShort(t *testing.T) {
	server := startServer(t, Config{Data: newData(t), SparkMemory: "600m"}, StartSpark)
	session, err := spark.Dial(t.Context(), server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	collect := func(query string) []spark.Row {
		t.Helper()
		df, err := session.SQL(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := df.Collect(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return rows
	}
	collect("CACHE TABLE some AS SELECT id, sha2(string(id), 512) || sha2(string(-id), 512) AS text FROM range(0, 400000, 1, 40)")
	collect("CACHE TABLE more AS SELECT id, text || text AS text FROM some") // reads some, so that it is newer than the broadcasts
	if rows := collect("SELECT sum(length(text)) FROM more"); rows[0].At(0) != int64(400000*512) {
		t.Errorf("the texts are %v long", rows[0].At(0))
	}
}

// TestWhatSparkWritesIsForItsUserOnly has Spark write files, as it writes checkpoints.
func TestWhatSparkWritesIsForItsUserOnly(t *testing.T) {
	server := startServer(t, Config{Data: newData(t), SparkMemory: "600m"}, StartSpark)
	session, err := spark.Dial(t.Context(), server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	df, err := session.SQL(t.Context(), "SELECT 'x' AS text")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "written")
	if err := df.Write().Format("text").Option("path", folder).Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = errors.New(info.Mode().String() + " " + path)
		}
		files++
		return err
	})
	if err != nil || files < 2 {
		t.Errorf("of %d files, others may read one: %v", files, err)
	}
}
