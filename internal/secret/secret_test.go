package secret_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"realtime-election/election"
	"realtime-election/internal/secret"
)

func TestSecretIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "password")
	var made [8]string
	var all sync.WaitGroup
	for i := range made {
		all.Go(func() {
			var err error
			if made[i], err = secret.OpenOrMake(path, "", nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, other := range made {
		if other != made[0] || len(other) != 32 {
			t.Errorf("made %q, another %q", made[0], other)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v", files, err)
	}
	if other, err := secret.OpenOrMake(path+"2", "", nil); err != nil || other == made[0] {
		t.Errorf("another secret is %q, %v", other, err)
	}
}

func TestSecretOfAnotherLengthIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	for _, content := range []string{"", "hunter2", strings.Repeat("f", 33)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := secret.OpenOrMake(path, "begin anew", nil)
		var input *election.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), path) || !strings.HasSuffix(err.Error(), "or begin anew") {
			t.Errorf("%q: %v", content, err)
		}
		if content != "" && strings.Contains(err.Error(), content) {
			t.Errorf("the error contains the secret: %v", err)
		}
		if kept, err := os.ReadFile(path); string(kept) != content {
			t.Errorf("%q became %q, %v", content, kept, err)
		}
	}
}

func TestAccessIsGrantedBeforeTheFileHasItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	var granted []string
	grantAccess := func(at string) error {
		_, err := os.Stat(path)
		granted = append(granted, filepath.Base(at))
		if at != path && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("access to %s is granted while %s exists", at, path)
		}
		return nil
	}
	if _, err := secret.OpenOrMake(path, "", grantAccess); err != nil {
		t.Fatal(err)
	}
	if len(granted) != 2 || !strings.HasPrefix(granted[0], secret.Unfinished) || granted[1] != "password" {
		t.Errorf("access was granted to %q", granted)
	}

	no := errors.New("no such group")
	refuse := func(string) error { return no }
	if _, err := secret.OpenOrMake(path+"2", "", refuse); !errors.Is(err, no) {
		t.Errorf("a group that does not exist: %v", err)
	}
	if _, err := os.Stat(path + "2"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a secret that nobody may read is left: %v", err)
	}
}

func TestCreateRefusesAndReplaceReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "url")
	if err := secret.Create(path, "one", nil); err != nil {
		t.Fatal(err)
	}
	if err := secret.Create(path, "two", nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created again: %v", err)
	}
	if content, err := os.ReadFile(path); string(content) != "one" {
		t.Errorf("it holds %q, %v", content, err)
	}
	if err := secret.Replace(path, "three", nil); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(path); string(content) != "three" {
		t.Errorf("it holds %q, %v", content, err)
	}
}
