package local

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAPortIsKeptWhileItIsFree(t *testing.T) {
	config := Config{Data: t.TempDir()}
	first, err := keptPort(config, "127.0.0.1", "kafka")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := keptPort(config, "127.0.0.1", "kafka"); err != nil || again != first {
		t.Errorf("port %d after %d, %v", again, first, err)
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: first})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if other, err := keptPort(config, "127.0.0.1", "kafka"); err != nil || other == first {
		t.Errorf("port %d was chosen while it is taken, %v", other, err)
	}

	config.samePorts = true
	other, err := keptPort(config, "127.0.0.1", "kafka")
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: other})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if third, err := keptPort(config, "127.0.0.1", "kafka"); err == nil || !strings.Contains(err.Error(), "another program has taken the port") {
		t.Errorf("port %d was chosen, where clients do not look, %v", third, err)
	}
}

func TestASecretIsMadeOnceAndPrivate(t *testing.T) {
	config := Config{Data: t.TempDir()}
	first, err := ownSecret(config, "spark")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ownSecret(config, "spark"); err != nil || again != first || len(first) != 32 {
		t.Errorf("secret %q after %q, %v", again, first, err)
	}
	if info, err := os.Stat(filepath.Join(config.Data, "secrets", "spark")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its file: %v, %v", info.Mode(), err)
	}
}

func TestASecretOfAnotherLengthIsRefusedAndKept(t *testing.T) {
	config := Config{Data: t.TempDir()}
	made, err := ownSecret(config, "postgresql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(config.Data, "secrets", "postgresql")
	for _, spoilt := range []string{"", made[1:], made + "\n"} {
		if err := os.WriteFile(path, []byte(spoilt), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ownSecret(config, "postgresql"); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "election reset") {
			t.Errorf("a secret of %d bytes: %v", len(spoilt), err)
		} else if strings.Contains(err.Error(), made[1:]) {
			t.Errorf("the error tells the secret: %v", err)
		}
		if content, err := os.ReadFile(path); err != nil || string(content) != spoilt {
			t.Errorf("a secret of %d bytes was replaced (%v)", len(spoilt), err)
		}
	}
}

func TestJavaIsCheckedBeforeItIsUsed(t *testing.T) {
	for version, want := range map[string]string{
		`openjdk version "17.0.15" 2025-04-15`: "",
		`openjdk version "25" 2025-09-16`:      "",
		`java version "1.8.0_402"`:             "is too old",
		`openjdk version "11.0.2"`:             "11, 17 or later is needed",
		`Segmentation fault`:                   "does not say its version",
	} {
		home := t.TempDir()
		if err := os.Mkdir(filepath.Join(home, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, "bin", "java"), []byte("#!/bin/sh\necho '"+version+"' >&2\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("JAVA_HOME", home)
		_, _, err := java(t.Context())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", version, err, want)
		}
	}
	t.Setenv("JAVA_HOME", "")
	t.Setenv("PATH", t.TempDir())
	if _, _, err := java(t.Context()); err == nil || !strings.Contains(err.Error(), "install a Java 17") {
		t.Errorf("without any Java: %v", err)
	}
}

func TestValidateNamesTheSetting(t *testing.T) {
	data, file := Config{Data: "d"}, "results.csv"
	for setting, config := range map[string]UpConfig{
		"speed":                             {Config: data, Speed: -1},
		"speed is for an electorate":        {Config: data, Replay: file, Speed: time.Minute},
		"rate and speed exclude each other": {Config: data, Rate: 1, Speed: time.Minute},
		"data":                              {},
		"port":                              {Config: data, Port: 70000},
		"once":                              {Config: data, Once: true},
		"rate":                              {Config: data, Replay: file, Rate: -1},
	} {
		if err := config.Validate(); err == nil || !strings.HasPrefix(err.Error(), setting) {
			t.Errorf("%s: error %v", setting, err)
		}
	}
	if err := (UpConfig{Config: data, Electorate: true, Once: true, Voters: 9, Speed: time.Minute}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (UpConfig{Config: data, Replay: file, Once: true, Regions: []string{"NL"}}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestAFullDiskIsSaidInNumbers(t *testing.T) {
	err := roomFor(filepath.Join(t.TempDir(), "not", "there", "yet"), 1<<62, "{data}")
	if err == nil || !strings.Contains(err.Error(), "GiB are free, 4294967296.0 GiB are needed") {
		t.Errorf("the error is %v", err)
	}
	if err := roomFor(t.TempDir(), 1, "{data}"); err != nil {
		t.Error(err)
	}
}

func TestTheProgressLine(t *testing.T) {
	for want, c := range map[string]struct {
		now, earlier pageTotals
	}{
		"0 votes counted":                     {},
		"1,200 votes counted, 100 a second":   {now: pageTotals{Total: 1200}, earlier: pageTotals{Total: 1000}},
		"600 of 1,200 votes counted (50.0 %)": {now: pageTotals{Total: 600, Expected: 1200}, earlier: pageTotals{Total: 600}},
		"1,234,567 votes counted, 7 rejected": {now: pageTotals{Total: 1234567, Rejected: map[string]int64{"malformed": 3, "unknown_candidate": 4}}, earlier: pageTotals{Total: 1234567}},
	} {
		if got := c.now.line(c.earlier, 2*time.Second); got != want {
			t.Errorf("line %q, want %q", got, want)
		}
	}
}
