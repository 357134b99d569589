package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"realtime-election/internal/kafka"
	"realtime-election/internal/postgres"
	"realtime-election/internal/principals"
	"realtime-election/internal/secret"
)

// next is the folder, in the folder of secrets, of those that Rotate has made and that are not yet used.
const next = "next"

// Rotate replaces all passwords of Kafka and PostgreSQL, which must be running, and those between Spark's processes. The servers
// know the new ones at once, and the services read them when they start: restart them all. The ballot key and the certificate
// authority stay. If Rotate is interrupted, run it again: it goes on with the passwords that it had made.
func (s Secrets) Rotate(ctx context.Context) error {
	folder := filepath.Join(s.Folder, next)
	_, err := os.Lstat(folder)
	interrupted := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for new secrets: %w", err)
	}
	if err := s.passwords(folder); err != nil {
		return err
	}
	inUse := []string{s.Folder}
	if interrupted { // a server may know the new ones already
		inUse = []string{folder, s.Folder}
	}
	if err := firstThatWorks(inUse, func(login string) error { return s.rotateKafka(ctx, login, folder) }); err != nil {
		return err
	}
	if err := firstThatWorks(inUse, func(login string) error { return rotatePostgres(ctx, login, folder) }); err != nil {
		return err
	}
	return s.use(folder)
}

// firstThatWorks calls f with one folder after the other until it succeeds. The error is the last.
func firstThatWorks(folders []string, f func(folder string) error) (err error) {
	for _, folder := range folders {
		if err = f(folder); err == nil {
			return nil
		}
	}
	return err
}

// rotateKafka logs in with a password of one folder, and gives the principals those of another.
func (s Secrets) rotateKafka(ctx context.Context, login, folder string) error {
	security, err := kafka.ReadSecurity(principals.Init.Login(login))
	if err != nil {
		return err
	}
	cl, err := kafka.Cluster{Brokers: []string{s.Kafka}, Security: security}.NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	return principals.SetPasswords(ctx, cl, folder)
}

// rotatePostgres logs in with the superuser's password of one folder, and gives it and the roles those of another.
func rotatePostgres(ctx context.Context, login, folder string) error {
	address, err := os.ReadFile(filepath.Join(login, "postgres-url"))
	if err != nil {
		return fmt.Errorf("read the superuser's URL of PostgreSQL: %w", err)
	}
	own, err := os.ReadFile(filepath.Join(folder, "postgres-password"))
	if err != nil {
		return fmt.Errorf("read the superuser's new password: %w", err)
	}
	roles := make(map[postgres.Role]string)
	for _, role := range postgres.Roles() {
		password, err := os.ReadFile(filepath.Join(folder, string(role)))
		if err != nil {
			return fmt.Errorf("read the new password of a role: %w", err)
		}
		roles[role] = string(password)
	}
	conn, err := postgres.Connect(ctx, string(address))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return postgres.ReplacePasswords(ctx, conn, roles, string(own))
}

// use gives the files of a folder the place of those that are in use, with their groups and modes, and removes the folder.
func (s Secrets) use(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("list the new secrets: %w", err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), secret.Unfinished) {
			continue
		}
		// A second name, so that the folder is complete until all are in use.
		unfinished := filepath.Join(s.Folder, secret.Unfinished+entry.Name())
		err := os.Remove(unfinished)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			err = os.Link(filepath.Join(folder, entry.Name()), unfinished)
		}
		if err == nil {
			err = os.Rename(unfinished, filepath.Join(s.Folder, entry.Name()))
		}
		if err != nil {
			return fmt.Errorf("use a new secret: %w", err)
		}
	}
	// Under another name first, or what is left after an interruption would be taken for new secrets.
	used := filepath.Join(s.Folder, "used")
	if err := os.RemoveAll(used); err != nil {
		return fmt.Errorf("remove the folder of secrets that are in use now: %w", err)
	}
	if err := os.Rename(folder, used); err != nil {
		return fmt.Errorf("remove the folder of secrets that are in use now: %w", err)
	}
	return os.RemoveAll(used)
}
