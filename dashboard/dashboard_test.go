package dashboard_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"realtime-election/dashboard"
	"realtime-election/dashboard/web"
	"realtime-election/dashboard/web/webtest"
	"realtime-election/election"
	"realtime-election/internal/health"
	"realtime-election/internal/health/healthtest"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/results"
	"realtime-election/internal/results/resultstest"
)

func TestValidateNamesTheSetting(t *testing.T) {
	for setting, config := range map[string]dashboard.Config{
		"brokers is empty":                    {Listen: "127.0.0.1:0"},
		`brokers is "kafka"; write host:port`: {Kafka: kafka.Cluster{Brokers: []string{"kafka"}}, Listen: "127.0.0.1:0"},
		"tls-key is missing":                  {Kafka: kafka.Cluster{Brokers: []string{"127.0.0.1:9092"}}, Listen: "127.0.0.1:0", TLSCertificate: "c.pem"},
		`listen is "8080"; write host:port`:   {Kafka: kafka.Cluster{Brokers: []string{"127.0.0.1:9092"}}, Listen: "8080"},
		`listen is "fd://x"; write fd:// and`: {Kafka: kafka.Cluster{Brokers: []string{"127.0.0.1:9092"}}, Listen: "fd://x"},
	} {
		for _, err := range []error{config.Validate(), dashboard.Run(t.Context(), config)} {
			var input *election.InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), setting) {
				t.Errorf("got %v, want an InputError %q", err, setting)
			}
		}
	}
}

func TestTakenPortIsReported(t *testing.T) {
	cluster := newCluster(t)
	address, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	err := dashboard.Run(t.Context(), dashboard.Config{Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Listen: address})
	if err == nil || !strings.Contains(err.Error(), "listen on "+address) || !strings.HasSuffix(err.Error(), "Choose another port with listen") {
		t.Errorf("got %v", err)
	}
}

// inherited is how a dashboard is told of an open file. The dashboard closes it, so it gets a handle of its own.
func inherited(t *testing.T, file *os.File) string {
	t.Helper()
	defer file.Close()
	number, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("fd://%d", number)
}

func TestPageIsServedAtAnInheritedSocket(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	cluster := newCluster(t)
	if address, _ := start(t, cluster.ListenAddrs(), inherited(t, file)); address != listener.Addr().String() {
		t.Errorf("it is served at %s, want %s", address, listener.Addr())
	}

	folder, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	err = dashboard.Run(t.Context(), dashboard.Config{Kafka: kafkatest.Cluster(t, cluster.ListenAddrs()), Listen: inherited(t, folder)})
	if err == nil || !strings.Contains(err.Error(), "is no socket that listens") {
		t.Errorf("at a folder: %v", err)
	}
}

// TestKafkaThatIsAwayIsLogged serves the page while nothing listens at Kafka's address.
func TestKafkaThatIsAwayIsLogged(t *testing.T) {
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	broker := unused.Addr().String()
	unused.Close()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- dashboard.Run(ctx, dashboard.Config{
			Kafka:  kafka.Cluster{Brokers: []string{broker}, Log: slog.New(slog.NewTextHandler(write, nil))},
			Listen: "127.0.0.1:0", Log: kafkatest.Log(t),
		})
		write.Close()
	}()
	lines, logged := bufio.NewScanner(read), false
	for !logged && lines.Scan() {
		logged = strings.Contains(lines.Text(), "level=WARN") && strings.Contains(lines.Text(), broker)
	}
	cancel()
	if !logged {
		t.Error("the log does not say that Kafka is away")
	}
	if _, err := io.Copy(io.Discard, read); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run: %v, want nil when cancelled", err)
	}
}

func TestDashboardFollowsTheTopics(t *testing.T) {
	cluster := newCluster(t)
	address, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	d := lakes()
	if got := waitForDocument(t, address, func(web.Document) bool { return true }); got.Election != nil || got.TotalVotes != 0 {
		t.Errorf("before the election: %+v", got)
	}
	produce(t, cluster, resultstest.Definition(d), resultstest.Official(d, 1))
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

// metric is the value of a metric of the dashboard.
func metric(t *testing.T, h *health.Service, name string) string {
	t.Helper()
	for line := range strings.Lines(healthtest.Metrics(h)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("there is no metric %s", name)
	return ""
}

func get(t *testing.T, address, path string) (status int, body string) {
	t.Helper()
	response, err := http.Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestHealth(t *testing.T) {
	cluster := newCluster(t)
	h := health.New("dashboard")
	address, _ := startWith(t, cluster.ListenAddrs(), dashboard.Config{Listen: "127.0.0.1:0", Health: h})
	waitForDocument(t, address, func(web.Document) bool { return true })
	if age := metric(t, h, "election_result_age_seconds"); age != "NaN" {
		t.Errorf("age %s before the first vote", age)
	}
	if viewers := metric(t, h, "election_page_viewers"); viewers != "0" {
		t.Errorf("%s viewers before the first", viewers)
	}
	d := lakes()
	produce(t, cluster, resultstest.Definition(d), resultstest.Official(d, 1), resultstest.Record{Topic: election.PerCandidateTopic, Key: "1/ann", Value: []byte("{")})
	produce(t, cluster, resultstest.Totals(d, 1, count(d, 100), time.Now().Add(-time.Hour))...)
	waitForDocument(t, address, func(d web.Document) bool { return d.TotalVotes > 0 })
	response, err := http.Get("http://" + address + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := response.Body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]func(float64) bool{
		"election_page_viewers":           func(n float64) bool { return n == 1 },
		"election_result_age_seconds":     func(n float64) bool { return n >= 3600 && n < 3700 },
		"election_result_version":         func(n float64) bool { return n >= 2 },
		"election_result_records_skipped": func(n float64) bool { return n == 1 },
	} {
		text := metric(t, h, name)
		if n, err := strconv.ParseFloat(text, 64); err != nil || !want(n) {
			t.Errorf("%s is %s", name, text)
		}
	}
	if !strings.Contains(healthtest.Metrics(h), `election_kafka_connects_total{client="results"`) {
		t.Error("the Kafka client of the results is not measured")
	}
	if status, body := healthtest.Get(h, "/readyz"); status != http.StatusOK || body != "kafka: ok\nresults: ok\n" {
		t.Errorf("ready: %d %q", status, body)
	}
	cluster.Close()
	if status, body := healthtest.Get(h, "/readyz"); status != http.StatusServiceUnavailable || !strings.HasPrefix(body, "kafka: ") || !strings.HasSuffix(body, "results: ok\n") {
		t.Errorf("without Kafka: %d %q", status, body)
	}
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

// TestIdleConnectionsAreBounded opens more connections than one viewer may have, and asks nothing.
func TestIdleConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	address, _ := startWith(t, newCluster(t).ListenAddrs(), dashboard.Config{Listen: "127.0.0.1:0", MaxViewers: 1})
	var last net.Conn
	for range 3 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		last = conn
	}
	begin := make([]byte, len("HTTP/1.1 503 "))
	if _, err := io.ReadFull(last, begin); err != nil || string(begin) != "HTTP/1.1 503 " {
		t.Errorf("the third says %q (%v)", begin, err)
	}
}

func TestPageIsServedByTLS(t *testing.T) {
	t.Parallel()
	certificate, key := webtest.Certificate(t, t.TempDir(), 1, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	address, _ := startWith(t, newCluster(t).ListenAddrs(), dashboard.Config{Listen: "127.0.0.1:0", TLSCertificate: certificate, TLSKey: key})
	known, err := os.ReadFile(certificate)
	if err != nil {
		t.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(known)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}}, Timeout: testTimeout}
	defer client.CloseIdleConnections()
	for _, path := range []string{"/static/app.js", "/events"} {
		response, err := client.Get("https://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if _, err := response.Body.Read(make([]byte, 1)); err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %v", path, response.Status, err)
		}
	}
}

// TestDashboardsAgree runs two dashboards on the same topics. Both show the same, because a dashboard stores nothing.
func TestDashboardsAgree(t *testing.T) {
	cluster := newCluster(t)
	d := lakes()
	records := slices.Concat([]resultstest.Record{resultstest.Definition(d), resultstest.Official(d, 1)}, resultstest.Totals(d, 1, count(d, 100), now))
	produce(t, cluster, records...)
	one, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	two, _ := start(t, cluster.ListenAddrs(), "127.0.0.1:0")
	read := func(d web.Document) bool { return d.TotalVotes > 0 }
	if a, b := waitForDocument(t, one, read), waitForDocument(t, two, read); a.TotalVotes != b.TotalVotes || *a.Leader != *b.Leader {
		t.Errorf("%d and %d votes", a.TotalVotes, b.TotalVotes)
	}
}
