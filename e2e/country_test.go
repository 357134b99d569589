//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/browsertest"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/postgres"
	"realtime-election/internal/principals"
	"realtime-election/internal/scenario"
	"realtime-election/local"
)

// hostileOfEachKind makes about a thousand hostile records in all.
const hostileOfEachKind = 30

// TestACountryVotes runs the demo: the first vote is painted, hostile records are sent among the ballots, and in the end
// Spark, PostgreSQL, the page and the audit agree about every record, with every service as it was started.
func TestACountryVotes(t *testing.T) {
	data := newData(t)
	began := time.Now()
	demo := exec.Command("make", "-C", "..", "demo", fmt.Sprintf("DEMO=--voters %d --speed 40s", *voters))
	demo.Env = append(os.Environ(), "ELECTION_DATA="+data, "ELECTION_PORT=0")
	demo.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C goes to all that a terminal runs
	s := startUp(t, data, demo)

	browser := browsertest.New(t)
	browsertest.Prefer(t, browser, "light")
	await(t, "the page is served", func() bool { return s.page() != "" })
	browsertest.Do(t, browser, chromedp.Navigate(s.page()))
	painted := func() int64 {
		return browsertest.Evaluate[int64](t, browser, `[...document.querySelectorAll('table[aria-label="Candidates"] tbody td.n:nth-of-type(2)')]
			.reduce((sum, cell) => sum + Number(cell.textContent.replace(/\D/g, '')), 0)`)
	}
	await(t, "the first vote is painted", func() bool { return painted() > 0 })
	t.Logf("the first votes were painted %.1f s after the start of make demo", time.Since(began).Seconds())
	photo(t, browser, "start")
	pids := running(t, data)

	planted := plant(t, data)
	votes := votesProducers(installationOf(t, data))
	awaitFor(t, 3*time.Minute, "half of the ballots are sent", func() bool {
		next, size := progress(t, data, votes...)
		return next > size/2
	})
	photo(t, browser, "middle")
	var ballots int64
	awaitFor(t, 3*time.Minute, "all ballots are sent", func() bool {
		var sent int64
		sent, ballots = progress(t, data, votes...)
		return ballots > 0 && sent == ballots
	})
	awaitFor(t, 3*time.Minute, fmt.Sprintf("%d votes are painted", ballots), func() bool { return painted() == ballots })

	// The ledger may still be behind the page; the audit beside a running system is asked until it finds nothing else.
	var report string
	lies := make(map[election.Reason]int)
	for _, h := range planted {
		lies[h.Reason]++
	}
	nobodys := regexp.MustCompile(fmt.Sprintf(`ballots of nobody on it +0 +%d +DIFFERS`, lies[election.Unregistered]))
	conflicting := regexp.MustCompile(fmt.Sprintf(`conflicting copies of ballots +0 +%d +DIFFERS`, lies[election.Conflicting]))
	awaitFor(t, 2*time.Minute, "the audit agrees but for the ballots of nobody and the conflicting copies", func() bool {
		out, code := run(t, "audit", "--data", data, "--expect", fmt.Sprint(ballots), "--ballot-key", local.BallotKeyFile(data))
		report = out
		return code == 3 && strings.Count(out, "DIFFERS") == 2 && nobodys.MatchString(out) && conflicting.MatchString(out)
	}, func() string { return report })
	t.Logf("\n%s", report)
	photo(t, browser, "end")
	compareRejects(t, data, planted)

	now := running(t, data)
	for name, was := range pids {
		if pid, runs := now[name]; (!runs && name != "votes") || (runs && was != pid) { // votes ends when all have voted
			t.Errorf("%s was started again, or is gone: its pid was %d and is %d", name, was, pid)
		}
	}
	if err := syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	s.exit(t, 40*time.Second)
}

// planted is a hostile record, and where it lies in votes_topic.
type planted struct {
	scenario.Hostile
	offset int64
}

// ballotsOfVoters are copies of ballots that voters have cast: with the same bytes, for another candidate, and of another gender.
func ballotsOfVoters(t *testing.T, data string, installation *election.Installation) []scenario.Hostile {
	t.Helper()
	var all []scenario.Hostile
	errEnough := errors.New("enough")
	err := clusterOf(t, data, principals.Reader).Read(t.Context(), election.VotesTopic, 0, func(r *kgo.Record) error {
		vote, _ := election.ParseVote(r.Value)
		add := func(reason election.Reason, change func(*election.Vote)) {
			v := vote
			change(&v)
			all = append(all, scenario.Hostile{
				Kind: "a voter's ballot, " + string(reason), Reason: reason,
				VoteRecord: election.VoteRecord{Key: bytes.Clone(r.Key), Value: election.AppendVote(nil, v)},
			})
		}
		candidate, gender := installation.Definition.Candidates[0].ID, "other"
		if string(vote.CandidateID) == string(candidate) {
			candidate = installation.Definition.Candidates[1].ID
		}
		if string(vote.Gender) == gender {
			gender = "female"
		}
		add(election.Duplicate, func(*election.Vote) {})
		add(election.Conflicting, func(v *election.Vote) { v.CandidateID = []byte(candidate) })
		add(election.Unregistered, func(v *election.Vote) { v.Gender = []byte(gender) })
		if len(all) >= 3*hostileOfEachKind {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("nobody has voted yet")
	}
	return all
}

// plant sends the hostile records to a running system, as a service that may write ballots.
func plant(t *testing.T, data string) []planted {
	t.Helper()
	installation := installationOf(t, data)
	cluster := clusterOf(t, data, principals.Votes)
	cl, err := cluster.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	hostiles := scenario.Hostiles(&installation.Definition, installation.VotePartitions, hostileOfEachKind)
	hostiles = append(hostiles, ballotsOfVoters(t, data, installation)...)
	var all []planted
	for _, h := range hostiles {
		r := &kgo.Record{Topic: election.VotesTopic, Partition: h.Partition, Key: h.Key, Value: h.Value}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		all = append(all, planted{h, r.Offset})
	}
	return all
}

// compareRejects holds what PostgreSQL keeps of each hostile record, by kind, to what was sent.
func compareRejects(t *testing.T, data string, sent []planted) {
	t.Helper()
	ctx := context.Background()
	conn, err := postgres.Connect(ctx, recordOf(t, data, "postgresql").Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	kinds := make(map[string]int)
	for _, p := range sent { // none of them counts
		var reason string
		var raw []byte
		err := conn.QueryRow(ctx, `SELECT reason, raw FROM rejected_votes WHERE topic = $1 AND partition = $2 AND record_offset = $3`,
			election.VotesTopic, p.Partition, p.offset).Scan(&reason, &raw)
		switch {
		case err != nil:
			t.Errorf("%s at %d:%d: %v", p.Kind, p.Partition, p.offset, err)
		case reason != string(p.Reason) || !bytes.Equal(raw, p.Value):
			t.Errorf("%s at %d:%d is %s and %d bytes long, want %s and %d bytes", p.Kind, p.Partition, p.offset, reason, len(raw), p.Reason, len(p.Value))
		default:
			kinds[p.Kind]++
		}
	}
	var lines []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		lines = append(lines, fmt.Sprintf("%3d %s", kinds[kind], kind))
	}
	t.Logf("hostile records in PostgreSQL with the reason and the bytes that they must have:\n%s", strings.Join(lines, "\n"))
	var rejected int
	if err := conn.QueryRow(ctx, `SELECT count(*) FROM rejected_votes`).Scan(&rejected); err != nil {
		t.Fatal(err)
	}
	if want := len(sent); rejected != want {
		t.Errorf("PostgreSQL holds %d rejected records, want %d", rejected, want)
	}
}

// photo takes the page's picture, into the folder that -pictures names.
func photo(t *testing.T, browser context.Context, name string) {
	t.Helper()
	folder := *pictures
	if folder == "" {
		folder = t.TempDir()
	}
	browsertest.Screenshot(t, browser, filepath.Join(folder, name+".png"))
}

// running are the pids of what runs in a folder.
func running(t *testing.T, data string) map[string]int {
	t.Helper()
	pids := make(map[string]int)
	for _, name := range []string{"kafka", "postgresql", "spark", "submit", "dashboard", "ledger", "votes"} {
		if record, ok := local.Running(data, name); ok {
			pids[name] = record.PID
		}
	}
	return pids
}

// clusterOf is the Kafka that runs in a folder, for a principal.
func clusterOf(t *testing.T, data string, as principals.Principal) kafka.Cluster {
	t.Helper()
	cluster, running, err := local.KafkaAs(local.Config{Data: data}, as)
	if err != nil || !running {
		t.Fatalf("Kafka runs in %s: %t (%v)", data, running, err)
	}
	cluster.Log = kafkatest.Log(t)
	return cluster
}

func installationOf(t *testing.T, data string) *election.Installation {
	t.Helper()
	installation, err := clusterOf(t, data, principals.Reader).Election(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return installation
}

// votesProducers are the names of the producers of ballots, one for each partition of the register.
func votesProducers(installation *election.Installation) (names []string) {
	for p := range installation.VotePartitions {
		names = append(names, election.VotesProducer(p))
	}
	return names
}

// progress is how many records producers have sent, and how many they will have sent in the end. It is nothing
// before all of them have begun, and while Kafka does not answer.
func progress(t *testing.T, data string, producers ...string) (sent, size int64) {
	t.Helper()
	cluster, running, err := local.KafkaAs(local.Config{Data: data}, principals.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !running {
		return 0, 0
	}
	cluster.Log = kafkatest.Log(t)
	for _, producer := range producers {
		p, begun, err := cluster.Progress(t.Context(), producer)
		if err != nil || !begun {
			return 0, 0
		}
		sent, size = sent+p.NextSerial, size+p.Size
	}
	return sent, size
}
