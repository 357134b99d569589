package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/twmb/franz-go/pkg/kgo"

	"realtime-election/election"
	"realtime-election/internal/exit"
	"realtime-election/internal/health"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/local"
	"realtime-election/local/localtest"
)

func TestHelpIsComplete(t *testing.T) {
	for _, command := range newParser(&cli{}, console{}).Model.Leaves(false) {
		if command.Group == nil || command.Group.Title == "" || command.Help == "" {
			t.Errorf("%s has no group or no help", command.Name)
		}
		for _, flags := range command.AllFlags(false) {
			for _, flag := range flags {
				if flag.Help == "" {
					t.Errorf("%s --%s has no help", command.Name, flag.Name)
				}
				for _, variable := range flag.Envs {
					if !strings.HasPrefix(variable, "ELECTION_") && !strings.HasPrefix(variable, "SPARK_") { // Spark's own names
						t.Errorf("%s --%s is set by %s", command.Name, flag.Name, variable)
					}
				}
			}
		}
	}
}

func TestEveryServiceTellsItsHealth(t *testing.T) {
	for _, command := range newParser(&cli{}, console{}).Model.Leaves(false) {
		has := false
		for _, flags := range command.AllFlags(false) {
			for _, flag := range flags {
				has = has || flag.Name == "health" && strings.Contains(fmt.Sprint(flag.Envs), "ELECTION_HEALTH")
			}
		}
		want := strings.Contains(" voters votes replay submit ledger ", " "+command.Name+" ")
		if has != want {
			t.Errorf("%s has --health: %t", command.Name, has)
		}
	}
}

// freeAddress is an address that nothing listens on.
func freeAddress(t *testing.T) string { return "127.0.0.1:" + localtest.FreePort(t) }

func TestHealthIsServedForAsLongAsTheService(t *testing.T) {
	address := freeAddress(t)
	broken := errors.New("broken")
	err := healthFlags{Health: address}.serve(t.Context(), "votes", kafkatest.Log(t), func(ctx context.Context, h *health.Service) error {
		h.Needs(health.Need{What: "kafka", Check: func(context.Context) error { return errors.New("away") }})
		for {
			response, err := http.Get("http://" + address + "/readyz")
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				continue // it is about to be served
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != http.StatusServiceUnavailable || string(text) != "kafka: away\n" {
				t.Errorf("it says %s %q (%v)", response.Status, text, err)
			}
			return broken
		}
	})
	if !errors.Is(err, broken) {
		t.Errorf("ended with %v", err)
	}
	if response, err := http.Get("http://" + address + "/healthz"); err == nil {
		response.Body.Close()
		t.Error("its health outlives the service")
	}
}

func TestHealthEndsWithAServiceThatIsDone(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := healthFlags{Health: freeAddress(t)}.serve(ctx, "votes", kafkatest.Log(t), func(context.Context, *health.Service) error { return nil })
	if err != nil || ctx.Err() != nil {
		t.Errorf("ended with %v (%v)", err, ctx.Err())
	}
}

func TestATakenHealthAddressEndsTheService(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	err = healthFlags{Health: listener.Addr().String()}.serve(t.Context(), "votes", kafkatest.Log(t), func(ctx context.Context, _ *health.Service) error {
		<-ctx.Done()
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "--health") {
		t.Errorf("ended with %v", err)
	}
}

func TestTopicsAreListed(t *testing.T) {
	t.Parallel()
	cluster := newCounted(t, file(t, resultLines))
	at := "--brokers=" + cluster.ListenAddrs()[0]
	code, stdout, stderr := command(t, "topics", at)
	lines := strings.Split(stdout, "\n")
	if code != exit.Done || !strings.HasPrefix(lines[0], "topic ") || !strings.HasPrefix(lines[1], "votes_topic  ") || !strings.HasSuffix(lines[1], "  ballots, by ballot id") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	var topics []struct {
		Name    string
		Offsets int64
		Bytes   int64
	}
	_, stdout, _ = command(t, "topics", at, "-o", "json")
	if err := json.Unmarshal([]byte(stdout), &topics); err != nil || len(topics) != len(election.Topics(2)) || topics[0].Offsets < 45 || topics[0].Bytes <= 0 {
		t.Errorf("as JSON it is %+v (%v)", topics, err)
	}
}

func TestTailPrintsRecords(t *testing.T) {
	t.Parallel()
	cluster := newCounted(t, file(t, resultLines))
	kafkatest.Produce(t, cluster,
		&kgo.Record{Topic: election.VotersTopic, Key: []byte("a"), Value: []byte("\x1b[2J")},
		&kgo.Record{Topic: election.VotersTopic, Key: []byte("b"), Value: []byte(`{"x": 1}`)})
	at := "--brokers=" + cluster.ListenAddrs()[0]
	for format, want := range map[string][]string{
		"text": {`  a  \x1b[2J` + "\n", `  b  {"x": 1}` + "\n"},
		"json": {`"key":"a","value":"\u001b[2J"}` + "\n", `"key":"b","value":{"x":1}}` + "\n"},
		"raw":  {"\x1b[2J\n", `{"x": 1}` + "\n"},
	} {
		code, stdout, stderr := command(t, "tail", "voters_topic", at, "-o", format)
		first, second, ok := strings.Cut(stdout, "\n")
		if code != exit.Done || !ok || !strings.HasSuffix(first+"\n", want[0]) || !strings.HasSuffix(second, want[1]) {
			t.Errorf("%s: exit code %d: %q %s", format, code, stdout, stderr)
		}
	}
	if _, stdout, _ := command(t, "tail", "votes_topic", at, "--from=start", "-n3", "--partition=1"); strings.Count(stdout, "\n1:") != 2 || !strings.HasPrefix(stdout, "1:0  ") {
		t.Errorf("the first votes of partition 1 are %q", stdout)
	}
	if code, _, stderr := command(t, "tail", "votes", at); code != exit.Input || !strings.Contains(stderr, `there is no topic "votes"; there are `) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestCastPrintsTheBallotAndWhereItLies(t *testing.T) {
	t.Parallel()
	cluster := newCounted(t, file(t, resultLines))
	at := "--brokers=" + cluster.ListenAddrs()[0]
	code, stdout, stderr := command(t, "cast", at, "--district=N1", "--candidate=ana", "--age-group=65+")
	var partition int32
	var offset int64
	var line string
	if _, err := fmt.Sscanf(stdout, "votes_topic %d:%d %s\n", &partition, &offset, &line); err != nil || code != exit.Done {
		t.Fatalf("exit code %d: %q (%v) %s", code, stdout, err, stderr)
	}
	found := false
	for _, r := range kafkatest.Read(t, cluster, election.VotesTopic, partition) {
		found = found || r.Offset == offset && string(r.Value) == line
	}
	if !found || !strings.Contains(line, `"age_group":"65+"`) {
		t.Errorf("%s does not lie at %d:%d", line, partition, offset)
	}
	if code, _, stderr := command(t, "cast", at, "--district=N1", "--candidate=anna"); code != exit.Input || !strings.Contains(stderr, "ana") {
		t.Errorf("an unknown candidate: exit code %d: %s", code, stderr)
	}
}

func TestStatusOfAKafkaOfOnesOwn(t *testing.T) {
	t.Parallel()
	cluster := newCounted(t, file(t, resultLines))
	kafkatest.Produce(t, cluster, kafkatest.JSON(t, election.PipelineStatusTopic, election.QueryKey, election.QueryStatus{
		Run: 2, State: "waiting", Batch: 4, BatchMilliseconds: 900, StateBytes: 3 << 19, Error: "Spark is away\x1b[2J",
	}))
	at := "--brokers=" + cluster.ListenAddrs()[0]
	code, stdout, stderr := command(t, "status", at)
	if code != exit.Done || stderr != "" {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for _, says := range []string{
		"replay      45  45", "count   waiting  run 2, batch 4 took 900 ms", "1.5 MiB of state", "error    Spark is away\\x1b[2J\n",
		"ledger  silent   ledger has not reported yet\n",
	} {
		if !strings.Contains(stdout, says) {
			t.Errorf("it does not say %q:\n%s", says, stdout)
		}
	}
	_, stdout, _ = command(t, "status", at, "-o", "json")
	var r report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || r.Election.Query.Run != 2 || r.Election.Producers[0].Sent != 45 || r.Election.Behind.Count < 45 {
		t.Errorf("as JSON it is %s (%v)", stdout, err)
	}
}

func TestStatusSaysThatNothingRuns(t *testing.T) {
	data := filepath.Join(t.TempDir(), "da ta")
	code, stdout, stderr := command(t, "status", "--data", data)
	if want := "election status: nothing runs in " + data + ": start it with `election up --data " + data + "`, or say with --brokers where a Kafka of your own is\n"; code != exit.Failed || stdout != "" || stderr != want {
		t.Errorf("exit code %d: %q %q, want %q", code, stdout, stderr, want)
	}
	t.Setenv("ELECTION_DATA", data)
	code, stdout, _ = command(t, "status", "-o", "json")
	var r report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != exit.Failed || r.Up || r.Data != data || !strings.HasPrefix(r.Error, "nothing runs in ") {
		t.Errorf("exit code %d: %s (%v)", code, stdout, err)
	}
}

func TestAFlagWinsOverAnotherElectionInTheEnvironment(t *testing.T) {
	folder, away := filepath.Join(t.TempDir(), "none"), freeAddress(t)
	t.Run("brokers", func(t *testing.T) {
		t.Setenv("ELECTION_BROKERS", away)
		t.Setenv("ELECTION_POSTGRES", "postgres://u:p@"+away+"/d")
		for _, name := range []string{"topics", "audit"} {
			if code, _, stderr := command(t, name, "--data="+folder); code != exit.Input || !strings.Contains(stderr, folder) {
				t.Errorf("%s: exit code %d: %s", name, code, stderr)
			}
		}
	})
	t.Run("data", func(t *testing.T) {
		t.Setenv("ELECTION_DATA", folder)
		if code, _, stderr := command(t, "topics", "--brokers="+away); code != exit.Failed || !strings.Contains(stderr, away) {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
}

func TestStatusSaysThatKafkaIsAway(t *testing.T) {
	t.Parallel()
	code, _, stderr := command(t, "status", "--brokers="+freeAddress(t))
	if code != exit.Failed || !strings.Contains(stderr, "does Kafka run at 127.0.0.1:") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestResetAsksFirst(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, local.Kafka), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(t, "reset", "--data="+data); code != exit.Input || !strings.Contains(stderr, "--yes") {
		t.Errorf("without a terminal: exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(data, local.Kafka)); err != nil {
		t.Errorf("it was removed all the same: %v", err)
	}
	if code, _, stderr := command(t, "reset", "--data="+data, "--yes"); code != exit.Failed || !strings.Contains(stderr, "never ran there") {
		t.Errorf("where no up ran: exit code %d: %s", code, stderr)
	}
	if err := os.WriteFile(filepath.Join(data, "lock"), []byte("pid 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(t, "reset", "--data="+data, "--yes"); code != exit.Done {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is left: %v", err)
	}
	if code, _, stderr := command(t, "reset", "--data="+data, "--yes"); code != exit.Failed || !strings.Contains(stderr, "there is no election in "+data) {
		t.Errorf("again: exit code %d: %s", code, stderr)
	}
	for answer, want := range map[string]bool{"yes\n": true, "yes": true, "y\n": false, "\n": false, "": false, "no yes\n": false} {
		var asked strings.Builder
		if got := confirmed(strings.NewReader(answer), &asked, "folder"); got != want || !strings.Contains(asked.String(), "folder") {
			t.Errorf("the answer %q: %t, asked %q", answer, got, asked.String())
		}
	}
}

func TestTheElectionIsChosenByTheEnvironmentToo(t *testing.T) {
	t.Setenv("ELECTION_DEFINITION", file(t, smallDefinition))
	flags := func(args ...string) electionFlags {
		t.Helper()
		var c cli
		parser, err := kong.New(&c, kong.Vars{"brokers": "", "data": ""})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(append([]string{"init", "--postgres=x"}, args...)); err != nil {
			t.Fatal(err)
		}
		return c.Init.electionFlags
	}
	if d, err := flags().read(); err != nil || d.ID != "x" {
		t.Errorf("read %+v (%v)", d, err)
	}
	if d, err := flags("--definition=" + file(t, strings.Replace(smallDefinition, "id: x", "id: y", 1))).read(); err != nil || d.ID != "y" {
		t.Errorf("the flag does not override the environment: %+v (%v)", d, err)
	}
	t.Setenv("ELECTION_REPLAY", file(t, resultLines))
	var input *election.InputError
	if _, err := flags().read(); !errors.As(err, &input) || !strings.Contains(err.Error(), "ELECTION_REPLAY") {
		t.Errorf("two elections at once: %v", err)
	}
}

func TestVotersScaleTheRegister(t *testing.T) {
	d, err := electionFlags{Voters: 12345}.read()
	if err != nil || d.RegisteredVoters() != 12345 {
		t.Fatalf("%d voters (%v)", d.RegisteredVoters(), err)
	}
	if l := load(d); l.Voters != 12345 || l.Votes < 9000 || l.Votes > 10000 {
		t.Errorf("the load is %+v", l)
	}
	replayed, err := electionFlags{Replay: file(t, resultLines)}.read()
	if err != nil || load(replayed) != (local.Load{Votes: 45}) {
		t.Errorf("the load of a replay is %+v (%v)", load(replayed), err)
	}
}
