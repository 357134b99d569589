package sparkjob

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"realtime-election/election"
)

func TestJDBCOptionsOfAPostgreSQLURL(t *testing.T) {
	t.Parallel()
	for from, want := range map[string][3]string{
		"postgres://election:secret@127.0.0.1:5432/election":                   {"jdbc:postgresql://127.0.0.1:5432/election", "election", "secret"},
		"postgresql://election:secret@db/election":                             {"jdbc:postgresql://db/election", "election", "secret"},
		"postgres://e%40x:p%3A%2F%40%25%26%3D%20%3F@db/election":               {"jdbc:postgresql://db/election", "e@x", "p:/@%&= ?"},
		"postgres://election@db:6432/election":                                 {"jdbc:postgresql://db:6432/election", "election", ""},
		"postgres://e:s@db/election?sslmode=verify-full&sslrootcert=%2Fca.pem": {"jdbc:postgresql://db/election?sslmode=verify-full&sslrootcert=%2Fca.pem", "e", "s"},
		"postgres://e:s@db/two%20words%3F?sslmode=disable":                     {"jdbc:postgresql://db/two%20words%3F?sslmode=disable", "e", "s"},
		"postgres://e:s@[::1]:5432/election":                                   {"jdbc:postgresql://[::1]:5432/election", "e", "s"},
	} {
		got, err := jdbcOptions(from)
		if err != nil {
			t.Errorf("%s: %v", from, err)
			continue
		}
		options := map[string]string{"url": want[0], "user": want[1], "password": want[2], "driver": "org.postgresql.Driver"}
		if diff := cmp.Diff(options, got); diff != "" {
			t.Errorf("%s: %s", from, diff)
		}
	}
}

func TestUnusablePostgreSQLURLIsRefused(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"", "host=db user=e password=hunter2", "postgres://db/hunter2", "postgres://e:hunter2@db:port/election", "postgres://e:hunter2@/election"} {
		_, err := jdbcOptions(from)
		var wrong *election.InputError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "postgres must be") {
			t.Errorf("%q: %v", from, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error has the password: %v", from, err)
		}
	}
}
