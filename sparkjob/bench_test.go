//go:build bench

package sparkjob

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/local"
	"realtime-election/local/localtest"
	"realtime-election/producer"
	"realtime-election/setup"
	"realtime-election/spark"
)

var (
	benchVotes  = flag.Int64("votes", 1_000_000, "votes to count in each run")
	benchRounds = flag.Int("rounds", 3, "rounds; each runs every variant once")
	benchVoters = flag.Int("register", 0, "voters on a register that allows the votes, and more than there are votes; 0: no register")
	benchOnly   = flag.String("variants", "", "only these variants, separated by commas")
)

var (
	//go:embed testdata/grouping_sets.sql
	groupingSetsSQL string
	//go:embed testdata/finest_key.sql
	finestKeySQL string
	//go:embed testdata/row_count.sql
	rowCountSQL string
	//go:embed testdata/ballots_only.sql
	ballotsOnlySQL string
)

func TestMain(m *testing.M) { localtest.Main(m) }

// variants are changes of the query, of one thing each.
func variants() map[string]func(*query) {
	set := func(key, value string) func(*query) { return func(q *query) { q.settings[key] = value } }
	return map[string]func(*query){
		"as it is":                func(*query) {},
		"no register":             func(q *query) { q.registerEnd = 0 },
		"shuffled hash join":      func(q *query) { q.totals = strings.Replace(q.totals, "MERGE(register)", "SHUFFLE_HASH(ballots)", 1) },
		"row count":               func(q *query) { q.totals = rowCountSQL },
		"classify only":           func(q *query) { q.totals, q.deduplicate = ballotsOnlySQL, false },
		"no dedup":                func(q *query) { q.deduplicate = false },
		"grouping sets":           func(q *query) { q.totals = groupingSetsSQL },
		"finest key":              func(q *query) { q.totals = finestKeySQL },
		"state partitions 1":      set("spark.sql.shuffle.partitions", "1"),
		"state partitions 3":      set("spark.sql.shuffle.partitions", "3"),
		"state partitions 4":      set("spark.sql.shuffle.partitions", "4"),
		"state in memory":         set("spark.sql.streaming.stateStore.providerClass", "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider"),
		"RocksDB snapshots":       set("spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled", "false"),
		"RocksDB counts its rows": set("spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows", "true"),
		"RocksDB block cache 256": set("spark.sql.streaming.stateStore.rocksdb.blockCacheSizeMB", "256"),
		"no checksums":            set("spark.sql.streaming.checkpoint.fileChecksum.enabled", "false"),
		"batches of 250,000":      func(q *query) { q.source["maxOffsetsPerTrigger"] = "250000" },
		"batches of 1,000,000":    func(q *query) { q.source["maxOffsetsPerTrigger"] = "1000000" },
		"Kafka's default fetches": func(q *query) {
			maps.DeleteFunc(q.source, func(key, _ string) bool {
				return strings.HasPrefix(key, "kafka.max") || key == "kafka.receive.buffer.bytes"
			})
		},
	}
}

// TestBench counts the same votes by each variant of the query, side by side, and prints the rates and the processor time of Spark.
// It runs on Linux.
//
//	go test -tags bench -run Bench -v ./sparkjob -votes 5000000 -rounds 3 -timeout 2h
func TestBench(t *testing.T) {
	ctx := t.Context()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	c := Config{Kafka: localtest.Kafka(t), Postgres: localtest.PostgreSQL(t), Remote: Remote{URL: localtest.Spark(t)}, Log: log}
	path := benchResult(t, *benchVotes)
	file, err := definition.ReadResultFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := setup.Run(ctx, setup.Config{Kafka: c.Kafka, Postgres: c.Postgres, Definition: file.Definition, Partitions: 4, Log: log}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := producer.Replay(ctx, producer.ReplayConfig{Kafka: c.Kafka, File: path, Seed: 1, Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Logf("replay sent %.0f votes/s", float64(file.Definition.ExpectedVotes())/time.Since(began).Seconds())
	installation, err := c.Kafka.Election(ctx)
	if err != nil {
		t.Fatal(err)
	}

	registerEnd := publishRegister(t, c, installation)
	all := variants()
	names := slices.Sorted(maps.Keys(all))
	if *benchOnly != "" {
		names = strings.Split(*benchOnly, ",")
	}
	for _, name := range names {
		if all[name] == nil {
			t.Fatalf("there is no variant %q", name)
		}
	}
	drain(t, c, installation, registerEnd, all["as it is"], file.Definition.ExpectedVotes()) // warms Spark up
	rates, seconds := make(map[string][]float64), make(map[string][]float64)
	for range *benchRounds {
		for _, name := range names {
			before := processorSeconds(t)
			rate := drain(t, c, installation, registerEnd, all[name], file.Definition.ExpectedVotes())
			perMillion := (processorSeconds(t) - before) / float64(*benchVotes) * 1e6
			t.Logf("%-24s %7.0f votes/s  %5.1f processor seconds a million", name, rate, perMillion)
			rates[name], seconds[name] = append(rates[name], rate), append(seconds[name], perMillion)
		}
	}
	var report strings.Builder
	reference := median(rates["as it is"])
	for _, name := range names {
		fmt.Fprintf(&report, "%-26s median %7.0f votes/s  ratio %.2f  %.0f\n", name, median(rates[name]), median(rates[name])/reference, rates[name])
		fmt.Fprintf(&report, "%-26s median %7.1f processor seconds a million votes  %.1f\n", "", median(seconds[name]), seconds[name])
	}
	t.Logf("%d votes, %d rounds\n%s", *benchVotes, *benchRounds, report.String())
}

// publishRegister closes a register of the votes' voters and others. It returns where ballot_commitments ends.
func publishRegister(t *testing.T, c Config, installation *election.Installation) int64 {
	t.Helper()
	if *benchVoters == 0 {
		return 0
	}
	var commitments []election.Commitment
	for partition := range installation.VotePartitions {
		err := c.Kafka.Read(t.Context(), election.VotesTopic, partition, func(r *kgo.Record) error {
			vote, _ := election.ParseVote(r.Value)
			commitments = append(commitments, election.CommitTo(installation.Fingerprint, vote))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := len(commitments); n < *benchVoters; n++ { // voters who do not vote
		commitments = append(commitments, election.CommitTo("nobody", election.Vote{BallotID: fmt.Append(nil, n)}))
	}
	kafkatest.PublishCommitments(t, c.Kafka, election.NewCommitments(installation.Fingerprint, commitments))
	_, end, err := c.Kafka.Commitments(t.Context(), installation)
	if err != nil {
		t.Fatal(err)
	}
	return end
}

// drain counts all votes in a new run, and returns the votes a second over its micro-batches.
func drain(t *testing.T, c Config, installation *election.Installation, registerEnd int64, change func(*query), votes int64) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	session, err := spark.Dial(ctx, c.Remote.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	defer func() {
		if err := session.Release(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	c.Checkpoints = "file://" + t.TempDir()
	q := newQuery(2, registerEnd, spark.AvailableNow())
	change(&q)
	streaming, err := q.start(ctx, session, c, installation, run{Run: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := streaming.AwaitTermination(ctx); err != nil {
		t.Fatal(err)
	}
	progress, err := streaming.RecentProgress(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var rows, milliseconds int64
	for _, p := range progress {
		rows += p.NumInputRows
		milliseconds += p.BatchDuration
	}
	if rows != votes {
		t.Fatalf("%d of %d votes were read", rows, votes)
	}
	return float64(votes) / (time.Duration(milliseconds) * time.Millisecond).Seconds()
}

// processorSeconds is the processor time that Spark has taken.
func processorSeconds(t *testing.T) float64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(localtest.Data(t), "run", local.Spark+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var process struct{ PID int }
	if err := json.Unmarshal(text, &process); err != nil {
		t.Fatal(err)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process.PID))
	if err != nil {
		t.Fatal(err)
	}
	const user, system, perSecond = 11, 12, 100 // fields after the name; proc(5)
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	var ticks float64
	for _, field := range []int{user, system} {
		n, err := strconv.ParseFloat(string(fields[field]), 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return ticks / perSecond
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

// benchResult is a result file of the shape of a large country: 51 regions, 3,162 districts, three candidates.
func benchResult(t *testing.T, votes int64) string {
	t.Helper()
	const regions, districts, candidates = 51, 62, 3
	lines := int64(regions * districts * candidates)
	var b strings.Builder
	b.WriteString(strings.Join(definition.Columns, ",") + "\n")
	line := int64(0)
	for r := range regions {
		for d := range districts {
			for _, name := range []string{"Ana", "Bo", "Cleo"} {
				share := votes*(line+1)/lines - votes*line/lines
				fmt.Fprintf(&b, "Region %d,%02d%03d,District %d,%s,Party,%d\n", r, r, d, d, name, share)
				line++
			}
		}
	}
	path := filepath.Join(t.TempDir(), "bench.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
