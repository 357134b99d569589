// Package localtest starts real servers for tests. A test binary has at most one of each kind, which starts when the
// first test asks for it.
//
//	func TestMain(m *testing.M) { localtest.Main(m) }
//
//	func TestLedger(t *testing.T) {
//		cluster, database := localtest.Kafka(t), localtest.PostgreSQL(t)
//		…
//	}
//
// Tests share the servers, so each must make topics, schemas and checkpoints with names of its own. A server that does
// not start fails the test that asked for it; no test is skipped. When all tests have run, Main stops the servers and
// removes their folder. It cannot do so if the test binary is killed: then only EndOrphans ends the servers.
package localtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"realtime-election/internal/exit"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/principals"
	"realtime-election/local"
)

var servers struct {
	sync.Mutex
	data    string
	started map[string]*local.Process
}

// Main runs the tests, and then stops the servers that they started, also after Ctrl-C. It does not return.
func Main(m *testing.M) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		stop()
		os.Exit(exit.Interrupted)
	}()
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "localtest:", err)
		code = max(code, exit.Failed)
	}
	os.Exit(code)
}

// Kafka is a running Kafka, as its super user.
func Kafka(t testing.TB) kafka.Cluster {
	t.Helper()
	address(t, local.Kafka, local.StartKafka)
	cluster, running, err := local.KafkaAs(local.Config{Data: Data(t)}, principals.Init)
	if err != nil || !running {
		t.Fatalf("Kafka runs: %t (%v)", running, err)
	}
	cluster.Log = kafkatest.Log(t)
	return cluster
}

// PostgreSQL is the URL, with user and password, of a running PostgreSQL's database.
func PostgreSQL(t testing.TB) string { return address(t, local.PostgreSQL, local.StartPostgreSQL) }

// FreePort is a port of the loopback interface that was free a moment ago.
func FreePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Spark is the sc:// URL, with its token, of a running Spark Connect server. Its heap is 2 GiB.
func Spark(t testing.TB) string { return address(t, local.Spark, local.StartSpark) }

// Data is the folder of the servers, the parent of logs/.
func Data(t testing.TB) string {
	t.Helper()
	servers.Lock()
	defer servers.Unlock()
	return data(t)
}

func data(t testing.TB) string {
	t.Helper()
	if servers.data == "" {
		folder, err := os.MkdirTemp("", "local test ü+%25-") // users have such folders
		if err != nil {
			t.Fatalf("create a folder for servers: %v", err)
		}
		servers.data = folder
		servers.started = map[string]*local.Process{}
	}
	return servers.data
}

func address(t testing.TB, name string, start func(context.Context, local.Config) (*local.Process, error)) string {
	t.Helper()
	servers.Lock()
	defer servers.Unlock()
	config := local.Config{Data: data(t), SparkMemory: "2g"}
	if server := servers.started[name]; server != nil {
		if err := server.Err(); err == nil {
			return server.Address()
		}
		// An earlier test stopped it on purpose.
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	server, err := start(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	servers.started[name] = server
	return server.Address()
}

func stop() error {
	servers.Lock()
	defer servers.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, name := range []string{local.Spark, local.PostgreSQL, local.Kafka} {
		if server := servers.started[name]; server != nil {
			server.Stop(ctx) // a server that had to be killed has ended too
		}
	}
	if servers.data == "" {
		return nil
	}
	return errors.Join(local.RemoveDatabase(servers.data), os.RemoveAll(servers.data))
}
