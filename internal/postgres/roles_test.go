//go:build services

package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"realtime-election/election"
	"realtime-election/internal/postgres"
	"realtime-election/local"
	"realtime-election/local/localtest"
)

// newDatabase is the URL of an empty database of that name, and a connection of its owner.
func newDatabase(t *testing.T, server, name string) (*url.URL, *pgx.Conn) {
	t.Helper()
	admin := open(t, server)
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	conn := open(t, u.String())
	if err := postgres.Migrate(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	return u, conn
}

func open(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := postgres.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func as(u *url.URL, role postgres.Role, password string) string {
	login := *u
	login.User = url.UserPassword(string(role), password)
	return login.String()
}

// sqlState is the SQL state of an error of PostgreSQL, empty without an error.
func sqlState(t *testing.T, err error) string {
	t.Helper()
	var refused *pgconn.PgError
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	if refused == nil {
		return ""
	}
	return refused.Code
}

const notAllowed = "42501"

// The locks of internal/lease are numbers that spell ledger and submit.
const (
	ledgersLease = "SELECT try_lease(x'6c6564676572'::bigint)"
	ledgersWork  = "SELECT try_lease(x'6c65'::int, x'64676572'::int)"
	submitsLease = "SELECT try_lease(x'7375626d6974'::bigint)"
)

func TestEachRoleMayDoWhatItMustAndNoMore(t *testing.T) {
	u, owner := newDatabase(t, localtest.PostgreSQL(t), "roles")
	if _, err := owner.Exec(t.Context(), "REVOKE TEMPORARY ON DATABASE roles FROM PUBLIC"); err != nil { // as in the election's database
		t.Fatal(err)
	}
	passwords := make(map[postgres.Role]string)
	for _, role := range postgres.Roles() {
		passwords[role] = `it's "` + string(role) + `" \`
	}
	// EnsureRoles must revoke what somebody has granted before.
	if err := postgres.EnsureRoles(t.Context(), owner, passwords); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Exec(t.Context(), "GRANT ALL ON votes, voters TO election_spark; GRANT SELECT ON voters TO PUBLIC; GRANT CREATE ON SCHEMA public TO election_reader; GRANT CREATE, TEMPORARY ON DATABASE roles TO election_reader; GRANT EXECUTE ON FUNCTION pg_try_advisory_lock(bigint) TO election_ledger"); err != nil {
		t.Fatal(err)
	}
	if err := postgres.EnsureRoles(t.Context(), owner, passwords); err != nil {
		t.Fatal(err)
	}
	all := []string{"candidates", "regions", "districts", "voters", "votes", "rejected_votes", "ledger_offsets"}
	inserts := map[string]string{
		"voters":         "INSERT INTO voters VALUES ('v', '2000-01-01', 18, '', '', '', '', '', '', '', '', '', '', '', '', '', 'd')",
		"votes":          "INSERT INTO votes VALUES (gen_random_uuid(), now(), 'c', 'd', '', '')",
		"rejected_votes": "INSERT INTO rejected_votes VALUES ('t', 0, 0, 'malformed', NULL, NULL)",
		"ledger_offsets": "INSERT INTO ledger_offsets VALUES ('t', 0, 0, gen_random_uuid())",
		"candidates":     "INSERT INTO candidates VALUES ('c', '', '', '', '', '')",
		"regions":        "INSERT INTO regions VALUES ('r', '', NULL)",
		"districts":      "INSERT INTO districts VALUES ('d', '', 'r', NULL)",
	}
	may := map[postgres.Role]map[string]bool{
		postgres.LedgerRole: {"CREATE TEMP TABLE staged (x int) ON COMMIT DELETE ROWS": true, ledgersLease: true, ledgersWork: true},
		postgres.SparkRole:  {submitsLease: true}, postgres.ReaderRole: {"SELECT 1 FROM schema_version": true},
	}
	for _, table := range []string{"voters", "votes", "rejected_votes", "ledger_offsets"} {
		may[postgres.LedgerRole]["SELECT 1 FROM "+table] = true
		may[postgres.LedgerRole][inserts[table]] = true
	}
	may[postgres.LedgerRole]["UPDATE ledger_offsets SET partition = 0"] = true
	for _, table := range all[:3] {
		may[postgres.SparkRole]["SELECT 1 FROM "+table] = true
	}
	for _, table := range all {
		may[postgres.ReaderRole]["SELECT 1 FROM "+table] = true
	}
	statements := []string{
		"CREATE TABLE mine (x int)", "CREATE TEMP TABLE staged (x int) ON COMMIT DELETE ROWS", "CREATE SCHEMA mine", "CREATE ROLE mine",
		"SELECT 1 FROM schema_version", "SELECT rolpassword FROM pg_authid", "SELECT pg_try_advisory_lock(1)", "SET ROLE election_ledger",
		ledgersLease, ledgersWork, submitsLease, "SELECT try_lease(1)", "SELECT try_lease(NULL)", "SELECT try_lease(0, 1)", "SELECT pg_advisory_unlock_all()",
		"SET temp_file_limit = -1", "ALTER ROLE CURRENT_USER RESET temp_file_limit",
		"SELECT lo_create(0)", "SELECT lo_from_bytea(0, '')",
	}
	columns := map[string]string{
		"candidates": "candidate_name", "regions": "region_name", "districts": "district_name", "voters": "gender",
		"votes": "gender", "rejected_votes": "partition", "ledger_offsets": "partition",
	}
	for _, table := range all {
		statements = append(statements, "SELECT 1 FROM "+table, inserts[table],
			"UPDATE "+table+" SET "+columns[table]+" = "+map[bool]string{true: "0", false: "''"}[columns[table] == "partition"],
			"DELETE FROM "+table, "TRUNCATE "+table, "DROP TABLE "+table, "ALTER TABLE "+table+" ADD COLUMN x int")
	}
	for role, allowed := range may {
		conn := open(t, as(u, role, passwords[role]))
		if role == postgres.LedgerRole {
			allowed["SET ROLE election_ledger"] = true
		}
		for _, statement := range statements {
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = tx.Exec(t.Context(), statement)
			if state := sqlState(t, err); allowed[statement] && state != "" || !allowed[statement] && state != notAllowed {
				t.Errorf("%s: %s: %q", role, statement, state)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestNoRoleFillsTheDisk(t *testing.T) {
	u, owner := newDatabase(t, localtest.PostgreSQL(t), "disk")
	passwords := map[postgres.Role]string{postgres.LedgerRole: "l", postgres.SparkRole: "s", postgres.ReaderRole: "r"}
	if err := postgres.EnsureRoles(t.Context(), owner, passwords); err != nil {
		t.Fatal(err)
	}
	for role, password := range passwords {
		conn := open(t, as(u, role, password))
		if _, err := conn.Exec(t.Context(), "ALTER ROLE CURRENT_USER RESET ALL"); err != nil { // a role may ask for it
			t.Fatal(err)
		}
		var limit string
		if err := open(t, as(u, role, password)).QueryRow(t.Context(), "SHOW temp_file_limit").Scan(&limit); err != nil || limit != "1GB" {
			t.Errorf("%s may have temporary files of %s, want 1GB (%v)", role, limit, err)
		}
	}
}

// TestTablesOfOthersAreLeftAlone has another application in the same database and schema.
func TestTablesOfOthersAreLeftAlone(t *testing.T) {
	_, owner := newDatabase(t, localtest.PostgreSQL(t), "shared")
	if _, err := owner.Exec(t.Context(), "CREATE ROLE somebody_else LOGIN"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := owner.Exec(context.WithoutCancel(t.Context()), "DROP ROLE somebody_else"); err != nil {
			t.Error(err)
		}
	})
	const theirs = "CREATE TABLE theirs (x int); GRANT SELECT, INSERT ON theirs TO PUBLIC; CREATE TABLE secret (x int); " +
		"GRANT CREATE ON DATABASE shared TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC"
	if _, err := owner.Exec(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	if err := postgres.EnsureRoles(t.Context(), owner, nil); err != nil {
		t.Fatal(err)
	}
	const privileges = "SELECT concat_ws(' ', has_table_privilege('election_reader', 'theirs', 'INSERT'), " +
		"has_table_privilege('election_spark', 'theirs', 'SELECT'), has_table_privilege('election_reader', 'secret', 'SELECT'), " +
		"has_database_privilege('public', 'shared', 'CREATE'), has_database_privilege('public', 'shared', 'TEMPORARY'), has_schema_privilege('public', 'public', 'CREATE'))"
	var got string
	if err := owner.QueryRow(t.Context(), privileges).Scan(&got); err != nil || got != "t t f t t t" {
		t.Errorf("the privileges of PUBLIC, and of our reader on the secret table, are: %s (%v)", got, err)
	}
}

// TestSettingsOfARoleAreTakenBack has roles with settings by which their services would read or write nothing.
func TestSettingsOfARoleAreTakenBack(t *testing.T) {
	u, owner := newDatabase(t, localtest.PostgreSQL(t), "settings")
	passwords := map[postgres.Role]string{postgres.LedgerRole: "ledger", postgres.SparkRole: "spark", postgres.ReaderRole: "reader"}
	if err := postgres.EnsureRoles(t.Context(), owner, passwords); err != nil {
		t.Fatal(err)
	}
	conn := open(t, as(u, postgres.LedgerRole, "ledger"))
	for _, setting := range []string{"SET default_transaction_read_only = on", "IN DATABASE settings SET search_path = nowhere"} {
		if _, err := conn.Exec(t.Context(), "ALTER ROLE election_ledger "+setting); err != nil {
			t.Fatal(err)
		}
	}
	if err := postgres.EnsureRoles(t.Context(), owner, passwords); err != nil {
		t.Fatal(err)
	}
	var path, readOnly string
	err := open(t, as(u, postgres.LedgerRole, "ledger")).QueryRow(t.Context(),
		"SELECT current_setting('search_path'), current_setting('default_transaction_read_only')").Scan(&path, &readOnly)
	if err != nil || path == "nowhere" || readOnly != "off" {
		t.Errorf("the path is %s, and only reading is %s (%v)", path, readOnly, err)
	}
}

func TestPasswordsAreSetAgain(t *testing.T) {
	u, owner := newDatabase(t, localtest.PostgreSQL(t), "passwords")
	login := func(password string) string {
		t.Helper()
		conn, err := postgres.Connect(t.Context(), as(u, postgres.ReaderRole, password))
		if err == nil {
			conn.Close(t.Context())
		}
		return sqlState(t, err)
	}
	const wrong, noLogin = "28P01", "28000"
	set := func(passwords map[postgres.Role]string) {
		t.Helper()
		if err := postgres.EnsureRoles(t.Context(), owner, passwords); err != nil {
			t.Fatal(err)
		}
	}
	set(map[postgres.Role]string{postgres.ReaderRole: "one"})
	if one, two := login("one"), login("two"); one != "" || two != wrong {
		t.Errorf("with one: %q, with two: %q", one, two)
	}
	set(map[postgres.Role]string{postgres.ReaderRole: "two"})
	if one, two := login("one"), login("two"); one != wrong || two != "" {
		t.Errorf("after a change, with one: %q, with two: %q", one, two)
	}
	set(nil)
	if two := login("two"); two != noLogin && two != wrong {
		t.Errorf("without a password: %q", two)
	}
	var login1 bool
	if err := owner.QueryRow(t.Context(), "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'election_reader'").Scan(&login1); err != nil || login1 {
		t.Errorf("without a password it may log in (%v)", err)
	}
	var wrongInput *election.InputError
	if err := postgres.EnsureRoles(t.Context(), owner, map[postgres.Role]string{postgres.ReaderRole: "naïve"}); !errors.As(err, &wrongInput) || strings.Contains(err.Error(), "naïve") {
		t.Errorf("a password that clients may spell in two ways: %v", err)
	}
}

// TestPasswordsStayOutOfTheServersLog lets the server log every statement.
func TestPasswordsStayOutOfTheServersLog(t *testing.T) {
	_, owner := newDatabase(t, localtest.PostgreSQL(t), "logged")
	if _, err := owner.Exec(t.Context(), "SET log_statement = 'all'"); err != nil {
		t.Fatal(err)
	}
	if err := postgres.EnsureRoles(t.Context(), owner, map[postgres.Role]string{postgres.SparkRole: "hunter2"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(localtest.Data(t), "logs", local.PostgreSQL+".log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "ALTER ROLE") || strings.Contains(string(text), "hunter2") {
		t.Errorf("the log holds the password, or no statement:\n%s", text)
	}
}
