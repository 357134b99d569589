package local

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"realtime-election/internal/postgres"
)

// secret is the password kept in DATA/secrets under that name, made at first use: 128 random bits in hex.
func secret(config Config, name string) (string, error) {
	path, err := config.in("secrets", name)
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(path)
	if err == nil && len(content) == 32 {
		return string(content), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	bits := make([]byte, 16)
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
