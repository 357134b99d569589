//go:build compose

package docker_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/internal/browsertest"
	"realtime-election/internal/kafka"
	"realtime-election/internal/principals"
	"realtime-election/internal/principals/principalstest"
	"realtime-election/local/localtest/guest"
)

var picture = flag.String("picture", "", "where to write the picture of the page; a temporary file where empty")

// goesOn is how long the count may stand still after a process was killed. On a slow machine it may stand still for one and a
// half times as long as it took from docker compose up to the first counted votes: a restart costs what a start costs.
const goesOn = 60 * time.Second

// TestKilledContainersCostNoVote holds an election of some 200,000 votes on a Spark cluster, and kills on the way the
// main process of every server and service that counts, one after the other and then all at once. Votes come slowly
// enough that there are some left even if every recovery takes as long as it may; then the rest comes at once.
func TestKilledContainersCostNoVote(t *testing.T) {
	p := newProject(t, "ELECTION_VOTERS=265000", "ELECTION_SPEED=0", "ELECTION_RATE=150")
	if says := p.must(t, "config", "--quiet"); says != "" {
		t.Errorf("docker compose config says: %s", says)
	}
	began := time.Now()
	p.must(t, "up", "--detach")
	t.Logf("docker compose up: healthy after %.0f s", time.Since(began).Seconds())
	p.saysWhereThePageIs(t)
	p.awaitMore(t, 0, 2*goesOn)
	start := time.Since(began)
	t.Logf("the first votes are counted %.0f s after docker compose up", start.Seconds())
	atMost := max(goesOn, start*3/2)

	p.hardened(t, 1)
	p.secret(t)
	t.Run("the rights of the dashboard", p.confined) // whose clients end with it
	p.wary(t)
	p.spread(t, 1)
	for _, service := range []string{"spark-worker", "spark-connect", "kafka", "postgres", "submit", "votes", "spark-master", "ledger"} {
		p.survives(t, atMost, service)
	}
	p.must(t, "up", "--detach", "--no-recreate", "--scale=spark-worker=2")
	p.survives(t, 2*atMost, "kafka", "postgres", "spark-master", "spark-worker", "spark-connect", "votes", "ledger", "submit", "dashboard")

	if says := p.must(t, "run", "--rm", "--no-TTY", "cast", "--district=emmen", "--candidate=labour"); !strings.Contains(says, `"candidate_id":"labour","district_id":"emmen"`) {
		t.Errorf("cast says: %s", tail(says))
	}
	p.with("ELECTION_RATE=0").must(t, "up", "--detach", "--no-deps", "votes")
	p.audit(t)
	p.spread(t, 2)
	p.photograph(t)

	counted := p.results()
	p.rotates(t)
	p.down(t, "down")
	p.must(t, "up", "--detach")
	p.audit(t)
	if again := p.results(); again != counted {
		t.Errorf("after down and up the page shows %+v, before %+v", again, counted)
	}
	// Every start of the query went on from the checkpoint.
	if counted.Run != 1 {
		t.Errorf("run %d is shown: somebody began to count anew", counted.Run)
	}
}

// saysWhereThePageIs waits for the last container, and for its line.
func (p *project) saysWhereThePageIs(t *testing.T) {
	t.Helper()
	await(t, goesOn, "the page's address", func() error {
		if says, want := p.must(t, "logs", "--no-log-prefix", "ready"), "The page is open at http://"+p.page+"\n"; says != want {
			return fmt.Errorf("the last line is %q, want %q", says, want)
		}
		return nil
	})
}

// survives kills the main processes of services, and waits until their containers run again and new votes are counted.
func (p *project) survives(t *testing.T, atMost time.Duration, services ...string) {
	t.Helper()
	deadline := time.Now().Add(atMost)
	total := p.total()
	killed := p.kill(t, services...)
	await(t, time.Until(deadline), "the containers to run again", func() error {
		for _, c := range p.containers(t, services...) {
			if c.State.Status != "running" || c.State.Pid == 0 || slices.Contains(killed, c.State.Pid) {
				return fmt.Errorf("%s is %s", c.Name, c.State.Status)
			}
		}
		return nil
	})
	running := time.Since(deadline.Add(-atMost))
	var before int64
	await(t, time.Until(deadline), "the page", func() error {
		if before = p.total(); before < total {
			return fmt.Errorf("it shows %d votes", before)
		}
		return nil
	})
	p.awaitMore(t, before, time.Until(deadline))
	t.Logf("%s killed at %d votes: running again after %.1f s, the count goes on after %.1f s", strings.Join(services, ", "), total, running.Seconds(), time.Since(deadline.Add(-atMost)).Seconds())
}

// audit waits for the end of the count and audits it.
func (p *project) audit(t testing.TB) {
	t.Helper()
	began := time.Now()
	says := p.must(t, "run", "--rm", "--no-TTY", "audit")
	if !strings.Contains(says, "Everything agrees.") {
		t.Errorf("the audit says: %s", tail(says))
	}
	t.Logf("audit, after %.0f s:\n%s", time.Since(began).Seconds(), tail(says))
}

// rotates replaces the passwords. Then it puts the old files back, as if that had been interrupted before the new ones took their
// place, and does it again.
func (p *project) rotates(t *testing.T) {
	t.Helper()
	secrets, before := p.secretsFolder(t), filepath.Join(t.TempDir(), "before")
	shell := func(script string) {
		t.Helper()
		cmd := exec.Command("sh", "-euc", script)
		cmd.Dir = secrets
		if says, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", script, err, says)
		}
	}
	refused := func(says string, args ...string) {
		t.Helper()
		if code, said := p.run(append([]string{"exec", "--no-TTY"}, args...)...); code == 0 || !strings.Contains(said, says) {
			t.Errorf("%s: exit code %d: %s", strings.Join(args, " "), code, tail(said))
		}
	}
	shell("cp -a . " + before)
	p.must(t, "run", "--rm", "--no-TTY", "rotate")
	shell("install -d -o 10000 -g 10000 next && for f in kafka-* postgres-* *-url election_* spark-*; do mv $f next/; cp -a " + before + "/$f .; done && cp -a kafka-reader.properties old.properties")
	refused("does not know the user reader with this password", "tools", "election", "topics")
	p.must(t, "run", "--rm", "--no-TTY", "rotate")
	p.must(t, "exec", "--no-TTY", "tools", "election", "topics")
	refused("does not know the user reader with this password", "tools", "election", "topics", "--kafka-config=/secrets/old.properties")
	old, err := os.ReadFile(filepath.Join(before, "audit-url"))
	if err != nil {
		t.Fatal(err)
	}
	refused("password authentication failed", "postgres", "psql", string(old), "--command=SELECT")
	shell("rm old.properties")
}

// hardened looks at how the containers are locked in, at the number of ports they publish, and at what they wrote outside
// of volumes and tmpfs.
func (p *project) hardened(t *testing.T, ports int) {
	t.Helper()
	published := 0
	for _, c := range p.containers(t) {
		h := c.HostConfig
		if !h.ReadonlyRootfs || h.Privileged || fmt.Sprint(h.CapDrop) != "[ALL]" || len(h.CapAdd) > 0 ||
			!strings.Contains(fmt.Sprint(h.SecurityOpt), "no-new-privileges") || h.Memory == 0 || h.PidsLimit == nil || *h.PidsLimit <= 0 {
			t.Errorf("%s is not locked in: %+v", c.Name, h)
		}
		if user := c.Config.User; user == "" || user == "root" || strings.HasPrefix(user, "0") {
			t.Errorf("%s runs as %q", c.Name, user)
		}
		for _, bindings := range c.NetworkSettings.Ports {
			for _, binding := range bindings {
				if published++; binding.HostIP != "127.0.0.1" {
					t.Errorf("%s publishes %v", c.Name, binding)
				}
			}
		}
		if written, err := exec.Command("docker", "diff", c.ID).Output(); err != nil || len(written) > 0 {
			t.Errorf("%s wrote outside of its volumes: %s %v", c.Name, written, err)
		}
	}
	if published != ports {
		t.Errorf("%d ports are published, want %d", published, ports)
	}
}

// secret tries to get in without the secrets, and to read those of others.
func (p *project) secret(t *testing.T) {
	t.Helper()
	for _, attempt := range []struct{ service, command, says string }{
		{"spark-connect", "election check spark --remote=sc://spark-connect:15002/;use_ssl=true", "No authentication token provided"},
		{"submit", "election check spark --remote=sc://spark-connect:15003", "connection refused"},
		{"dashboard", "election check kafka --brokers=kafka:9092 --kafka-config=/secrets/kafka-health.properties", "permission denied"},
		{"postgres", "psql --host=postgres --username=postgres --no-password --command=SELECT", "no password supplied"},
		{"postgres", "psql postgres://postgres@postgres/election?sslmode=disable --command=SELECT", "no encryption"},
		{"tools", "election topics --kafka-config=", "speaks TLS"},
	} {
		args := append([]string{"exec", "--no-TTY", attempt.service}, strings.Fields(attempt.command)...)
		if code, says := p.run(args...); code == 0 || !strings.Contains(says, attempt.says) {
			t.Errorf("%s of %s: exit code %d: %s", attempt.command, attempt.service, code, tail(says))
		}
	}
	for _, command := range []string{"tail votes_topic", "query stop", "cast --district emmen --candidate labour"} {
		login := "ELECTION_KAFKA_CONFIG=/secrets/kafka-dashboard.properties"
		args := append([]string{"exec", "--no-TTY", "--env=" + login, "dashboard", "election"}, strings.Fields(command)...)
		if code, says := p.run(args...); code == 0 || !strings.Contains(says, "does not let dashboard do this") {
			t.Errorf("election %s with the dashboard's login: exit code %d: %s", command, code, tail(says))
		}
	}
	if says := p.must(t, "exec", "--no-TTY", "tools", "election", "status"); !strings.Contains(says, "registered voters") {
		t.Errorf("election status says in tools: %s", tail(says))
	}
	for user, want := range map[string]string{
		"10001": "kafka-voters.properties", "10002": "ballot-key kafka-cast.properties kafka-votes.properties", "10003": "kafka-ledger.properties ledger-url",
		"10004": "kafka-submit.properties spark-remote submit-url", "10005": "kafka-dashboard.properties",
		"10006": "audit-url kafka-query.properties kafka-reader.properties", "10007": "kafka-replay.properties",
		"10010": "kafka-spark.properties spark-options spark-token spark.pem",
		"10011": "kafka-broker.properties kafka-controller.properties kafka-format.args kafka-health.properties kafka.pem", "10012": "postgres-password postgres.pem",
	} {
		says := p.must(t, "exec", "--no-TTY", "--user="+user+":"+user, "postgres", "sh", "-c", `cd /secrets; for file in *; do test "$file" != ca.pem && test -r "$file" && echo "$file"; done; true`)
		if got := strings.Join(strings.Fields(says), " "); got != want {
			t.Errorf("user %s may read %q, want %q", user, got, want)
		}
	}
}

// confined tries every right of Kafka with the login of the dashboard, the only service that strangers talk to.
func (p *project) confined(t *testing.T) {
	t.Helper()
	secrets := p.secretsFolder(t)
	login, err := os.ReadFile(filepath.Join(secrets, "kafka-dashboard.properties"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dashboard.properties")
	if err := os.WriteFile(path, bytes.ReplaceAll(login, []byte("/secrets/"), []byte(secrets+"/")), 0o600); err != nil {
		t.Fatal(err)
	}
	security, err := kafka.ReadSecurity(path)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(filepath.Join(secrets, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	// Kafka names itself by its host name, which only containers can resolve.
	var address string
	for _, in := range p.containers(t, "kafka")[0].NetworkSettings.Networks {
		address = net.JoinHostPort(in.IPAddress, "9092")
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: trusted, ServerName: "kafka"}}
		return dialer.DialContext(ctx, network, address)
	}
	dashboard := principalstest.Principal{
		Name: principals.Dashboard, Cluster: kafka.Cluster{Brokers: []string{"kafka:9092"}, Security: security},
		Options: []kgo.Opt{kgo.Dialer(dial)},
	}
	document, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	row := dashboard.Row(t)
	t.Logf("Kafka lets dashboard (reads, writes, offsets, transactional ids, groups): %s", row)
	if !strings.Contains(string(document), row) {
		t.Errorf("docs/security.md lacks\n%s", row)
	}
	for _, done := range dashboard.Rules(t) {
		t.Errorf("dashboard can %s", done)
	}
}

// secretsFolder is where the engine keeps the volume with the secrets.
func (p *project) secretsFolder(t *testing.T) string {
	t.Helper()
	mountpoint, err := exec.Command("docker", "volume", "inspect", "--format={{.Mountpoint}}", p.name+"_secrets").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(mountpoint))
}

// wary sends Java objects to every port that Spark's processes listen on, as a container without the secret could.
func (p *project) wary(t *testing.T) {
	t.Helper()
	for _, c := range p.containers(t, "spark-master", "spark-worker", "spark-connect") {
		for port := range p.ports(t, c) {
			for _, network := range c.NetworkSettings.Networks {
				address := net.JoinHostPort(network.IPAddress, port)
				said, read, err := guest.Call(t.Context(), address)
				if err != nil {
					t.Error(err)
				}
				if read {
					t.Errorf("port %s of %s has read a guest's object", port, c.Name)
				}
				t.Logf("port %s of %s says\n%s", port, c.Name, said)
			}
		}
	}
}

// ports are those on which a container's processes listen for others.
func (p *project) ports(t *testing.T, c container) map[string]bool {
	t.Helper()
	top, err := exec.Command("docker", "top", c.ID, "-eo", "pid").Output()
	if err != nil {
		t.Fatalf("docker top %s: %v", c.Name, err)
	}
	ports := make(map[string]bool)
	for _, field := range strings.Fields(string(top))[1:] {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatalf("docker top %s: %v", c.Name, err)
		}
		addresses, err := guest.Addresses(pid)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has ended since: a health check
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range addresses {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				t.Fatal(err)
			}
			if !at.Addr().Unmap().IsLoopback() {
				ports[fmt.Sprint(at.Port())] = true
			}
		}
	}
	if len(ports) == 0 {
		t.Errorf("%s listens on no port", c.Name)
	}
	return ports
}

// spread asks Spark itself which executors ran the tasks: those of all workers, and never the driver's.
func (p *project) spread(t *testing.T, workers int) {
	t.Helper()
	p.must(t, "--profile=debug", "up", "--detach", "debug")
	defer p.must(t, "--profile=debug", "rm", "--stop", "--force", "debug")
	spark := "http://" + strings.TrimSpace(p.must(t, "--profile=debug", "port", "debug", "8081"))
	await(t, goesOn, fmt.Sprintf("tasks on the executors of %d workers", workers), func() error {
		var master struct{ ActiveApps []struct{ ID string } }
		if err := fetch(spark+"/json/", &master); err != nil || len(master.ActiveApps) != 1 {
			return fmt.Errorf("%d applications: %w", len(master.ActiveApps), err)
		}
		app := master.ActiveApps[0].ID
		var executors []struct {
			ID, HostPort string
			IsActive     bool
			TotalTasks   int
		}
		if err := fetch(fmt.Sprintf("%s/proxy/%s/api/v1/applications/%s/executors", spark, app, app), &executors); err != nil {
			return err
		}
		hosts := make(map[string]int)
		for _, e := range executors {
			if e.ID != "driver" && e.IsActive && e.TotalTasks > 0 {
				hosts[e.HostPort] = e.TotalTasks
			}
			if e.ID == "driver" && e.TotalTasks > 0 {
				t.Errorf("the driver ran %d tasks", e.TotalTasks)
			}
		}
		if len(hosts) != workers {
			return fmt.Errorf("executors with tasks: %v", hosts)
		}
		t.Logf("%d workers, tasks per executor: %v, and none of the driver's own", workers, hosts)
		return nil
	})
}

// photograph takes the page's picture in a browser outside the containers.
func (p *project) photograph(t *testing.T) {
	t.Helper()
	browser := browsertest.New(t)
	browsertest.Prefer(t, browser, "light")
	browsertest.Do(t, browser, chromedp.Navigate("http://"+p.page))
	await(t, goesOn, "the charts to be drawn", func() error {
		if drawn := browsertest.Charts(t, browser); drawn < 3 {
			return fmt.Errorf("%d are drawn", drawn)
		}
		return nil
	})
	path := *picture
	if path == "" {
		path = filepath.Join(t.TempDir(), "page.png")
	}
	browsertest.Screenshot(t, browser, path)
}
