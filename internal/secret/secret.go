// Package secret keeps secrets in files. Only the owner of a file may read it, and those to whom the caller grants access.
// Whenever the process is killed, a file is complete or does not exist. No error contains a secret.
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

// Unfinished is the prefix of the names of files that are being written. A process that is killed may leave one behind.
const Unfinished = ".secret-"

// OpenOrMake reads the secret in a file. If the file does not exist, it makes a secret of 128 random bits; if several processes
// make it at once, one succeeds, and all return its secret. The error is an *election.InputError if the file has another length. It
// includes adviceIfLost, since nothing that was made with a lost secret can be opened with a new one.
//
// grantAccess lets others read the file. It may be nil. It is called before the file gets its name, and again at each read.
func OpenOrMake(path, adviceIfLost string, grantAccess func(path string) error) (string, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		made := make([]byte, digits/2)
		rand.Read(made) // it never fails
		if err := Create(path, hex.EncodeToString(made), grantAccess); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	if len(content) != digits {
		return "", &election.InputError{Text: fmt.Sprintf("the secret %s is %d bytes long where %d are expected: put the file back as it was, or %s", path, len(content), digits, adviceIfLost)}
	}
	if grantAccess != nil {
		err = grantAccess(path)
	}
	return string(content), err
}

// Create writes a new file, and makes its folder if that is missing. The error is fs.ErrExist if the file exists.
func Create(path, content string, grantAccess func(path string) error) error {
	return write(path, content, grantAccess, os.Link) // refuses a name that is taken
}

// Replace writes a file, and replaces it if it exists.
func Replace(path, content string, grantAccess func(path string) error) error {
	return write(path, content, grantAccess, os.Rename)
}

func write(path, content string, grantAccess func(path string) error, name func(from, to string) error) (err error) {
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
	if grantAccess != nil {
		if err := grantAccess(file.Name()); err != nil {
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
