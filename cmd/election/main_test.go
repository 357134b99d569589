package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"realtime-election/audit"
	"realtime-election/dashboard/web/webtest"
	"realtime-election/election"
	"realtime-election/internal/definition"
	"realtime-election/internal/exit"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/local"
)

// command runs a command as a shell does, and returns its exit code and output.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	code = run(args, console{In: strings.NewReader(""), Out: &out, Err: &err})
	return code, out.String(), err.String()
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMistakesOfThePersonExitWith2(t *testing.T) {
	t.Parallel()
	wrongDefinition := strings.NewReplacer("name: X", "name: ''", "id: ana", "id: Ana!").Replace(smallDefinition)
	folder := t.TempDir() // of no election: up starts nothing there
	certificate, key := webtest.Certificate(t, folder, 1, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"unknown flag":             {[]string{"replay", "--wrong", "x.csv"}, []string{"unknown flag --wrong", "See election --help"}},
		"unknown command":          {[]string{"count"}, []string{"unexpected argument count"}},
		"no command":               {nil, []string{"See election --help"}},
		"flag that is not given":   {[]string{"init"}, []string{"missing flags: --postgres=URL"}},
		"number that is none":      {[]string{"replay", "--rate=fast", "x.csv"}, []string{"--rate"}},
		"negative voters":          {[]string{"init", "--postgres=x", "--voters=-1"}, []string{"--voters (ELECTION_VOTERS) is -1"}},
		"two elections to run":     {[]string{"up", "--definition=a", "--replay=b"}, []string{"--definition (ELECTION_DEFINITION) and --replay (ELECTION_REPLAY) can't be used together"}},
		"missing file to replay":   {[]string{"up", "--replay=none.csv"}, []string{"none.csv: no such file"}},
		"voters of a replay":       {[]string{"up", "--replay=x", "--voters=1"}, []string{"--voters (ELECTION_VOTERS) sizes an electorate"}},
		"no ballot key to make":    {[]string{"init", "--postgres=x"}, []string{"--ballot-key"}},
		"no ballot key":            {[]string{"votes"}, []string{"missing flags: --ballot-key=FILE"}},
		"missing ballot key":       {[]string{"votes", "--ballot-key=" + filepath.Join(t.TempDir(), "none")}, []string{"there is no ballot key at "}},
		"rate and speed":           {[]string{"up", "--rate=1", "--speed=5m"}, []string{"--rate (ELECTION_RATE) and --speed (ELECTION_SPEED) exclude each other"}},
		"speed that is no time":    {[]string{"up", "--speed=fast"}, []string{"--speed"}},
		"ledger without database":  {[]string{"ledger", "--postgres=x"}, []string{"--postgres (ELECTION_POSTGRES) is not a PostgreSQL URL"}},
		"reset without a terminal": {[]string{"reset"}, []string{"--yes"}},
		"cast for nobody":          {[]string{"cast", "--district=N1"}, []string{"missing flags: --candidate"}},
		"tail of no topic":         {[]string{"tail"}, []string{"<topic>"}},
		"two definitions":          {[]string{"init", "--postgres=x", "--definition=a", "--replay=b"}, []string{"--definition (ELECTION_DEFINITION) and --replay (ELECTION_REPLAY) can't be used together"}},
		"two elections":            {[]string{"topics", "--data=d", "--brokers=b:1"}, []string{"--brokers (ELECTION_BROKERS) and --data name two elections"}},
		"status of two elections":  {[]string{"status", "--data=d", "--brokers=b:1"}, []string{"--brokers (ELECTION_BROKERS) and --data name two elections"}},
		"audit of two elections":   {[]string{"audit", "--brokers=b:1", "--data=d"}, []string{"--brokers (ELECTION_BROKERS) and --data name two elections"}},
		"database of a folder":     {[]string{"audit", "--data=d", "--postgres=x"}, []string{"--postgres (ELECTION_POSTGRES) cannot be given for the election of a folder", "here d,"}},
		"database of the folder":   {[]string{"audit", "--postgres=x"}, []string{"--postgres (ELECTION_POSTGRES) cannot be given for the election of a folder", "here data,"}},
		"unknown listing":          {[]string{"results", "--by=street"}, []string{"--by"}},
		"missing definition": {
			[]string{"init", "--postgres=x", "--definition=" + filepath.Join(t.TempDir(), "none.yaml")},
			[]string{"election init: read the definition: open ", "none.yaml: no such file"},
		},
		"missing result file": {[]string{"replay", filepath.Join(t.TempDir(), "none.csv")}, []string{"election replay: read the result file: open "}},
		"wrong definition": {
			[]string{"init", "--postgres=x", "--definition=" + file(t, wrongDefinition)},
			[]string{"cannot be used; correct this and start again:", "\n  line 2: ", "\n  line 5: "},
		},
		"wrong result file": {
			[]string{"replay", file(t, strings.NewReplacer("0\n", "-1\n").Replace(resultLines))},
			[]string{"\n  line 2: votes is", "\n  line 3: votes is"},
		},
		"regions of no file": {[]string{"init", "--postgres=x", "--regions=North"}, []string{"--regions (ELECTION_REGIONS) chooses from a result file; name it with --replay (ELECTION_REPLAY)"}},
		"negative rate":      {[]string{"replay", "--rate=-1", file(t, resultLines)}, []string{"--rate (ELECTION_RATE) is -1"}},
		"partitions of up":   {[]string{"up", "--partitions=0"}, []string{"--partitions (ELECTION_PARTITIONS) is 0; choose 1 to 1000"}},
		"state of up":        {[]string{"up", "--state-partitions=0"}, []string{"--state-partitions (ELECTION_STATE_PARTITIONS) is 0"}},
		"trigger of up":      {[]string{"up", "--trigger=-1s"}, []string{"--trigger (ELECTION_TRIGGER) is -1s"}},
		"partitions of init": {[]string{"init", "--postgres=x", "--ballot-key=" + filepath.Join(t.TempDir(), "key"), "--partitions=0"}, []string{"--partitions (ELECTION_PARTITIONS) is 0"}},
		"certificate alone":  {[]string{"dashboard", "--tls-certificate=" + certificate}, []string{"--tls-key (ELECTION_TLS_KEY) is missing; name the file with the private key of --tls-certificate (ELECTION_TLS_CERTIFICATE)"}},
		"no certificate":     {[]string{"dashboard", "--tls-certificate=" + key, "--tls-key=" + key}, []string{"--tls-certificate (ELECTION_TLS_CERTIFICATE) is \"" + key + "\"; it must be a PEM file"}},
		"key of up alone":    {[]string{"up", "--data=" + folder, "--tls-key=" + key}, []string{"--tls-certificate (ELECTION_TLS_CERTIFICATE) is missing"}},
		"certificate that up does not trust": {
			[]string{"up", "--data=" + folder, "--names=localhost", "--tls-certificate=" + certificate, "--tls-key=" + key},
			[]string{"this machine does not trust it for localhost", "SSL_CERT_FILE"},
		},
		"checkpoints that are no URI": {
			[]string{"submit", "--postgres=postgres://u:p@h/d", "--remote=sc://h", "--checkpoints=/var"},
			[]string{`election submit: --checkpoints (ELECTION_CHECKPOINTS) is "/var"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := command(t, c.args...)
			if code != exit.Input || stdout != "" {
				t.Errorf("exit code %d, output %q", code, stdout)
			}
			for _, says := range c.says {
				if !strings.Contains(stderr, says) {
					t.Errorf("it does not say %q:\n%s", says, stderr)
				}
			}
		})
	}
}

func TestErrorsHaveExitCodes(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for want, cases := range map[int][]struct {
		ctx context.Context
		err error
	}{
		exit.Done:        {{t.Context(), nil}, {over, nil}},
		exit.Failed:      {{t.Context(), errors.New("x")}, {t.Context(), kafka.ErrNoElection}, {t.Context(), &local.ExitError{Code: 1}}, {t.Context(), &local.ExitError{Name: "spark", Code: 2}}, {t.Context(), &local.ExitError{Name: "spark", Code: 3}}},
		exit.Input:       {{t.Context(), fmt.Errorf("x: %w", &election.InputError{Text: "y"})}, {t.Context(), &definition.Mistakes{}}, {t.Context(), &local.ExitError{Name: "init", Ours: true, Code: 2}}},
		exit.Disagree:    {{t.Context(), audit.ErrDisagree}, {t.Context(), fmt.Errorf("x: %w", &local.ExitError{Name: "audit", Ours: true, Code: 3})}},
		exit.Interrupted: {{over, context.Canceled}, {over, errors.New("x")}},
	} {
		for _, c := range cases {
			if got := exitCode(c.ctx, c.err); got != want {
				t.Errorf("%v: exit code %d, want %d", c.err, got, want)
			}
		}
	}
}

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

func TestCommandsWithoutAnElectionSaySo(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.NewCluster(t)
	for _, name := range []string{"results", "audit", "status"} {
		code, stdout, stderr := command(t, name, "--brokers="+cluster.ListenAddrs()[0])
		if code != exit.Failed || stdout != "" || stderr != "election "+name+": there is no election on this Kafka; run `election init` first\n" {
			t.Errorf("%s: exit code %d: %s%s", name, code, stdout, stderr)
		}
	}
}
