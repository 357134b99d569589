// Package local runs the whole system on this machine without Docker: real Kafka, PostgreSQL and Spark, and the
// election's own services, each a child process.
//
// Everything is under one folder, DATA: a folder for each server, logs/NAME.log, run/NAME.json (the record of a running
// process) and secrets/ (mode 0600). Servers listen on the loopback interface only. Their ports are chosen once, and
// kept while they are free. When a Start function returns, the server has answered a request. The server outlives the
// context of the call, and even this process. Whoever starts a server must stop it; EndOrphans ends servers of a
// process that was killed.
//
// The package runs on Linux and on macOS, on amd64 and arm64. The tests run on Linux. For macOS the code is compiled
// and vetted. It differs in one thing: ps says when a process was started, to the second.
//
//	kafka, err := local.StartKafka(ctx, local.Config{Data: folder})
//	if err != nil { … }
//	defer kafka.Stop(context.Background())
//	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Address()))
package local

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Config says where a server keeps its files, and how much memory it may use. Only Data is required.
type Config struct {
	Data        string       // the folder of all servers and services; created with mode 0700
	Log         *slog.Logger // nil discards
	KafkaMemory string       // Java heap, such as 1g; "" is 768m
	SparkMemory string       // Java heap, such as 4g; "" is a sixth of the machine's (or container's) memory
	SparkUI     bool         // Spark serves a web page of its own, on the loopback interface

	samePorts        bool          // the server was started before, and its clients look for it at the ports that it had
	keepClassesAfter time.Duration // a server that ran so long writes an archive of its classes, see classArchive; 0 is never
}

// The names of the servers, in DATA/run and DATA/logs.
const (
	Kafka      = "kafka"
	PostgreSQL = "postgresql"
	Spark      = "spark"
)

// startLimit is how long a server may take until it answers.
const startLimit = 2 * time.Minute

func (c Config) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return c.Log
}

// pathIn is the absolute path of a file under DATA. It creates the folder of the file.
func (c Config) pathIn(names ...string) (string, error) {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", c.Data, err)
	}
	path := filepath.Join(append([]string{data}, names...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("create %s: %w", filepath.Dir(path), err)
	}
	return path, nil
}

// waitUntilAnswers waits until ready returns nil, which says that the server answers. It gives up, and stops the
// server, when the server exits, ctx ends or startLimit has passed.
func waitUntilAnswers(ctx context.Context, process *Process, ready func(context.Context) error) (*Process, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("%s has not answered for %s", process.name, startLimit))
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		attempt, done := context.WithTimeout(ctx, 2*time.Second)
		err := ready(attempt)
		done()
		if err == nil {
			return process, process.recordReady()
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-process.Done():
			return nil, fmt.Errorf("start %s: %w", process.name, process.Err())
		case <-ctx.Done():
			process.kill()
			<-process.Done()
			if cause := context.Cause(ctx); cause != context.Canceled {
				return nil, fmt.Errorf("start %s: %w (last: %v): see %s", process.name, cause, last, process.logFile)
			}
			return nil, context.Canceled
		case <-tick.C:
		}
	}
}
