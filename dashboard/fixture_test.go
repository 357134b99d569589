package dashboard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/dashboard"
	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/results"
	"realtime-election/internal/results/resultstest"
)

// testTimeout is how long a test waits. Only a failure takes that long.
const testTimeout = 30 * time.Second

var now = time.Date(2026, 3, 18, 20, 0, 0, 0, time.UTC)

// lakes has names of every kind: long, short, right to left, with emoji, and some that look like code.
func lakes() election.Definition {
	d := election.Definition{
		ID: "lakes-2026", Name: "Lake District Council 2026",
		Polling: election.Polling{Opens: now.Add(-12 * time.Hour), Closes: now},
		Candidates: []election.Candidate{
			{ID: "ann", Name: "Ann van der Meer", Party: "Water Party", Photo: "ann.svg"},
			{ID: "ben", Name: "Ben Okafor", Party: "Alliance for the Shores"},
			{ID: "script", Name: `</script><script>alert(1)</script>`, Party: `<img src=x onerror=alert(1)>`},
			{ID: "function", Name: `__f__alert(1)__f__`, Party: `{b}: {c}`},
			{ID: "layla", Name: "ليلى حداد", Party: "حزب الماء"},
			{ID: "ferry", Name: "⛴️ The Ferry 🦆", Party: "Independent"},
			{ID: "long", Name: strings.Repeat("W", 200), Party: strings.Repeat("Ж", 200)},
		},
		Source: &election.Source{Votes: 2_000_000},
	}
	for i, name := range []string{
		"Northshore", "Southshore", "Island & Reeds", "West Fen", "East Fen", "Old Harbour", "Hills",
		`</script><script>alert(2)</script>`, `__f__alert(2)__f__`, `<img src=x onerror=alert(2)>`, "الشمال", "🦆 Duck Pond", strings.Repeat("M", 200),
	} {
		id := fmt.Sprintf("r%02d", i)
		d.Regions = append(d.Regions, election.Region{ID: election.RegionID(id), Name: name, Districts: []election.District{
			{ID: election.DistrictID(id + "-1"), Name: name + " 1", Registered: 150_000},
			{ID: election.DistrictID(id + "-2"), Name: name + " 2", Registered: 150_000},
		}})
	}
	return d
}

// nation is an election with districts in 51 states, a register and an electorate.
func nation(districts int) election.Definition {
	d := election.Definition{
		ID: "nation-2026", Name: "General Election 2026", Polling: election.Polling{Opens: now.Add(-12 * time.Hour), Closes: now},
		Candidates: []election.Candidate{
			{ID: "ann", Name: "Ann van der Meer", Party: "Water Party", Photo: "ann.svg"},
			{ID: "ben", Name: "Ben Okafor", Party: "Alliance for the Shores"},
			{ID: "cleo", Name: "Cleo Marchetti", Party: "Lantern Movement"},
		},
		Electorate: &election.Electorate{Ages: map[string]float64{
			"18-24": 0.11, "25-34": 0.16, "35-44": 0.15, "45-54": 0.17, "55-64": 0.17, "65+": 0.24,
		}},
	}
	first := []string{"North", "South", "East", "West", "New", "Old", "Upper"}
	second := []string{"Avalon", "Brindle", "Carrow", "Dunmore", "Elland", "Farrow", "Glenn", "Hadley"}
	for i := range 51 {
		d.Regions = append(d.Regions, election.Region{
			ID: election.RegionID(fmt.Sprintf("s%02d", i)), Name: first[i%7] + " " + second[i%8],
		})
	}
	towns := []string{"Ashford", "Bexley", "Crewe", "Dover", "Epsom", "Frome", "Goole", "Hythe", "Ilford", "Jarrow", "Kendal", "Luton", "Malvern"}
	for i := range districts {
		region := &d.Regions[i%51]
		region.Districts = append(region.Districts, election.District{
			ID: election.DistrictID(fmt.Sprintf("d%04d", i)), Name: fmt.Sprintf("%s %d", towns[i%13], 1+i/13), Registered: 60_000 + int64(i*7919%90_000),
		})
	}
	return d
}

// count is a plausible count. most is the scale of the votes for ann in a district; the others have fewer.
func count(d election.Definition, most int64) resultstest.Votes {
	votes := resultstest.Votes{}
	for i, in := range d.Districts() {
		votes[in.ID] = map[election.CandidateID]int64{}
		for c, candidate := range d.Candidates {
			votes[in.ID][candidate.ID] = most * int64(10+(i*(c+2))%7) / int64(10+6*c)
		}
	}
	return votes
}

func newCluster(t *testing.T) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, append(results.Topics(), election.VotesTopic)...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func produce(t *testing.T, cluster *kfake.Cluster, records ...resultstest.Record) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var batch []*kgo.Record
	for _, r := range records {
		batch = append(batch, &kgo.Record{Topic: r.Topic, Key: []byte(r.Key), Value: r.Value})
	}
	if err := cl.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// start runs a dashboard on a free port, or on the one given, and returns its address and a function that stops it.
func start(t *testing.T, brokers []string, listen string) (address string, stop func()) {
	t.Helper()
	return startWith(t, brokers, dashboard.Config{Listen: listen})
}

// startWith is start with settings.
func startWith(t *testing.T, brokers []string, config dashboard.Config) (address string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	ready := make(chan net.Addr, 1)
	config.Kafka, config.Log = kafkatest.Cluster(t, brokers), slog.New(slog.NewTextHandler(t.Output(), nil))
	config.Portraits = fstest.MapFS{"ann.svg": {Data: []byte(portrait)}}
	config.Ready = func(a net.Addr) { ready <- a }
	go func() { ended <- dashboard.Run(ctx, config) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v, want nil when cancelled", err)
			}
		case <-time.After(testTimeout):
			t.Error("Run did not end")
		}
	}
	t.Cleanup(stop)
	select {
	case a := <-ready:
		return a.String(), stop
	case err := <-ended:
		t.Fatal(fmt.Errorf("start dashboard: %w", err))
	case <-time.After(testTimeout):
		t.Fatal("the dashboard did not start")
	}
	return "", nil
}

const portrait = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96"><rect width="96" height="96" fill="#a9c4de"/>` +
	`<circle cx="48" cy="38" r="18" fill="#f0d3b8"/><path d="M12 96c0-24 16-36 36-36s36 12 36 36z" fill="#23508a"/></svg>`

// document is the answer of /api/v1/results.
func document(t *testing.T, address string) (web.Document, error) {
	t.Helper()
	response, err := http.Get("http://" + address + "/api/v1/results")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var d web.Document
	if response.StatusCode != http.StatusOK {
		return d, fmt.Errorf("status %s", response.Status)
	}
	return d, json.NewDecoder(response.Body).Decode(&d)
}

// waitForDocument asks the API until satisfies accepts the answer.
func waitForDocument(t *testing.T, address string, satisfies func(web.Document) bool) web.Document {
	t.Helper()
	deadline := time.After(testTimeout)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		d, err := document(t, address)
		if err == nil && satisfies(d) {
			return d
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("the API does not give the expected answer: %v, %+v", err, d)
		}
	}
}
