package dashboard_test

import (
	"bufio"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"realtime-election/dashboard"
	"realtime-election/dashboard/web"
	"realtime-election/election"
	"realtime-election/internal/results"
	"realtime-election/internal/results/resultstest"
)

func TestValidateNamesTheFlag(t *testing.T) {
	for flag, config := range map[string]dashboard.Config{
		"--brokers is empty":                  {Listen: "127.0.0.1:0"},
		`--brokers: "kafka" is not host:port`: {Brokers: []string{"kafka"}, Listen: "127.0.0.1:0"},
		`--listen: "8080" is not host:port`:   {Brokers: []string{"127.0.0.1:9092"}, Listen: "8080"},
	} {
		for _, err := range []error{config.Validate(), dashboard.Run(t.Context(), config)} {
			if err == nil || !strings.Contains(err.Error(), flag) {
				t.Errorf("got %v, want %q", err, flag)
			}
		}
	}
}

func TestTakenPortIsSaid(t *testing.T) {
	cluster := newCluster(t)
	address, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	err := dashboard.Run(t.Context(), dashboard.Config{Brokers: cluster.ListenAddrs(), Listen: address})
	if err == nil || !strings.Contains(err.Error(), "--listen "+address) {
		t.Errorf("got %v", err)
	}
}

func TestDashboardFollowsTheTopics(t *testing.T) {
	cluster := newCluster(t)
	address, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	d := lakes()
	if got := waitForDocument(t, address, func(web.Document) bool { return true }); got.Election != nil || got.TotalVotes != 0 {
		t.Errorf("before the election: %+v", got)
	}
	produce(t, cluster, resultstest.Definition(d), resultstest.Official(1))
	waitForDocument(t, address, func(d web.Document) bool { return d.Election != nil && d.Run == 1 })

	produce(t, cluster, resultstest.Totals(d, 1, count(d, 100), now)...)
	first := waitForDocument(t, address, func(d web.Document) bool { return d.TotalVotes > 0 && d.Regions[6].Votes > 0 })
	if first.Leader == nil || *first.Leader != "ann" || first.ExpectedVotes != 2_000_000 {
		t.Errorf("leader %v, expected votes %d", first.Leader, first.ExpectedVotes)
	}
	produce(t, cluster, resultstest.Totals(d, 1, count(d, 200), now)...)
	waitForDocument(t, address, func(d web.Document) bool { return d.TotalVotes > first.TotalVotes })
	produce(t, cluster, resultstest.Status(election.QueryStatus{Run: 1, State: "running", UpdatedAt: time.Now()}))
	waitForDocument(t, address, func(d web.Document) bool { return d.Query != nil && d.Query.State == "running" })
}

func TestDashboardStartsBeforeItsTopics(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	address, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	if _, err := document(t, address); err == nil {
		t.Error("the API answers before there is anything to read")
	}
	for _, topic := range results.Topics() {
		if err := cluster.CreateTopic(topic, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	produce(t, cluster, resultstest.Definition(lakes()))
	waitForDocument(t, address, func(d web.Document) bool { return d.Election != nil })
}

func TestRunEndsWithOpenStreams(t *testing.T) {
	cluster := newCluster(t)
	address, stop := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	response, err := http.Get("http://" + address + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "event: results") {
	}
	begin := time.Now()
	stop()
	if waited := time.Since(begin); waited > 4*time.Second {
		t.Errorf("Run ended after %v: it waited for the stream", waited)
	}
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream broke off instead of ending: %v", err)
	}
}

// Two dashboards over the same topics show the same: nothing is kept in one of them.
func TestDashboardsAgree(t *testing.T) {
	cluster := newCluster(t)
	d := lakes()
	records := slices.Concat([]resultstest.Record{resultstest.Definition(d), resultstest.Official(1)}, resultstest.Totals(d, 1, count(d, 100), now))
	produce(t, cluster, records...)
	one, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	two, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	read := func(d web.Document) bool { return d.TotalVotes > 0 }
	if a, b := waitForDocument(t, one, read), waitForDocument(t, two, read); a.TotalVotes != b.TotalVotes || *a.Leader != *b.Leader {
		t.Errorf("%d and %d votes", a.TotalVotes, b.TotalVotes)
	}
}
