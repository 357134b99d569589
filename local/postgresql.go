package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The only database, and its owner.
const (
	postgresUser     = "election"
	postgresDatabase = "election"
)

// StartPostgreSQL starts DATA's PostgreSQL and returns once it answers a query. The first start makes the cluster and
// the database, with a password that DATA/secrets keeps. Started by root, the server runs as another user: see
// clusterFolder. ctx bounds the start only.
func StartPostgreSQL(ctx context.Context, config Config) (*Process, error) {
	owner, err := ownerOf(config)
	if err != nil {
		return nil, err
	}
	binaries, err := installPostgreSQL(ctx, config, owner)
	if err != nil {
		return nil, err
	}
	password, err := ownSecret(config, "postgresql")
	if err != nil {
		return nil, err
	}
	folder, err := owner.clusterFolder(config)
	if err != nil {
		return nil, err
	}
	if err := initPostgreSQL(ctx, config, owner, binaries, folder, password); err != nil {
		return nil, err
	}
	port, err := keptPort(config, "127.0.0.1", "postgresql")
	if err != nil {
		return nil, err
	}
	certificate, rules := filepath.Join(folder, "server.pem"), filepath.Join(folder, "pg_hba.conf")
	ca, err := certify(config, certificate, owner.chown)
	if err != nil {
		return nil, err
	}
	if err := replaceFile(rules, []byte("hostssl all all 127.0.0.1/32 scram-sha-256\n"), 0o600); err != nil {
		return nil, err
	}
	if err := owner.chown(rules); err != nil {
		return nil, err
	}
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(postgresUser, password),
		Host: fmt.Sprintf("127.0.0.1:%d", port), Path: "/" + postgresDatabase,
		RawQuery: "sslmode=verify-full&sslrootcert=" + strings.ReplaceAll(url.QueryEscape(ca), "+", "%20"), // libpq takes no plus for a space
	}
	args := []string{"-D", filepath.Join(folder, "data")}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", fmt.Sprintf("port=%d", port), "unix_socket_directories=",
		"ssl=on", "ssl_cert_file=" + certificate, "ssl_key_file=" + certificate, "hba_file=" + rules,
		"max_wal_size=2GB", "timezone=UTC", "log_timezone=UTC", "logging_collector=off", "log_checkpoints=off",
	} {
		args = append(args, "-c", setting)
	}
	process, err := start(config, command{
		name: PostgreSQL, path: filepath.Join(binaries, "bin", "postgres"), args: args, folder: folder,
		address: address.String(), user: owner.credential(),
		stopSignal:  syscall.SIGINT, // "fast": disconnect clients, then end
		lowPriority: true,           // people watch the count; nobody waits for the ledger
	})
	if err != nil {
		return nil, err
	}
	return waitUntilAnswers(ctx, process, func(ctx context.Context) error { return openDatabase(ctx, address) })
}

// openDatabase lets only the owner create anything in the database. If the database does not exist, openDatabase makes
// it, and returns an error for this time.
func openDatabase(ctx context.Context, address url.URL) error {
	connection, err := pgx.Connect(ctx, address.String())
	if unknown, ok := errors.AsType[*pgconn.PgError](err); ok && unknown.Code == "3D000" {
		address.Path = "/postgres"
		if connection, err = pgx.Connect(ctx, address.String()); err == nil {
			_, err = connection.Exec(ctx, "CREATE DATABASE "+postgresDatabase)
			connection.Close(ctx)
		}
		if err == nil {
			err = errors.New("the database is being made")
		}
		return err
	}
	if err != nil {
		return err
	}
	defer connection.Close(ctx)
	_, err = connection.Exec(ctx, "REVOKE CREATE, TEMPORARY ON DATABASE "+postgresDatabase+" FROM PUBLIC")
	return err
}

// initPostgreSQL makes the cluster in folder/data, once. initdb works in another folder, which is then renamed. So a
// killed initdb leaves nothing in folder/data.
func initPostgreSQL(ctx context.Context, config Config, owner owner, binaries, folder, password string) error {
	_, err := os.Stat(filepath.Join(folder, "data"))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	unfinished := filepath.Join(folder, "making")
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("remove what a killed initdb left: %w", err)
	}
	passwordFile := filepath.Join(folder, "password")
	if err := os.WriteFile(passwordFile, []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("hand initdb the password: %w", err)
	}
	defer os.Remove(passwordFile)
	if err := owner.chown(passwordFile); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "bin", "initdb"),
		"--pgdata", unfinished, "--username", postgresUser, "--pwfile", passwordFile, "--auth", "scram-sha-256",
		"--encoding", "UTF8", "--no-locale", "--no-instructions")
	cmd.Dir = folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner.credential()}
	if output, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("make a PostgreSQL cluster in %s: %w: %s", folder, err, strings.TrimSpace(string(output)))
	}
	if err := os.Rename(unfinished, filepath.Join(folder, "data")); err != nil {
		return fmt.Errorf("move the new cluster into place: %w", err)
	}
	return nil
}
