package setup

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"realtime-election/internal/ballotkey"
	"realtime-election/internal/postgres"
	"realtime-election/internal/principals"
	"realtime-election/internal/secret"
)

// Secrets is a folder with the secrets of an election in containers, one in each file. A file belongs to the user who
// makes it. The group of the service that it is for may also read it.
type Secrets struct {
	Folder   string
	Groups   map[string]int // by service; a service without a group may read no file
	Postgres string         // host:port/database, as the services reach it
	Spark    string         // host:port of Spark Connect
}

// The services that have secrets.
const (
	PostgresSecrets = "postgres"
	SparkSecrets    = "spark"
	LedgerSecrets   = "ledger"
	SubmitSecrets   = "submit"
	ToolsSecrets    = "tools" // audit, and people who look
	VotesSecrets    = "votes"
	KafkaSecrets    = "kafka"
)

// Make makes the secrets that are missing: 128 random bits each, and the ballot key. It keeps those that exist. The
// files are
//
//	postgres-password                                 of the role postgres, for PostgreSQL's first start
//	election_ledger, election_spark, election_reader  passwords of the roles, for init
//	postgres-url                                      for init
//	ledger-url, submit-url, audit-url                 PostgreSQL's URL with role and password
//	spark-token, spark-remote                         Spark Connect's token, and its connection string with the token
//	spark-secret, spark-options                       by which Spark's processes authenticate each other, and Java's option with it
//	ballot-key
//	kafka-NAME, kafka-NAME.properties                 of the principal NAME, its password, and its login to Kafka
//	kafka-format.args                                 for Kafka's first start
func (s Secrets) Make() error {
	if err := os.MkdirAll(s.Folder, 0o711); err != nil {
		return fmt.Errorf("make the folder of secrets: %w", err)
	}
	// An earlier run that was killed may have left an unfinished file.
	unfinished, err := filepath.Glob(filepath.Join(s.Folder, secret.Unfinished+"*"))
	if err != nil {
		return fmt.Errorf("look for unfinished secrets: %w", err)
	}
	for _, path := range unfinished {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove an unfinished secret: %w", err)
		}
	}
	superuser, err := s.random("postgres-password", PostgresSecrets)
	if err != nil {
		return err
	}
	if err := s.write("postgres-url", "", s.database("postgres", superuser)); err != nil {
		return err
	}
	for _, account := range []struct {
		role      postgres.Role
		url, user string
	}{
		{postgres.LedgerRole, "ledger-url", LedgerSecrets},
		{postgres.SparkRole, "submit-url", SubmitSecrets},
		{postgres.ReaderRole, "audit-url", ToolsSecrets},
	} {
		password, err := s.random(string(account.role), "")
		if err != nil {
			return err
		}
		if err := s.write(account.url, account.user, s.database(string(account.role), password)); err != nil {
			return err
		}
	}
	token, err := s.random("spark-token", SparkSecrets)
	if err != nil {
		return err
	}
	if err := s.write("spark-remote", SubmitSecrets, "sc://"+s.Spark+"/;token="+url.PathEscape(token)); err != nil {
		return err
	}
	sparkSecret, err := s.random("spark-secret", "")
	if err != nil {
		return err
	}
	if err := s.write("spark-options", SparkSecrets, "-Dspark.authenticate.secret="+sparkSecret); err != nil {
		return err
	}
	if err := principals.MakeLogins(s.Folder, adviceIfLost, func(p principals.Principal) func(string) error { return s.allow(whose(p)) }); err != nil {
		return err
	}
	path := filepath.Join(s.Folder, "ballot-key")
	if _, err := ballotkey.OpenOrMake(path); err != nil {
		return err
	}
	if allow := s.allow(VotesSecrets); allow != nil {
		return allow(path)
	}
	return nil
}

func (s Secrets) database(role, password string) string {
	return fmt.Sprintf("postgres://%s@%s?sslmode=disable", url.UserPassword(role, password), s.Postgres) // the containers have a network of their own
}

// whose is the service that logs in to Kafka as a principal: for most, that of its name.
func whose(p principals.Principal) string {
	switch p {
	case principals.Broker, principals.Controller, principals.Health:
		return KafkaSecrets
	case principals.Cast, principals.Query, principals.Reader:
		return ToolsSecrets
	}
	return string(p)
}

const adviceIfLost = "begin anew: docker compose down --volumes"

// random reads the secret of that name, or makes it if it is missing.
func (s Secrets) random(name, user string) (string, error) {
	return secret.OpenOrMake(filepath.Join(s.Folder, name), adviceIfLost, s.allow(user))
}

func (s Secrets) write(name, user, content string) error {
	return secret.Replace(filepath.Join(s.Folder, name), content, s.allow(user))
}

// allow makes a function that lets a service's group read a file. The owner of the file may do that without being root,
// as a member of the group. allow is nil if the service has no group.
func (s Secrets) allow(user string) func(path string) error {
	group, known := s.Groups[user]
	if !known {
		return nil
	}
	return func(path string) error {
		if err := errors.Join(os.Chown(path, -1, group), os.Chmod(path, 0o640)); err != nil {
			return fmt.Errorf("give a secret to the group %d of %s: %w", group, user, err)
		}
		return nil
	}
}
