// Package ballotkey keeps the secret ballot key in a file, as 64 hexadecimal digits. Only the owner of the file may read it, and
// perhaps a group. No error contains a digit of the key.
//
//	key, err := ballotkey.OpenOrMake("/secrets/ballot-key")
package ballotkey

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"realtime-election/election"
	"realtime-election/internal/secret"
)

// digits is the length of the key in hexadecimal.
const digits = 2 * len(election.BallotKey{})

// Open reads the key. The error is an InputError if the file is missing, if others may read it, or if it holds no key.
func Open(path string) (election.BallotKey, error) {
	key, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return key, &election.InputError{Text: fmt.Sprintf("there is no ballot key at %s; ballots are made with the key that the election was prepared with, so copy it there", path)}
	}
	return key, err
}

// OpenOrMake reads the key, or makes one if the file does not exist. Whenever the process is killed, the file is complete or does
// not exist. If several processes make it at once, one succeeds, and all return its key.
func OpenOrMake(path string) (election.BallotKey, error) {
	key, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	rand.Read(key[:]) // it never fails
	if err := secret.Create(path, fmt.Sprintf("%x\n", key[:]), nil); err != nil && !errors.Is(err, fs.ErrExist) {
		return election.BallotKey{}, err
	}
	return read(path)
}

func read(path string) (key election.BallotKey, err error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would wait for a writer
	if err != nil {
		return key, fmt.Errorf("open the ballot key: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return key, fmt.Errorf("open the ballot key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return key, &election.InputError{Text: fmt.Sprintf("%s is no file; name the file of the ballot key", path)}
	}
	if info.Mode().Perm()&0o037 != 0 { // a group may read it, so that two containers share a key
		return key, &election.InputError{Text: fmt.Sprintf("the ballot key %s may be read by others (mode %04o), who could tell whose a ballot is; run: chmod 600 %[1]s", path, info.Mode().Perm())}
	}
	text, err := io.ReadAll(io.LimitReader(file, int64(digits)+3)) // with the end of the line, and one byte that is too many
	if err != nil {
		return key, fmt.Errorf("read the ballot key: %w", err)
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if len(line) == digits {
		_, err = hex.Decode(key[:], []byte(line)) // its error would quote the key
	}
	if len(line) != digits || err != nil {
		return election.BallotKey{}, &election.InputError{Text: fmt.Sprintf("%s holds no ballot key: it must be %d hexadecimal digits; put back the key that the election was prepared with", path, digits)}
	}
	return key, nil
}
