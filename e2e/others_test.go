//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"realtime-election/internal/certificates"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/principals"
	"realtime-election/local"
	"realtime-election/local/localtest"
	"realtime-election/local/maven"
	"realtime-election/servers"
)

// others are real servers that somebody else runs. Each proves who it is by TLS, as 127.0.0.1, and asks its clients who they are.
type others struct {
	kafka, postgres, spark string // host:port
	token                  string // of Spark Connect
	database               string // PostgreSQL's URL, for its owner

	folder, trust string // of their operators, and the file of authorities that their clients trust
	authority     string // that certifies: the folder old, or the folder new
	broker        *exec.Cmd

	mu    sync.Mutex
	calls map[net.Conn]bool // to Spark Connect
}

// startOthers starts them. They end with the test.
func startOthers(t *testing.T, trust string) *others {
	t.Helper()
	o := &others{folder: newData(t), trust: trust, authority: "old", calls: make(map[net.Conn]bool)}
	if _, err := certificates.OpenOrMake(filepath.Join(o.folder, "new"), nil); err != nil {
		t.Fatal(err)
	}
	for _, server := range []string{"kafka", "postgresql", "spark"} {
		o.certify(t, server)
	}
	o.copy(t, "old/"+certificates.File, trust)

	config := local.Config{Data: o.folder, SparkMemory: "2g", Log: kafkatest.Log(t)}
	started := make([]*local.Process, 2)
	var group errgroup.Group
	for i, start := range []func(context.Context, local.Config) (*local.Process, error){local.StartPostgreSQL, local.StartSpark} {
		group.Go(func() (err error) {
			started[i], err = start(t.Context(), config)
			return err
		})
	}
	t.Cleanup(func() {
		_ = group.Wait() // the test has its error
		for _, server := range started {
			if server != nil {
				server.Stop(context.Background()) // a server that had to be killed has ended too
			}
		}
	})
	o.formatKafka(t)
	o.startKafka(t)
	t.Cleanup(o.stopKafka)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	o.database = started[0].Address()
	o.securePostgreSQL(t)
	o.secureSpark(t, started[1].Address())
	return o
}

// certify gives a server a new certificate.
func (o *others) certify(t *testing.T, server string) {
	t.Helper()
	authority, err := certificates.OpenOrMake(filepath.Join(o.folder, o.authority), nil)
	if err == nil {
		err = authority.Issue(filepath.Join(o.folder, server+".pem"), []string{"127.0.0.1"}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// authorityFile is the certificate of the authority that certifies.
func (o *others) authorityFile() string {
	return filepath.Join(o.folder, o.authority, certificates.File)
}

// copy gives a file of the operators to somebody else.
func (o *others) copy(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(o.folder, from))
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(content))
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// formatKafka makes a Kafka that knows its super users only.
func (o *others) formatKafka(t *testing.T) {
	t.Helper()
	port, controller := localtest.FreePort(t), localtest.FreePort(t)
	o.kafka = "127.0.0.1:" + port
	secrets, folder := filepath.Join(o.folder, "secrets"), filepath.Join(o.folder, "kafka")
	if err := (principals.Logins{Folder: secrets, CA: o.trust}).Make(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "server.properties"), strings.NewReplacer("{port}", port, "{controller}", controller).Replace(servers.Must("kafka.properties"))+`
listener.security.protocol.map=CLIENTS:SASL_SSL,CONTROLLER:SASL_PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location=../kafka.pem
ssl.truststore.type=PEM
ssl.truststore.location=`+o.trust+"\n")
	write(t, filepath.Join(folder, "java.options"), servers.Must("kafka.options"))
	format := o.java(t, "kafka.tools.StorageTool", "format", "--cluster-id", "ClusterOfSomebodyElse0", "--config", "server.properties",
		"@"+filepath.Join(secrets, principals.FormatArgs))
	if output, err := format.CombinedOutput(); err != nil {
		t.Fatalf("format: %v: %s", err, output)
	}
}

// java is a command of Kafka.
func (o *others) java(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	jars, err := maven.Fetch(t.Context(), kafkatest.Log(t), maven.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("java", append([]string{"-Xmx512m", "@java.options", "-cp", filepath.Join(jars, "*")}, args...)...)
	cmd.Dir = filepath.Join(o.folder, "kafka")
	return cmd
}

func (o *others) startKafka(t *testing.T) {
	t.Helper()
	o.broker = o.java(t, "kafka.Kafka", "server.properties")
	out := &output{}
	o.broker.Stdout, o.broker.Stderr = out, out
	if err := o.broker.Start(); err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(o.authorityFile())
	trusted := &tls.Config{RootCAs: x509.NewCertPool()}
	if err != nil || !trusted.RootCAs.AppendCertsFromPEM(authority) {
		t.Fatal("there is no authority", err)
	}
	await(t, "Kafka answers with its certificate", func() bool {
		call, err := tls.Dial("tcp", o.kafka, trusted)
		if err == nil {
			call.Close()
		}
		return err == nil
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("kafka: %s", tailOf(out.String()))
		}
	})
}

func (o *others) stopKafka() {
	_ = o.broker.Process.Signal(syscall.SIGTERM) // it may have ended
	_ = o.broker.Wait()
}

// asOperator runs statements in PostgreSQL as its operator.
func (o *others) asOperator(t *testing.T, statements ...string) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), o.database)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	for _, statement := range statements {
		if _, err := connection.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// securePostgreSQL gives PostgreSQL a certificate of its operators' authority.
func (o *others) securePostgreSQL(t *testing.T) {
	t.Helper()
	address, err := url.Parse(o.database)
	if err != nil {
		t.Fatal("PostgreSQL has no URL")
	}
	o.postgres = address.Host
	o.copyToPostgreSQL(t)
	o.asOperator(t, "SELECT pg_reload_conf()")
	address.RawQuery = "sslmode=verify-full&sslrootcert=" + o.trust
	o.database = address.String()
	o.awaitPostgreSQL(t)
}

// copyToPostgreSQL gives PostgreSQL its certificate, as a file of its own.
func (o *others) copyToPostgreSQL(t *testing.T) {
	t.Helper()
	path := filepath.Join(o.folder, "postgresql", "server.pem")
	content, err := os.ReadFile(filepath.Join(o.folder, "postgresql.pem"))
	if err == nil {
		err = os.WriteFile(path, content, 0o600) // the file that is there, which is PostgreSQL's own
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (o *others) awaitPostgreSQL(t *testing.T) {
	t.Helper()
	trusting := strings.Replace(o.database, o.trust, o.authorityFile(), 1)
	await(t, "PostgreSQL has the new certificate", func() bool {
		connection, err := pgx.Connect(t.Context(), trusting)
		if err == nil {
			connection.Close(t.Context())
		}
		return err == nil
	})
}

// secureSpark takes the TLS off gRPC before Spark Connect, which has none.
func (o *others) secureSpark(t *testing.T, address string) {
	t.Helper()
	plain, token, _ := strings.Cut(strings.TrimPrefix(address, "sc://"), "/;token=")
	o.token = token
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		NextProtos: []string{"h2"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(filepath.Join(o.folder, "spark.pem"), filepath.Join(o.folder, "spark.pem"))
			return &pair, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.spark = listener.Addr().String()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			call, err := listener.Accept()
			if err != nil {
				return
			}
			o.mu.Lock()
			o.calls[call] = true
			o.mu.Unlock()
			running.Go(func() {
				defer o.hangUp(call)
				server, err := net.Dial("tcp", plain)
				if err != nil {
					return
				}
				defer server.Close()
				running.Go(func() {
					_, _ = io.Copy(server, call) // either may hang up
					server.Close()
				})
				_, _ = io.Copy(call, server)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		o.hangUpAll()
		running.Wait()
	})
}

func (o *others) hangUp(call net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.calls, call)
	call.Close()
}

func (o *others) hangUpAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for call := range o.calls {
		call.Close()
	}
}

// renew gives Spark Connect another certificate, and Kafka and PostgreSQL one of the authority in the folder new. All
// connections to them end.
func (o *others) renew(t *testing.T) {
	t.Helper()
	o.certify(t, "spark")
	o.hangUpAll()
	o.authority = "new"
	o.certify(t, "postgresql")
	o.copyToPostgreSQL(t)
	o.asOperator(t, "SELECT pg_reload_conf()")
	o.awaitPostgreSQL(t)
	o.asOperator(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
	o.certify(t, "kafka")
	o.stopKafka()
	o.startKafka(t)
}
