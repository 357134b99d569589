//go:build attack

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"realtime-election/election"
	"realtime-election/local"
	"realtime-election/local/localtest/guest"
	"realtime-election/spark"
)

// stranger is a user of the machine who neither runs the election nor owns its database.
var stranger = &syscall.Credential{Uid: 65533, Gid: 65533}

// tried logs an attack and what stopped it, and fails the test if nothing did.
func tried(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: it works", what)
		return
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	t.Logf("%s: stopped by: %.200s", what, line)
}

// TestAttackByAnotherUserChangesNothing attacks an election that is being counted, as another user of the machine could, and
// then has it audited.
func TestAttackByAnotherUserChangesNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("run this as root, which can act as another user")
	}
	data := newData(t)
	if err := os.Chmod(data, 0o755); err != nil { // as a folder that somebody has made by hand
		t.Fatal(err)
	}
	s := up(t, data, "--voters", "3000", "--rate", "50")
	s.await(t, "votes are counted", func(f figures) bool { return f.TotalVotes > 0 })

	attackKafka(t, data)
	attackSpark(t, data)
	attackPostgreSQL(t, data)
	attackFiles(t, data)

	select {
	case <-s.done:
		t.Fatal("up has ended")
	default:
	}
	out, code := run(t, "audit", "--data", data, "--wait")
	if code != 0 || !strings.Contains(out, "Everything agrees.") {
		t.Errorf("after the attacks the audit exits %d\n%s", code, out)
	}
}

// attackKafka tries every port of Kafka, without a login and with wrong ones.
func attackKafka(t *testing.T, data string) {
	addresses, err := guest.Addresses(recordOf(t, data, local.Kafka).PID)
	if err != nil {
		t.Fatal(err)
	}
	logins := map[string][]kgo.Opt{
		"nobody":                     nil,
		"init with a wrong password": {kgo.SASL(scram.Auth{User: "init", Pass: "password"}.AsSha512Mechanism())},
		"votes without a password":   {kgo.SASL(scram.Auth{User: "votes", Pass: " "}.AsSha512Mechanism())},
		"controller by PLAIN":        {kgo.SASL(plain.Auth{User: "controller", Pass: "controller"}.AsMechanism())},
	}
	acts := map[string]func(context.Context, *kadm.Client, *kgo.Client) error{
		"list the topics": func(ctx context.Context, admin *kadm.Client, _ *kgo.Client) error {
			topics, err := admin.ListTopics(ctx)
			if err == nil && len(topics) == 0 {
				err = errors.New("no topic is shown")
			}
			return err
		},
		"add a ballot": func(ctx context.Context, _ *kadm.Client, cl *kgo.Client) error {
			return cl.ProduceSync(ctx, &kgo.Record{Topic: election.VotesTopic, Value: []byte("ballot")}).FirstErr()
		},
		"set a total": func(ctx context.Context, _ *kadm.Client, cl *kgo.Client) error {
			return cl.ProduceSync(ctx, &kgo.Record{Topic: election.PerCandidateTopic, Key: []byte(`{"run":1}`), Value: []byte(`{"total_votes":1000000}`)}).FirstErr()
		},
		"name a Spark of my own": func(ctx context.Context, _ *kadm.Client, cl *kgo.Client) error {
			return cl.ProduceSync(ctx, &kgo.Record{Topic: election.RunsTopic, Key: []byte(election.LatestRunKey), Value: []byte(`{}`)}).FirstErr()
		},
		"delete the votes": func(ctx context.Context, admin *kadm.Client, _ *kgo.Client) error {
			deleted, err := admin.DeleteTopic(ctx, election.VotesTopic)
			return errors.Join(err, deleted.Err)
		},
		"grant everything to everybody": func(ctx context.Context, admin *kadm.Client, _ *kgo.Client) error {
			made, err := admin.CreateACLs(ctx, kadm.NewACLs().Topics("*").Allow("User:*").Operations(kadm.OpAll))
			for _, result := range made {
				err = errors.Join(err, result.Err)
			}
			return err
		},
		"give init a password of mine": func(ctx context.Context, admin *kadm.Client, _ *kgo.Client) error {
			altered, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: "init", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "mine"}})
			return errors.Join(err, altered.Error())
		},
	}
	var attempts sync.WaitGroup // at once: many clients try again until their time is over
	for _, address := range addresses {
		for as, login := range logins {
			for what, act := range acts {
				attempts.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					defer cancel()
					cl, err := kgo.NewClient(append(slices.Clone(login), kgo.SeedBrokers(address), kgo.RequestRetries(1), kgo.RecordRetries(1), kgo.MaxVersions(kversion.Stable()))...)
					if err != nil {
						t.Error(err)
						return
					}
					defer cl.Close()
					err = act(ctx, kadm.NewClient(cl), cl)
					if errors.Is(err, context.DeadlineExceeded) { // why the client has tried again until then
						asking, cancel := context.WithTimeout(t.Context(), time.Second)
						defer cancel()
						err = errors.Join(cl.Ping(asking), err)
					}
					tried(t, fmt.Sprintf("Kafka at %s, as %s: %s", address, as, what), err)
				})
			}
		}
	}
	attempts.Wait()
}

// attackSpark tries Connect without the token, and sends Java objects to every port.
func attackSpark(t *testing.T, data string) {
	record := recordOf(t, data, local.Spark)
	host := serverURL(t, data, local.Spark).Host
	for _, url := range []string{"sc://" + host, "sc://" + host + "/;token=0123456789abcdef0123456789abcdef"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		session, err := spark.Dial(ctx, url)
		if err == nil {
			_, err = session.Version(ctx)
			session.Close()
		}
		tried(t, "Spark Connect, as "+url, err)
		cancel()
	}
	addresses, err := guest.Addresses(record.PID)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		answer, read, err := guest.Call(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if read {
			t.Errorf("Spark at %s reads a stranger's Java object: %s", address, answer)
		}
		t.Logf("Spark at %s, a Java object: answered by %.200s", address, answer)
	}
}

// attackPostgreSQL tries to log in as each role.
func attackPostgreSQL(t *testing.T, data string) {
	server := serverURL(t, data, local.PostgreSQL)
	for _, user := range []string{"election", "election_ledger", "election_reader", "postgres"} {
		for _, password := range []string{"", ":election"} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			connection, err := pgx.Connect(ctx, fmt.Sprintf("postgres://%s%s@%s%s?sslmode=require", user, password, server.Host, server.Path))
			if err == nil {
				connection.Close(ctx)
			}
			tried(t, "PostgreSQL, as "+user+password, err)
			cancel()
		}
	}
}

// attackFiles reads DATA, and the arguments and variables of all processes, as another user.
func attackFiles(t *testing.T, data string) {
	readable := as(t, "find", data, "-mindepth", "1", "(", "-readable", "-o", "-writable", ")", "-print")
	if strings.TrimSpace(readable) != "" {
		t.Errorf("another user may read or write\n%s", readable)
	}
	// Most of it is below folders that nobody else may enter. It should not need them.
	shared, _ := exec.Command("find", data, "-mindepth", "1", "-perm", "/077", "!", "-type", "l").Output() // files may vanish meanwhile
	if len(shared) > 0 {
		t.Errorf("the modes of these files let other users in\n%s", shared)
	}
	var secrets []string
	files, err := os.ReadDir(filepath.Join(data, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.Contains(file.Name(), ".") { // made of a secret
			continue
		}
		content, err := os.ReadFile(filepath.Join(data, "secrets", file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, strings.TrimSpace(string(content)))
	}
	if len(secrets) < 15 {
		t.Errorf("there are %d secrets only", len(secrets))
	}
	for name, pid := range running(t, data) {
		shown := as(t, "cat", "/proc/"+strconv.Itoa(pid)+"/cmdline")
		for _, secret := range secrets {
			if strings.Contains(shown, secret) {
				t.Errorf("the arguments of %s have a secret", name)
			}
		}
		if environment := as(t, "cat", "/proc/"+strconv.Itoa(pid)+"/environ"); environment != "" {
			t.Errorf("another user may read the variables of %s", name)
		}
	}
	t.Logf("DATA and the processes: nothing can be read, and no argument has one of %d secrets", len(secrets))
}

// as is what a command prints for another user. It may fail.
func as(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: stranger}
	out, err := cmd.Output()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatal(err)
	}
	return string(out)
}
