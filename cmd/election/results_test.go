package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/exit"
	"realtime-election/internal/kafka/kafkatest"
)

const resultLines = `region,district_id,district,candidate,party,votes
South,3,"Moor, ""Old""",Ana,Red,20
South,3,"Moor, ""Old""",Bo,Blue,0
North,N1,Hill,Bo,Blue,15
North,N1,Hill,Ana,Red,3
North,3,Dale,Ana,Red,7
`

// newCounted is a broker with an election in which the votes of a result file are cast and counted.
func newCounted(t *testing.T, path string) *kfake.Cluster {
	t.Helper()
	read, err := definition.ReadResultFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	cluster := kafkatest.NewElection(t, read.Definition, 2)
	if code, _, stderr := command(t, "replay", "--brokers="+cluster.ListenAddrs()[0], path); code != exit.Done {
		t.Fatalf("replay: exit code %d: %s", code, stderr)
	}
	count := election.NewCount(read.Definition, 2)
	for partition := range int32(2) {
		for _, rec := range kafkatest.Read(t, cluster, election.VotesTopic, partition) {
			count.Add(election.VoteRecord{Partition: partition, Offset: rec.Offset, Timestamp: rec.Timestamp, Key: rec.Key, Value: rec.Value})
		}
	}
	records := []*kgo.Record{kafkatest.JSON(t, election.RunsTopic, election.OfficialRunKey, election.OfficialRun{Run: 1, Fingerprint: read.Definition.Fingerprint()})}
	for topic, results := range count.Results(1) {
		for _, natural := range slices.Sorted(maps.Keys(results)) {
			records = append(records, kafkatest.JSON(t, topic, election.ResultKey(1, natural), results[natural]))
		}
	}
	kafkatest.Produce(t, cluster, records...)
	return cluster
}

// printed is the output of `election results`.
func printed(t *testing.T, cluster *kfake.Cluster, args ...string) string {
	t.Helper()
	code, stdout, stderr := command(t, append([]string{"results", "--brokers=" + cluster.ListenAddrs()[0]}, args...)...)
	if code != exit.Done || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	return stdout
}

func TestResultsByDistrictAreTheReplayedFile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"LF": resultLines, "CRLF": strings.ReplaceAll(resultLines, "\n", "\r\n")} {
		if got := printed(t, newCounted(t, file(t, text)), "--by=district", "-o", "csv"); got != text {
			t.Errorf("%s: printed %q, want %q", name, got, text)
		}
	}
}

func TestResultsArePrinted(t *testing.T) {
	t.Parallel()
	cluster := newCounted(t, file(t, resultLines))
	if got, want := printed(t, cluster), "candidate  party  votes\nAna        Red       30\nBo         Blue      15\n"; got != want {
		t.Errorf("the table is\n%swant\n%s", got, want)
	}
	want := "region,candidate,party,votes\nSouth,Ana,Red,20\nSouth,Bo,Blue,0\nNorth,Ana,Red,10\nNorth,Bo,Blue,15\n"
	if got := printed(t, cluster, "--by", "region", "--output", "csv"); got != want {
		t.Errorf("by region it is\n%swant\n%s", got, want)
	}
	var objects []struct {
		DistrictID string `json:"district_id"`
		District   string
		Votes      int64
	}
	if err := json.Unmarshal([]byte(printed(t, cluster, "--by=district", "-o", "json")), &objects); err != nil {
		t.Fatal(err)
	}
	if len(objects) != 5 || objects[0].District != `Moor, "Old"` || objects[4].DistrictID != "3" || objects[4].Votes != 7 {
		t.Errorf("as JSON it is %+v", objects)
	}
}
