//go:build services

package spark_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const requirements = "testdata/pyspark/requirements.txt"

// pySpark is a Python with PySpark's client. It is installed once for each list of requirements and version of Python, into
// the user's cache, whole or not at all.
func pySpark(t *testing.T) string {
	t.Helper()
	version, err := exec.Command("python3", "--version").Output()
	if err != nil {
		t.Fatalf("find Python: %v; run scripts/prerequisites.sh test", err)
	}
	list := must(os.ReadFile(requirements))(t)
	cache := filepath.Join(must(os.UserCacheDir())(t), "realtime-election", "pyspark")
	folder := filepath.Join(cache, fmt.Sprintf("%x", sha256.Sum256(append(list, version...)))[:16])
	python := filepath.Join(folder, "bin", "python")
	if _, err := os.Stat(python); err == nil {
		return python
	}
	must(0, os.MkdirAll(cache, 0o755))(t)
	making := must(os.MkdirTemp(cache, "making-"))(t)
	defer os.RemoveAll(making)
	for _, command := range [][]string{
		{"python3", "-m", "venv", making},
		{filepath.Join(making, "bin", "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", requirements},
	} {
		if out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("install PySpark: %s: %v; it needs python3 with venv and a package index\n%s", strings.Join(command, " "), err, out)
		}
	}
	// Another test may have been faster.
	if err := os.Rename(making, folder); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatalf("keep PySpark: %v", err)
	}
	return python
}

// pythonDoctests is a run of doctests.py.
type pythonDoctests struct {
	folder     string // of its temporary folders
	in         io.WriteCloser
	out        *bufio.Reader
	complaints bytes.Buffer
}

// startPySpark starts doctests.py, which runs PySpark's doctests against the server as it is asked to.
func startPySpark(t *testing.T, python string) *pythonDoctests {
	t.Helper()
	p := &pythonDoctests{folder: t.TempDir()}
	command := exec.Command(python, "testdata/pyspark/doctests.py")
	// PySpark takes a token without TLS to localhost only, not to its address.
	remote := strings.Replace(sparkServer(t), "127.0.0.1", "localhost", 1)
	command.Env = append(os.Environ(), "SPARK_REMOTE="+remote, "TMPDIR="+p.folder, "TZ=UTC",
		"SPARK_SETTINGS="+string(must(json.Marshal(settings))(t)))
	command.Stderr = &p.complaints
	p.in = must(command.StdinPipe())(t)
	p.out = bufio.NewReader(must(command.StdoutPipe())(t))
	must(0, command.Start())(t)
	t.Cleanup(func() {
		p.in.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("doctests.py: %v\n%s", err, p.complaints.Bytes())
		}
	})
	return p
}

// start has PySpark run a doctest, which outcomes waits for.
func (p *pythonDoctests) start(t *testing.T, name string) {
	t.Helper()
	must(fmt.Fprintln(p.in, name))(t)
}

func (p *pythonDoctests) outcomes(t *testing.T, name string) []any {
	t.Helper()
	for {
		line, err := p.out.ReadBytes('\n')
		if err != nil {
			t.Fatalf("hear from doctests.py: %v", err)
		}
		var did struct {
			Name     string
			Outcomes []any
			Error    string
		}
		must(0, decodeJSON(line, &did))(t)
		if did.Name != name {
			continue // of a test that failed before it came
		}
		if did.Error != "" {
			t.Fatalf("PySpark: %s", did.Error)
		}
		if len(did.Outcomes) == 0 {
			t.Fatal("PySpark's doctest gives nothing to compare with")
		}
		return did.Outcomes
	}
}

// decodeJSON keeps numbers as they are written.
func decodeJSON(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}
