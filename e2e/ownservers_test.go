//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"realtime-election/election"
	"realtime-election/internal/exit"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/principals"
	"realtime-election/local/localtest"
)

// TestOwnServersHoldAnElection carries out docs/own-servers.md, step by step. Before the services start, it tries what is
// wrong in each login. While votes come in, the servers get other certificates.
func TestOwnServersHoldAnElection(t *testing.T) {
	folder := t.TempDir()
	trust := filepath.Join(folder, "ca.pem")
	theirs := startOthers(t, trust)
	t.Log("the servers run")
	if err := os.Mkdir(filepath.Join(folder, "kafka"), 0o700); err != nil {
		t.Fatal(err)
	}
	theirs.copy(t, "new/ca.pem", filepath.Join(folder, "new-ca.pem"))
	theirs.copy(t, "secrets/kafka-init.properties", principals.Init.Login(filepath.Join(folder, "kafka")))
	write(t, filepath.Join(folder, "init-url"), theirs.database)
	write(t, filepath.Join(folder, "spark-remote"), "sc://"+theirs.spark+"/;use_ssl=true;token="+theirs.token)

	page := "127.0.0.1:" + localtest.FreePort(t)
	at := terminal{folder, append(os.Environ(), "ELECTION_LISTEN="+page, "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))}
	tried := false
	var submitted *output
	var exports string
	for _, s := range steps(t, "../docs/own-servers.md", "/etc/election", folder, "/var/lib/election", folder, "kafka.example.org:9093", theirs.kafka,
		"db.example.org:5432", theirs.postgres, "spark.example.org:15002", theirs.spark, "127.0.0.1:8080", page) {
		began := time.Now()
		if s.server && !tried {
			tried = true
			t.Run("wrong twins", func(t *testing.T) { wrongTwins(t, at, exports) })
		}
		if strings.Contains(s.shell, "new-ca.pem") {
			await(t, "votes are counted", func() bool {
				f, err := figuresOf("http://" + page)
				return err == nil && f.TotalVotes > 0
			})
		}
		if strings.Contains(s.shell, "export ") { // it holds for the rest
			exports = s.shell
		}
		s.shell = exports + s.shell
		if s.server {
			out, _ := at.start(t, s)
			if strings.Contains(s.shell, "submit") {
				submitted = out
			}
		} else {
			at.do(t, s)
		}
		s.shell = strings.TrimPrefix(s.shell, exports)
		s.log(t, began)
		if strings.Contains(s.shell, "new-ca.pem") {
			theirs.renew(t)
			t.Logf("the certificates are other ones after %.1f s", time.Since(began).Seconds())
		}
	}
	if starts := strings.Count(submitted.String(), "started the query"); starts < 2 {
		t.Errorf("the query was started %d times, and Spark's clients know the old authority only", starts)
	}
	wantFirstRun(t, theirs.kafka, principals.Reader.Login(filepath.Join(folder, "kafka")))
}

// wantFirstRun checks that no other run than the first was begun.
func wantFirstRun(t *testing.T, broker, login string) {
	t.Helper()
	cluster := kafkatest.Cluster(t, []string{broker})
	var err error
	if cluster.Security, err = kafka.ReadSecurity(login); err != nil {
		t.Fatal(err)
	}
	var latest election.LatestRun
	found, err := cluster.LatestJSON(t.Context(), election.RunsTopic, election.LatestRunKey, &latest)
	if err != nil || !found || latest.Run != 1 {
		t.Errorf("the latest run is %+v, %t, %v", latest, found, err)
	}
}

// wrongTwins tries logins in which one thing is wrong. Each is refused with one sentence, which says what to correct.
func wrongTwins(t *testing.T, at terminal, exports string) {
	const submit = "election submit --checkpoints file:///nowhere"
	toPostgreSQL := map[string]string{ // commands, by the file of their URL
		"init-url": "election init --voters 2000 --ballot-key ballot-key", "spark-url": submit, "ledger-url": "election ledger", "reader-url": "election audit",
	}
	toSpark := map[string]string{"spark-url": submit}
	for _, twin := range []struct {
		name     string
		commands map[string]string
		file     string // in which from becomes to; empty: each URL
		from, to string
		says     string
	}{
		{"PostgreSQL, another authority", toPostgreSQL, "", "/ca.pem", "/new-ca.pem", "is not trusted; put that authority's certificate into the file that sslrootcert names"},
		{"PostgreSQL, another's name", toPostgreSQL, "", "127.0.0.1", "localhost", "but wanted to match localhost); write the name that it is for"},
		{"PostgreSQL, wrong password", toPostgreSQL, "", "@", "0@", "with this password; correct it"},
		{"PostgreSQL, no file of authorities", toPostgreSQL, "", "/ca.pem", "/nowhere.pem", "names a file that cannot be read: open "},
		{"Spark, another authority", toSpark, "ca.pem", "", "", "is not trusted"},
		{"Spark, another's name", toSpark, "spark-remote", "127.0.0.1", "localhost", "but wanted to match localhost): dial a name that it is for"},
		{"Spark, wrong token", toSpark, "spark-remote", "token=", "token=0", "refuses the token of its address"},
	} {
		t.Run(twin.name, func(t *testing.T) {
			for url, command := range twin.commands {
				read := func(file string) string {
					content, err := os.ReadFile(filepath.Join(at.folder, file))
					if err != nil {
						t.Fatal(err)
					}
					if file == twin.file || file == url && twin.file == "" {
						return strings.Replace(string(content), twin.from, twin.to, 1)
					}
					return string(content)
				}
				trusted := "ca.pem"
				if twin.file == trusted {
					trusted = "new-ca.pem"
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				out := &output{}
				cmd := at.shell(ctx, exports+"exec "+command, out)
				cmd.Env = append(cmd.Env, "ELECTION_POSTGRES="+read(url), "SPARK_REMOTE="+read("spark-remote"), "SSL_CERT_FILE="+trusted)
				_ = cmd.Run() // its exit code is asked for
				lines := strings.Split(strings.TrimSpace(out.String()), "\n")
				last := lines[len(lines)-1]
				if code := cmd.ProcessState.ExitCode(); code != exit.Input || !strings.HasPrefix(last, strings.Join(strings.Fields(command)[:2], " ")+": ") || !strings.Contains(last, twin.says) {
					t.Errorf("%s: exit %d, want one sentence that says %q\n%s", command, code, twin.says, out.String())
				}
			}
		})
	}
}
