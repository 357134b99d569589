//go:build compose

package docker_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

var benchVoters = flag.Int("bench-voters", 2_600_000, "voters of BenchmarkWorkers; some three in four of them vote")

// BenchmarkWorkers counts an election as fast as it goes, by workers and cores. The rate is taken from the first total on
// the page to the last, so that it holds no start of a Java program.
//
// Each run also prints the processor seconds that every container took, from its start.
//
//	go test -tags compose -v -run xxx -bench Workers -benchtime 1x -timeout 1h ./docker
func BenchmarkWorkers(b *testing.B) {
	for _, c := range []struct{ workers, cores int }{{1, 1}, {2, 1}, {1, 2}} {
		b.Run(fmt.Sprintf("workers=%d/cores=%d", c.workers, c.cores), func(b *testing.B) {
			for b.Loop() {
				p := newProject(b, fmt.Sprintf("ELECTION_VOTERS=%d", *benchVoters), "ELECTION_SPEED=0", fmt.Sprintf("SPARK_WORKER_CORES=%d", c.cores))
				p.must(b, "up", "--detach", fmt.Sprintf("--scale=spark-worker=%d", c.workers))
				ended := make(chan int)
				go func() {
					code, _ := p.run("run", "--rm", "--no-TTY", "audit")
					ended <- code
				}()
				rate, code := p.rate(ended)
				if code != 0 {
					b.Fatalf("the audit's exit code is %d", code)
				}
				b.ReportMetric(rate, "votes/s")
				p.logCosts(b)
			}
		})
	}
}

// rate follows the page until the audit has ended: votes a second, from the first total to the last, and the audit's exit
// code.
func (p *project) rate(ended <-chan int) (float64, int) {
	var first, last int64
	var from, to time.Time
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case code := <-ended:
			return float64(last-first) / to.Sub(from).Seconds(), code
		case now := <-tick.C:
			switch total := p.total(); {
			case total > 0 && first == 0:
				first, last, from = total, total, now
			case total > last:
				last, to = total, now
			}
		}
	}
}

// logCosts prints the processor seconds of each container that runs, for each million votes on the page.
func (p *project) logCosts(t testing.TB) {
	t.Helper()
	socket := strings.TrimPrefix(cmp.Or(os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock"), "unix://")
	engine := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	millions := float64(p.total()) / 1e6
	for _, c := range p.containers(t) {
		if c.State.Pid == 0 {
			continue
		}
		response, err := engine.Get("http://docker/containers/" + c.ID + "/stats?stream=false&one-shot=true")
		if err != nil {
			t.Fatal(err)
		}
		var stats struct {
			CPU struct {
				Usage struct {
					Total float64 `json:"total_usage"` // nanoseconds
				} `json:"cpu_usage"`
			} `json:"cpu_stats"`
			Memory struct {
				Max   int64 `json:"max_usage"`
				Usage int64 `json:"usage"`
			} `json:"memory_stats"`
		}
		err = json.NewDecoder(response.Body).Decode(&stats)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%-45s %6.1f s of processor, %6.1f for each million votes, %5d MiB", c.Name, stats.CPU.Usage.Total/1e9, stats.CPU.Usage.Total/1e9/millions, max(stats.Memory.Max, stats.Memory.Usage)>>20)
	}
}
