//go:build services

package local

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/internal/principals"
	"realtime-election/spark"
)

// newData is a DATA that the first server makes. It is removed after the test, with its database.
// newData is a folder whose name has a letter that the locale POSIX lacks; that is the locale where none is set.
func newData(t *testing.T) string {
	t.Helper()
	t.Setenv("LC_ALL", "POSIX")
	data := filepath.Join(t.TempDir(), "data ü")
	t.Cleanup(func() {
		if err := RemoveDatabase(data); err != nil {
			t.Error(err)
		}
	})
	return data
}

func startServer(t *testing.T, config Config, start func(context.Context, Config) (*Process, error)) *Process {
	t.Helper()
	started := time.Now()
	process, err := start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s ready after %s", process.Name(), time.Since(started).Round(time.Millisecond))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
		defer cancel()
		if err := process.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return process
}

func TestKafkaKeepsRecordsAndAddressOverAKill(t *testing.T) {
	config := Config{Data: newData(t)}
	first := startServer(t, config, StartKafka)
	client := newClient(t, config, kgo.ConsumeTopics("said"))
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, "said"); err != nil {
		t.Fatal(err)
	}
	record := &kgo.Record{Topic: "said", Value: []byte("acknowledged")}
	if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}

	first.cmd.Process.Kill()
	<-first.Done()
	if err := first.Err(); err == nil || !strings.Contains(err.Error(), "signal 9") {
		t.Errorf("a killed server's Err is %v", err)
	}
	second := startServer(t, config, StartKafka)
	if second.Address() != first.Address() {
		t.Errorf("restarted at %s, was at %s", second.Address(), first.Address())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	fetches := client.PollFetches(ctx)
	if got := fetches.Records(); len(got) != 1 || string(got[0].Value) != "acknowledged" {
		t.Errorf("read %v %v, want the acknowledged record", got, fetches.Err())
	}
}

// newClient is a client of DATA's Kafka, as its super user.
func newClient(t *testing.T, config Config, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	cluster, running, err := KafkaAs(config, principals.Init)
	if err != nil || !running {
		t.Fatalf("Kafka runs: %t (%v)", running, err)
	}
	client, err := cluster.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestKafkaMakesNoTopicByItself(t *testing.T) {
	config := Config{Data: newData(t)}
	startServer(t, config, StartKafka)
	client := newClient(t, config, kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(1))
	if err := client.ProduceSync(t.Context(), kgo.StringRecord("lost")).FirstErr(); err == nil {
		t.Error("a record was taken without a topic")
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "unmade"}).FirstErr(); err == nil {
		t.Error("a topic was made by producing to it")
	}
}

func TestPostgreSQLKeepsRowsAndAddressOverAKill(t *testing.T) {
	keepsRowsOverAKill(t, Config{Data: newData(t)})
}

func TestPostgreSQLRunsBelowAFolderOnlyItsOwnerMayEnter(t *testing.T) {
	config := Config{Data: newData(t)}
	if err := os.Chmod(filepath.Dir(config.Data), 0o700); err != nil {
		t.Fatal(err)
	}
	keepsRowsOverAKill(t, config)

	// A new DATA of the same name must not find the old database, wherever that was.
	if err := errors.Join(RemoveDatabase(config.Data), os.RemoveAll(config.Data)); err != nil {
		t.Fatal(err)
	}
	db := connect(t, startServer(t, config, StartPostgreSQL))
	if _, err := db.Exec(t.Context(), "SELECT * FROM kept"); err == nil {
		t.Error("a removed folder's rows came back")
	}
}

func TestPostgreSQLRunsWhereAnyoneMayEnter(t *testing.T) {
	config := Config{Data: newData(t)}
	if err := os.Chmod(filepath.Dir(config.Data), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(filepath.Dir(config.Data)), 0o711); err != nil {
		t.Fatal(err)
	}
	keepsRowsOverAKill(t, config)
	if _, err := os.Readlink(filepath.Join(config.Data, PostgreSQL)); err == nil {
		t.Error("the database is outside of DATA without need")
	}
}

func keepsRowsOverAKill(t *testing.T, config Config) {
	t.Helper()
	first := startServer(t, config, StartPostgreSQL)
	db := connect(t, first)
	if _, err := db.Exec(t.Context(), "CREATE TABLE kept AS SELECT 'a committed row' AS row"); err != nil {
		t.Fatal(err)
	}
	first.cmd.Process.Kill()
	<-first.Done()
	second := startServer(t, config, StartPostgreSQL)
	if second.Address() != first.Address() {
		t.Error("restarted at another address")
	}
	var row string
	if err := connect(t, second).QueryRow(t.Context(), "SELECT row FROM kept").Scan(&row); err != nil || row != "a committed row" {
		t.Errorf("read %q, %v", row, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	if err := second.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func connect(t *testing.T, server *Process) *pgx.Conn {
	t.Helper()
	db, err := pgx.Connect(t.Context(), server.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.Background()) })
	return db
}

func TestPostgreSQLRefusesAWrongPassword(t *testing.T) {
	server := startServer(t, Config{Data: newData(t)}, StartPostgreSQL)
	password, err := ownSecret(server.config, "postgresql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), strings.Replace(server.Address(), password, "guess", 1)); err == nil {
		t.Error("let in with a wrong password")
	}
}

// TestPostgreSQLShowsACertificate connects without TLS, and as one who trusts another authority.
func TestPostgreSQLShowsACertificate(t *testing.T) {
	server := startServer(t, Config{Data: newData(t)}, StartPostgreSQL)
	address, err := url.Parse(server.Address())
	if err != nil {
		t.Fatal("PostgreSQL has no URL")
	}
	another, err := certify(Config{Data: t.TempDir()}, filepath.Join(t.TempDir(), "server.pem"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for query, says := range map[string]string{
		"sslmode=disable": "no encryption",
		"sslmode=verify-full&sslrootcert=" + url.QueryEscape(another): "unknown authority",
	} {
		address.RawQuery = query
		if _, err := pgx.Connect(t.Context(), address.String()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("PostgreSQL with %s: %v", query, err)
		}
	}
}

func TestPostgreSQLLetsNotEverybodyMakeTables(t *testing.T) {
	db := connect(t, startServer(t, Config{Data: newData(t)}, StartPostgreSQL))
	var may bool
	const query = "SELECT has_database_privilege('public', current_database(), 'CREATE, TEMPORARY') OR has_schema_privilege('public', 'public', 'CREATE')"
	if err := db.QueryRow(t.Context(), query).Scan(&may); err != nil || may {
		t.Errorf("everybody may (%v)", err)
	}
}

func TestSparkKeepsAddressAndHidesItsToken(t *testing.T) {
	config := Config{Data: newData(t), SparkMemory: "1g"}
	first := startServer(t, config, StartSpark)
	token, err := ownSecret(config, "spark")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(first.Address(), token) {
		t.Error("the address lacks the token")
	}
	for _, arg := range first.cmd.Args {
		if strings.Contains(arg, token) {
			t.Errorf("the token can be read in the argument %s", arg)
		}
	}
	first.cmd.Process.Signal(syscall.SIGKILL)
	<-first.Done()
	if second := startServer(t, config, StartSpark); second.Address() != first.Address() {
		t.Error("restarted at another address")
	}
}

// TestSparkEncryptsWithoutCommonsCrypto wants Spark not to load commons-crypto. With AES/CTR, Spark's default, the
// thread that answers a task's request for a class loads the cipher of commons-crypto, through the class loader that
// the task holds while it waits for the answer. One start in ten met that, and hung for two minutes.
func TestSparkEncryptsWithoutCommonsCrypto(t *testing.T) {
	classes := filepath.Join(t.TempDir(), "classes")
	t.Setenv("JAVA_TOOL_OPTIONS", "-Xlog:class+load=info:file="+classes+":none:filecount=0")
	server := startServer(t, Config{Data: newData(t), SparkMemory: "1g"}, StartSpark)
	session, err := spark.Dial(t.Context(), server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	frame, err := session.SQL(t.Context(), "SELECT id % 7, count(*) FROM range(100) GROUP BY 1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := frame.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	loaded, err := os.ReadFile(classes)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(loaded, []byte("org.apache.spark.network.crypto.")) {
		t.Error("Spark has encrypted nothing")
	}
	if bytes.Contains(loaded, []byte("org.apache.commons.crypto.")) {
		t.Error("Spark encrypts with commons-crypto")
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	config := Config{Data: newData(t), KafkaMemory: "1"}
	_, err := StartKafka(t.Context(), config)
	if err == nil || !strings.Contains(err.Error(), "kafka.log") || !strings.Contains(strings.ToLower(err.Error()), "heap") {
		t.Errorf("started with no heap: %v", err)
	}
}
