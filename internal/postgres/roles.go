package postgres

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"realtime-election/election"
)

// Role is a PostgreSQL role that `election init` makes, with no more privileges than its service needs. The role that
// runs init owns the tables.
type Role string

// The roles.
const (
	LedgerRole Role = "election_ledger" // adds to voters, votes and rejected_votes, and moves ledger_offsets
	SparkRole  Role = "election_spark"  // reads the definition's tables
	ReaderRole Role = "election_reader" // reads all tables of the election: the page, the audit, people
)

// Roles are all roles.
func Roles() []Role { return []Role{LedgerRole, SparkRole, ReaderRole} }

// rolesLock is the advisory lock of EnsureRoles: "roles" in ASCII.
const rolesLock int64 = 0x726f6c6573

//go:embed grants.sql
var grants string

// EnsureRoles makes the roles that are missing. It gives each role the privileges that it needs on the tables of the election, in
// the database of conn, and no others. The roles also have the privileges of PUBLIC on the database. A role without a password
// cannot log in. EnsureRoles must run after Migrate, as the owner of the tables and with the right to make roles. Several
// processes may call it at once.
//
// PostgreSQL gets a verifier that is computed here, so that its log has no password.
func EnsureRoles(ctx context.Context, conn *pgx.Conn, passwords map[Role]string) error {
	for _, role := range Roles() {
		if !printable(passwords[role]) {
			return &election.InputError{Text: fmt.Sprintf("the password of the PostgreSQL role %s holds other characters than letters, digits and signs of ASCII; choose another", role)}
		}
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// Concurrent grants would fail on each other's catalog rows.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", rolesLock); err != nil {
			return fmt.Errorf("lock the roles: %w", err)
		}
		for _, role := range Roles() {
			if err := ensureRole(ctx, tx, role, passwords[role]); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, grants); err != nil {
			return fmt.Errorf("grant the roles their privileges: %w", err)
		}
		return nil
	})
}

// ReplacePasswords gives other passwords to the roles, which EnsureRoles made, and to the one that conn is logged in as: to all or to
// none. Like EnsureRoles it sends verifiers only.
func ReplacePasswords(ctx context.Context, conn *pgx.Conn, roles map[Role]string, own string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, role := range Roles() {
			if err := setPassword(ctx, tx, pgx.Identifier{string(role)}.Sanitize(), roles[role]); err != nil {
				return err
			}
		}
		return setPassword(ctx, tx, "CURRENT_USER", own)
	})
}

func ensureRole(ctx context.Context, tx pgx.Tx, role Role, password string) error {
	name := pgx.Identifier{string(role)}.Sanitize()
	var exists bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)", string(role)).Scan(&exists); err != nil {
		return fmt.Errorf("look for role %s: %w", role, err)
	}
	if !exists {
		if _, err := tx.Exec(ctx, "CREATE ROLE "+name); err != nil {
			return fmt.Errorf("create role %s: %w", role, err)
		}
	}
	return setPassword(ctx, tx, name, password)
}

// setPassword lets a role log in with a password, or, without one, not at all, and takes back the settings of its own. The role is
// as SQL has it.
func setPassword(ctx context.Context, tx pgx.Tx, role, password string) error {
	login := "NOLOGIN PASSWORD NULL"
	if password != "" {
		// A verifier contains no quote, only base64, $ and :.
		login = "LOGIN PASSWORD '" + verifier(password) + "'"
	}
	if _, err := tx.Exec(ctx, "ALTER ROLE "+role+" WITH "+login); err != nil {
		return fmt.Errorf("set the password of role %s: %w", role, err)
	}
	// A role may change its own settings, so that its service would read or write nothing.
	var database string
	if err := tx.QueryRow(ctx, "SELECT current_database()").Scan(&database); err != nil {
		return fmt.Errorf("ask for the database: %w", err)
	}
	for _, in := range []string{"", " IN DATABASE " + pgx.Identifier{database}.Sanitize()} {
		if _, err := tx.Exec(ctx, "ALTER ROLE "+role+in+" RESET ALL"); err != nil {
			return fmt.Errorf("take back the settings of role %s: %w", role, err)
		}
	}
	return nil
}

// printable reports whether a password is ASCII without control characters, which all clients normalize to itself.
func printable(password string) bool {
	return !slices.ContainsFunc([]byte(password), func(c byte) bool { return c < ' ' || c > '~' })
}
