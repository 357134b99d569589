package local

import (
	"realtime-election/internal/postgres"
	"realtime-election/internal/secret"
)

// adviceIfLost is what to do where a secret is lost.
const adviceIfLost = "remove the whole election with election reset"

// ownSecret is the secret that DATA/secrets keeps under that name, made at first use.
func ownSecret(config Config, name string) (string, error) {
	path, err := config.pathIn("secrets", name)
	if err != nil {
		return "", err
	}
	return secret.OpenOrMake(path, adviceIfLost, nil)
}

// rolePasswords are the passwords of PostgreSQL's roles.
func rolePasswords(config Config) (map[postgres.Role]string, error) {
	passwords := make(map[postgres.Role]string)
	for _, role := range postgres.Roles() {
		password, err := ownSecret(config, "postgresql-"+string(role))
		if err != nil {
			return nil, err
		}
		passwords[role] = password
	}
	return passwords, nil
}
