package setup

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"realtime-election/internal/ballotkey"
	"realtime-election/internal/certificates"
	"realtime-election/internal/postgres"
	"realtime-election/internal/principals"
	"realtime-election/internal/secret"
)

// Secrets is a folder with the secrets of an election in containers, one in each file. A file belongs to the user who
// makes it. The group of the service that it is for may also read it.
type Secrets struct {
	Folder   string
	Groups   map[string]int // by service; a service without a group may read no file
	Kafka    string         // host:port, as the services reach it
	Postgres string         // host:port/database
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
//	ca-key.pem, ca.pem                                the certificate authority; ca.pem is for everybody
//	kafka.pem, postgres.pem, spark.pem                of each server, its private key and its certificate, new each time
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
	if err := s.certificates(); err != nil {
		return err
	}
	if err := s.passwords(s.Folder); err != nil {
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

// passwords makes, in a folder, the passwords that are missing, and the files with which they are used.
func (s Secrets) passwords(folder string) error {
	random := func(name, user string) (string, error) {
		return secret.OpenOrMake(filepath.Join(folder, name), adviceIfLost, s.allow(user))
	}
	write := func(name, user, content string) error {
		return secret.Replace(filepath.Join(folder, name), content, s.allow(user))
	}
	superuser, err := random("postgres-password", PostgresSecrets)
	if err != nil {
		return err
	}
	if err := write("postgres-url", "", s.database("postgres", superuser)); err != nil {
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
		password, err := random(string(account.role), "")
		if err != nil {
			return err
		}
		if err := write(account.url, account.user, s.database(string(account.role), password)); err != nil {
			return err
		}
	}
	token, err := random("spark-token", SparkSecrets)
	if err != nil {
		return err
	}
	if err := write("spark-remote", SubmitSecrets, "sc://"+s.Spark+"/;use_ssl=true;token="+url.PathEscape(token)); err != nil {
		return err
	}
	sparkSecret, err := random("spark-secret", "")
	if err != nil {
		return err
	}
	if err := write("spark-options", SparkSecrets, "-Dspark.authenticate.secret="+sparkSecret); err != nil {
		return err
	}
	return principals.Logins{
		Folder: folder, CA: s.ca(), AdviceIfLost: adviceIfLost,
		Allow: func(p principals.Principal) func(string) error { return s.allow(whose(p)) },
	}.Make()
}

func (s Secrets) database(role, password string) string {
	return fmt.Sprintf("postgres://%s@%s?sslmode=verify-full&sslrootcert=%s", url.UserPassword(role, password), s.Postgres, url.QueryEscape(s.ca()))
}

// ca is the file of the certificate authority.
func (s Secrets) ca() string { return filepath.Join(s.Folder, certificates.File) }

// certificates makes the certificates by which the servers prove who they are.
func (s Secrets) certificates() error {
	authority, err := certificates.OpenOrMake(s.Folder, func(path string) error { return os.Chmod(path, 0o644) })
	if err != nil {
		return err
	}
	host := func(address string) string {
		name, _, _ := strings.Cut(address, ":")
		return name
	}
	for _, server := range []struct {
		service string
		names   []string
	}{
		{KafkaSecrets, []string{host(s.Kafka), "localhost", "127.0.0.1"}}, // the profile debug forwards it to the host's loopback
		{PostgresSecrets, []string{host(s.Postgres)}},
		{SparkSecrets, []string{host(s.Spark)}},
	} {
		if err := authority.Issue(filepath.Join(s.Folder, server.service+".pem"), server.names, s.allow(server.service)); err != nil {
			return err
		}
	}
	return nil
}

// whose is the service that logs in to Kafka as a principal: for most, that of its name.
func whose(p principals.Principal) string {
	switch p {
	case principals.Broker, principals.Controller, principals.Health:
		return KafkaSecrets
	case principals.Query, principals.Reader:
		return ToolsSecrets
	case principals.Cast:
		return VotesSecrets // which have the ballot key
	}
	return string(p)
}

const adviceIfLost = "begin anew: docker compose down --volumes"

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
