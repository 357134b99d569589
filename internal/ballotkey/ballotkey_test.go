package ballotkey

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"realtime-election/election"
)

const written = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

func newFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

func TestKeyIsReadAsItIsWritten(t *testing.T) {
	for name, text := range map[string]string{"bare": written, "a line": written + "\n", "a Windows line": written + "\r\n", "upper case": strings.ToUpper(written)} {
		for _, mode := range []os.FileMode{0o600, 0o400} {
			key, err := Open(newFile(t, text, mode))
			if err != nil || hex.EncodeToString(key[:]) != written {
				t.Errorf("%s: %x, %v", name, key, err)
			}
		}
	}
}

func TestUnusableKeyIsRefusedAndNotInTheError(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		says string
	}{
		"group may write": {written, 0o660, "chmod 600 "},
		"all may read":    {written, 0o604, "chmod 600 "},
		"all may write":   {written, 0o602, "(mode 0602)"},
		"empty":           {"", 0o600, "must be 64 hexadecimal digits"},
		"short":           {written[:62], 0o600, "must be 64 hexadecimal digits"},
		"long":            {written + "00", 0o600, "must be 64 hexadecimal digits"},
		"two lines":       {written + "\n\n", 0o600, "must be 64 hexadecimal digits"},
		"other letters":   {"zyxw" + written[4:], 0o600, "must be 64 hexadecimal digits"},
	} {
		for how, open := range map[string]func(string) (election.BallotKey, error){"Open": Open, "OpenOrMake": OpenOrMake} {
			path := newFile(t, c.text, c.mode)
			key, err := open(path)
			var wrong *election.InputError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, %s: %v", name, how, err)
				continue
			}
			if key != (election.BallotKey{}) {
				t.Errorf("%s, %s: a key is returned beside the error", name, how)
			}
			for _, secret := range []string{written[8:16], "zyxw", "'z'"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s, %s: the error contains %s", name, how, secret)
				}
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != c.text {
				t.Errorf("%s, %s: the file was changed", name, how)
			}
		}
	}
}

func TestMissingKeyIsReportedOrMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets", "key")
	var wrong *election.InputError
	if _, err := Open(path); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "no ballot key at "+path) {
		t.Errorf("opened: %v", err)
	}
	made, err := OpenOrMake(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	for _, open := range []func(string) (election.BallotKey, error){Open, OpenOrMake} {
		if again, err := open(path); err != nil || again != made {
			t.Errorf("another key was opened, or none: %v", err)
		}
	}
	if other, err := OpenOrMake(filepath.Join(t.TempDir(), "key")); err != nil || other == made {
		t.Errorf("another file has the same key, or none: %v", err)
	}
	alone(t, path)
}

// alone checks that the key is the only file in its folder.
func alone(t *testing.T, path string) {
	t.Helper()
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v", files, err)
	}
}

func TestKeyMadeByManyAtOnceIsOne(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "key")
		var keys [8]election.BallotKey
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() {
				var err error
				if keys[i], err = OpenOrMake(path); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, key := range keys {
			if key != keys[0] || key == (election.BallotKey{}) {
				t.Fatal("they do not agree")
			}
		}
		alone(t, path)
	}
}

func TestPipeIsNoKey(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "key")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(pipe); err == nil || !strings.Contains(err.Error(), "is no file") {
		t.Errorf("got %v", err)
	}
}

func TestFolderIsNoKey(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "key")
	if err := os.Mkdir(folder, 0o700); err != nil { // with the mode that a key's file may have
		t.Fatal(err)
	}
	var wrong *election.InputError
	if _, err := Open(folder); !errors.As(err, &wrong) || !strings.Contains(err.Error(), folder+" is no file") {
		t.Errorf("opened: %v", err)
	}
}
