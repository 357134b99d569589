// Package scenario reads scenario files, which have votes and the expected totals. It also makes random scenarios and hostile
// records. Tests of the reference count and of Spark use the same files. Tests of these two and the ledger use the same seeds.
//
// A file is a txtar archive. definition.yaml is the definition; partitions is the number of partitions of votes_topic;
// votes has a record on each line: partition, key and value, separated by blanks. A partition of . is the right one for the ballot,
// and a key of . is the ballot's id. A key or value of null has no bytes. A key or value may be a Go string literal. Every other
// file is named for a result topic, and has the natural key and the total of each record. The totals of a topic without a file are
// the sums of a topic with a file that has all fields of its key. Without such a topic, they must be empty.
package scenario

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"realtime-election/election"
	"realtime-election/internal/definition"
)

//go:embed testdata/*.txtar
var files embed.FS

// Scenario is the content of a scenario file.
type Scenario struct {
	Name       string
	Definition *election.Definition
	Partitions int32
	Votes      []election.VoteRecord // without offset and timestamp, in the order of the file
	Totals     map[string]map[string]int64
}

// All are all scenarios.
func All(t *testing.T) []Scenario {
	t.Helper()
	names, err := fs.Glob(files, "testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	var all []Scenario
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := parse(t.TempDir(), txtar.Parse(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.Name = strings.TrimSuffix(filepath.Base(name), ".txtar")
		all = append(all, s)
	}
	return all
}

func parse(folder string, archive *txtar.Archive) (Scenario, error) {
	s := Scenario{Totals: make(map[string]map[string]int64)}
	for _, file := range archive.Files {
		text := string(file.Data)
		var err error
		switch file.Name {
		case "definition.yaml":
			path := filepath.Join(folder, file.Name)
			if err = os.WriteFile(path, file.Data, 0o600); err == nil {
				s.Definition, err = definition.ReadYAML(path)
			}
		case "partitions":
			var n int
			n, err = strconv.Atoi(strings.TrimSpace(text))
			s.Partitions = int32(n)
		case "votes":
			s.Votes, err = parseVotes(text, s.Partitions)
		default:
			s.Totals[file.Name], err = parseTotals(text, file.Name)
		}
		if err != nil {
			return s, fmt.Errorf("%s: %w", file.Name, err)
		}
	}
	written := maps.Clone(s.Totals)
	for _, a := range election.Aggregations() {
		if written[a.Topic] == nil {
			s.Totals[a.Topic] = addUp(a, written)
		}
	}
	return s, nil
}

func parseVotes(text string, partitions int32) ([]election.VoteRecord, error) {
	var votes []election.VoteRecord
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " ", 3)
		if len(fields) != 3 {
			return nil, fmt.Errorf("%q has no partition, key and value", line)
		}
		value, err := literal(fields[2])
		if err != nil {
			return nil, err
		}
		var id []byte
		if len(value) >= election.BallotIDEnd {
			id = value[election.BallotIDStart:election.BallotIDEnd]
		}
		rec := election.VoteRecord{Key: id, Value: value}
		if fields[1] != "." {
			if rec.Key, err = literal(fields[1]); err != nil {
				return nil, err
			}
		}
		if fields[0] == "." {
			rec.Partition = election.Partition(id, partitions)
		} else if n, err := strconv.Atoi(fields[0]); err == nil {
			rec.Partition = int32(n)
		} else {
			return nil, err
		}
		votes = append(votes, rec)
	}
	return votes, nil
}

func literal(text string) ([]byte, error) {
	switch {
	case text == "null":
		return nil, nil
	case strings.HasPrefix(text, `"`):
		s, err := strconv.Unquote(text)
		return []byte(s), err
	}
	return []byte(text), nil
}

func parseTotals(text, topic string) (map[string]int64, error) {
	a, known := election.AggregationOf(topic)
	if !known {
		return nil, fmt.Errorf("there is no such result topic")
	}
	totals := make(map[string]int64)
	for line := range strings.Lines(text) {
		natural, digits, found := strings.Cut(strings.TrimSpace(line), " ")
		total, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if !found || err != nil {
			return nil, fmt.Errorf("%q is not a natural key and a total", line)
		}
		if _, err := a.Cut(natural); err != nil {
			return nil, err
		}
		totals[natural] = total
	}
	return totals, nil
}

// addUp adds up the totals of a finer aggregation, whose key has all fields of this one's.
func addUp(a election.Aggregation, written map[string]map[string]int64) map[string]int64 {
	sums := make(map[string]int64)
	for _, finer := range election.Aggregations() {
		var at []int // where the fields stand in the finer key
		for _, field := range a.Key {
			if i := slices.Index(finer.Key, field); i >= 0 {
				at = append(at, i)
			}
		}
		if written[finer.Topic] == nil || len(at) < len(a.Key) {
			continue
		}
		for natural, total := range written[finer.Topic] {
			values, key := strings.Split(natural, "/"), make([]string, len(at))
			for i := range at {
				key[i] = values[at[i]]
			}
			sums[election.NaturalKey(key...)] += total
		}
		break
	}
	return sums
}
