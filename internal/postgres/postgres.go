// Package postgres connects to PostgreSQL, and makes the schema and the roles.
package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Connect opens a connection. url is a PostgreSQL URL or a keyword/value string. The error wraps that of pgx, which is a
// *pgconn.ConnectError if connecting has failed. It contains no password.
func Connect(ctx context.Context, url string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err) // pgx leaves the password out
	}
	return conn, nil
}

// Migrate brings the schema to the newest version. It takes a lock, so several processes may call it at once.
func Migrate(ctx context.Context, conn *pgx.Conn) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // it is embedded
	}
	m, err := migrate.NewMigrator(ctx, conn, "public.schema_version")
	if err == nil {
		err = m.LoadMigrations(sub)
	}
	if err == nil {
		err = m.Migrate(ctx)
	}
	if err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	return nil
}
