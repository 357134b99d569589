//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestJava25CountsToTheVote holds an election with the Java that JAVA25_HOME names, where the other tests take whichever
// Java the machine has.
func TestJava25CountsToTheVote(t *testing.T) {
	home := os.Getenv("JAVA25_HOME")
	if home == "" {
		t.Fatal("JAVA25_HOME is not set: install a Java 25 runtime and set it to its folder, the parent of bin/java")
	}
	version, err := exec.Command(filepath.Join(home, "bin", "java"), "-version").CombinedOutput()
	if err != nil || !strings.Contains(string(version), `version "25`) {
		t.Fatalf("JAVA25_HOME=%s is no Java 25: %v: %s", home, err, version)
	}
	data := newData(t)
	cmd := exec.Command(binary, "up", "--once", "--voters", "3000", "--data", data, "--port", "0")
	cmd.Env = append(os.Environ(), "JAVA_HOME="+home)
	s := startUp(t, data, cmd)
	if code := s.exit(t, 8*time.Minute); code != 0 || !strings.Contains(s.out.String(), "Everything agrees.") {
		t.Errorf("up --once on Java 25 exits %d", code)
	}
	t.Logf("\n%s", s.out)
}
