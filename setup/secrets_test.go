package setup

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"realtime-election/election"
	"realtime-election/internal/ballotkey"
)

func read(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(content)
	}
	return files
}

// TestSecretsAreMadeOnceForTheirReaders makes the secrets twice: the second time it keeps those that exist, and makes
// those that are missing.
func TestSecretsAreMadeOnceForTheirReaders(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "secrets")
	group := os.Getgid() // a group of this process, as prepare has the groups of the services
	s := Secrets{Folder: folder, Groups: map[string]int{LedgerSecrets: group, VotesSecrets: group, SparkSecrets: group}, Kafka: "kafka:9092", Postgres: "db:5432/election", Spark: "spark:15002"}
	if err := s.Make(); err != nil {
		t.Fatal(err)
	}
	made := read(t, folder)
	logins := 0
	for name := range made {
		if strings.HasPrefix(name, "kafka-") {
			logins++
		}
	}
	if logins != 2*14+1 {
		t.Errorf("there are %d files for Kafka's principals", logins)
	}
	if len(made) != 18+logins {
		t.Errorf("%d files are made: %v", len(made), made)
	}
	verified := "?sslmode=verify-full&sslrootcert=" + url.QueryEscape(filepath.Join(folder, "ca.pem"))
	for name, want := range map[string]string{
		"postgres-url":  "postgres://postgres:" + made["postgres-password"] + "@db:5432/election" + verified,
		"ledger-url":    "postgres://election_ledger:" + made["election_ledger"] + "@db:5432/election" + verified,
		"submit-url":    "postgres://election_spark:" + made["election_spark"] + "@db:5432/election" + verified,
		"audit-url":     "postgres://election_reader:" + made["election_reader"] + "@db:5432/election" + verified,
		"spark-remote":  "sc://spark:15002/;use_ssl=true;token=" + made["spark-token"],
		"spark-options": "-Dspark.authenticate.secret=" + made["spark-secret"],
	} {
		if made[name] != want {
			t.Errorf("%s is %q, want %q", name, made[name], want)
		}
	}
	seen := make(map[string]bool)
	for _, name := range []string{"postgres-password", "election_ledger", "election_spark", "election_reader", "spark-token", "spark-secret"} {
		if len(made[name]) != 32 || seen[made[name]] {
			t.Errorf("%s is %q", name, made[name])
		}
		seen[made[name]] = true
	}
	for name := range made {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		want := os.FileMode(0o600)
		switch name {
		case "ca.pem":
			want = 0o644
		case "ledger-url", "ballot-key", "spark-token", "spark-options", "spark.pem", "kafka-ledger.properties", "kafka-votes.properties", "kafka-cast.properties", "kafka-spark.properties":
			want = 0o640
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o, want %04o", name, info.Mode().Perm(), want)
		}
	}
	if _, err := ballotkey.Open(filepath.Join(folder, "ballot-key")); err != nil {
		t.Errorf("the ballot key cannot be used: %v", err)
	}

	if err := os.Remove(filepath.Join(folder, "ledger-url")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, ".secret-1"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Groups[PostgresSecrets] = group
	if err := s.Make(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(folder, "postgres-password")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("a secret that was there is not given to its new group: %v, %v", info.Mode(), err)
	}
	certificate := func(name, _ string) bool { return name == "kafka.pem" || name == "postgres.pem" || name == "spark.pem" }
	if diff := cmp.Diff(made, read(t, folder), cmpopts.IgnoreMapEntries(certificate)); diff != "" {
		t.Errorf("made again, the secrets differ:\n%s", diff)
	}
}

// TestServersHaveCertificatesOfTheirNames checks that clients find what their URLs and properties promise.
func TestServersHaveCertificatesOfTheirNames(t *testing.T) {
	s := Secrets{Folder: t.TempDir(), Kafka: "kafka.test:9092", Postgres: "db.test:5432/election", Spark: "spark.test:15002"}
	if err := s.Make(); err != nil {
		t.Fatal(err)
	}
	made := read(t, s.Folder)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(made["ca.pem"]))
	for file, names := range map[string][]string{
		"kafka.pem": {"kafka.test", "localhost", "127.0.0.1"}, "postgres.pem": {"db.test"}, "spark.pem": {"spark.test"},
	} {
		pair, err := tls.X509KeyPair([]byte(made[file]), []byte(made[file]))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, name := range names {
			if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: trusted}); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	for _, line := range []string{"security.protocol=SASL_SSL", "ssl.truststore.location=" + filepath.Join(s.Folder, "ca.pem")} {
		if !strings.Contains(made["kafka-votes.properties"], line) {
			t.Errorf("the login of votes has no %s", line)
		}
	}
}

func TestSecretOfAnotherLengthIsRefused(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "spark-token"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var wrong *election.InputError
	if err := (Secrets{Folder: folder}).Make(); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "spark-token is 0 bytes long") {
		t.Errorf("got %v", err)
	}
}
