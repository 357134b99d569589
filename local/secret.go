package local

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"realtime-election/election"
	"realtime-election/internal/postgres"
)

const secretDigits = 32 // 128 bits in hex

// secret is the password kept in DATA/secrets under that name, made at first use. One of another length is refused.
func secret(config Config, name string) (string, error) {
	path, err := config.in("secrets", name)
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(path)
	if err == nil && len(content) != secretDigits { // another would not fit what was made with it
		return "", &election.InputError{Text: fmt.Sprintf("the secret %s is %d bytes long, and election up made it %d bytes long: put the file back as it was, or remove the whole election with election reset", path, len(content), secretDigits)}
	}
	if err == nil {
		return string(content), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	bits := make([]byte, secretDigits/2)
	rand.Read(bits)
	made := hex.EncodeToString(bits)
	return made, replaceFile(path, []byte(made), 0o600)
}

// rolePasswords are the passwords of PostgreSQL's roles.
func rolePasswords(config Config) (map[postgres.Role]string, error) {
	passwords := make(map[postgres.Role]string)
	for _, role := range postgres.Roles() {
		password, err := secret(config, "postgresql-"+string(role))
		if err != nil {
			return nil, err
		}
		passwords[role] = password
	}
	return passwords, nil
}
