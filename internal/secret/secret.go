// Package secret keeps secrets in files that only their owner may read, and whoever the caller gives them to. A file is
// whole or does not exist, whenever the process is killed. No error tells a secret.
//
//	password, err := secret.OpenOrMake(path, "remove the election and begin anew", nil)
package secret

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"realtime-election/election"
)

const digits = 32 // 128 bits in hexadecimal

// Unfinished begins the names of files that are being written. A process that is killed leaves one behind.
const Unfinished = ".secret-"

// OpenOrMake reads the secret in a file, or makes one of 128 random bits where the file does not exist; of several that
// make it at once one succeeds, and all return its secret. A file of another length is an *election.InputError, which
// says besides what to do where the secret is lost: what was made with it cannot be opened with another.
//
// Give, which may be nil, lets others read the file, before it has its name and again whenever it is read.
func OpenOrMake(path, whereLost string, give func(path string) error) (string, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		made := make([]byte, digits/2)
		rand.Read(made) // it never fails
		if err := Create(path, hex.EncodeToString(made), give); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	if len(content) != digits {
		return "", &election.InputError{Text: fmt.Sprintf("the secret %s is %d bytes long where %d are expected: put the file back as it was, or %s", path, len(content), digits, whereLost)}
	}
	if give != nil {
		err = give(path)
	}
	return string(content), err
}

// Create writes a file that does not exist; otherwise the error is fs.ErrExist. It makes the folder where it is missing.
func Create(path, content string, give func(path string) error) error {
	return write(path, content, give, os.Link) // which refuses a name that is taken
}

// Replace writes a file whether it exists or not, in a folder that exists.
func Replace(path, content string, give func(path string) error) error {
	return write(path, content, give, os.Rename)
}

func write(path, content string, give func(path string) error, name func(from, to string) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("make the secret %s: %w", path, err)
		}
	}()
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, Unfinished+"*") // exclusively, with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if give != nil {
		if err := give(file.Name()); err != nil {
			return err
		}
	}
	if err := name(file.Name(), path); err != nil {
		return err
	}
	parent, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}
