//go:build services

package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"realtime-election/local/maven"
)

// TestClassesAreKeptForTheNextStart has Kafka write its classes as it ends, start with them in another DATA, and start
// without them once they are damaged.
func TestClassesAreKeptForTheNextStart(t *testing.T) {
	cache := t.TempDir()
	jars, err := maven.Fetch(t.Context(), nil, maven.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(jars, filepath.Join(cache, filepath.Base(jars))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ELECTION_CACHE", cache)
	archives := func() []string {
		found, err := filepath.Glob(filepath.Join(cache, "*"+archiveExtension))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}

	short := Config{Data: newData(t), keepClassesAfter: time.Hour}
	endAsUpDoes(t, startServer(t, short, StartKafka))
	if found := archives(); len(found) > 0 {
		t.Fatalf("a short run left %q", found)
	}

	endAsUpDoes(t, startServer(t, Config{Data: newData(t), keepClassesAfter: time.Nanosecond}, StartKafka))
	found := archives()
	if len(found) != 1 {
		t.Fatalf("the cache holds %q, not one archive", found)
	}

	with := startServer(t, Config{Data: newData(t), keepClassesAfter: time.Nanosecond}, StartKafka)
	if !mapped(t, with, found[0]) {
		t.Errorf("Kafka does not use %s", found[0])
	}
	endAsUpDoes(t, with)
	if again := archives(); len(again) != 1 || again[0] != found[0] {
		t.Errorf("after a start with the archive %q the cache holds %q", found[0], again)
	}

	content, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(found[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	without := startServer(t, Config{Data: newData(t)}, StartKafka)
	if mapped(t, without, found[0]) {
		t.Errorf("Kafka uses %s, which is damaged", found[0])
	}
	if left := archives(); len(left) > 0 {
		t.Errorf("the damaged %q is still there", left)
	}
	endAsUpDoes(t, without)
}

// endAsUpDoes ends a server as up does.
func endAsUpDoes(t *testing.T, server *Process) {
	t.Helper()
	keeper := &keeper{name: server.Name(), log: (Config{}).log(), process: server}
	keeper.stop(graceStores)
	if left, err := os.ReadDir(filepath.Join(server.config.Data, server.Name())); err != nil {
		t.Error(err)
	} else {
		for _, file := range left {
			if filepath.Ext(file.Name()) == archiveExtension {
				t.Errorf("%s is left", file.Name())
			}
		}
	}
}

// mapped reports whether the process has the file in its memory.
func mapped(t *testing.T, process *Process, file string) bool {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", process.PID()))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(maps), file)
}
