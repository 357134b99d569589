package principals_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/internal/principals"
)

// contents are the files of a folder.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[entry.Name()] = string(content)
	}
	return all
}

// TestLoginsAreMadeOnce makes them twice: the second time they stay, and one that is missing is made from its password.
func TestLoginsAreMadeOnce(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "secrets")
	allowed := make(map[principals.Principal]int)
	allow := func(p principals.Principal) func(string) error {
		return func(string) error {
			allowed[p]++
			return nil
		}
	}
	if err := (principals.Logins{Folder: folder, Allow: allow}).Make(); err != nil {
		t.Fatal(err)
	}
	made := contents(t, folder)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(made)), slices.Sorted(slices.Values(principals.Files()))); diff != "" {
		t.Errorf("Files names other files: %s", diff)
	}
	if allowed[principals.Votes] != 1 || allowed[principals.Broker] != 2 { // its own, and the arguments
		t.Errorf("allowed %v", allowed)
	}
	if err := os.Remove(principals.Votes.Login(folder)); err != nil {
		t.Fatal(err)
	}
	if err := (principals.Logins{Folder: folder}).Make(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, contents(t, folder)); diff != "" {
		t.Errorf("made again, they differ:\n%s", diff)
	}
	passwords := make(map[string]string)
	for name, content := range made {
		if strings.Contains(name, ".") {
			continue
		}
		if other := passwords[content]; other != "" || len(content) != 32 {
			t.Errorf("%s has the password %q, as %s has", name, content, other)
		}
		passwords[content] = name
	}
	for _, p := range []string{"broker", "health", "init"} {
		if want := "SCRAM-SHA-512=[name=" + p + ",password=" + made["kafka-"+p] + "]"; !strings.Contains(made[principals.FormatArgs], want) {
			t.Errorf("Kafka does not know %s from its start", p)
		}
	}
	if security, err := kafka.ReadSecurity(principals.Controller.Login(folder)); err == nil {
		t.Errorf("the controller's login, which names whom the listener lets in, is taken for a client's: %v", security)
	}
	for _, p := range []principals.Principal{principals.Init, principals.Votes} {
		security, err := kafka.ReadSecurity(p.Login(folder))
		if err != nil || security.Principal() != string(p) {
			t.Errorf("%s logs in as %s (%v)", p, security.Principal(), err)
		}
	}
}

// TestGrantTakesAwayWhatIsNotGranted gives votes another right first.
func TestGrantTakesAwayWhatIsNotGranted(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := (principals.Logins{Folder: folder}).Make(); err != nil {
		t.Fatal(err)
	}
	cluster := kafkatest.NewCluster(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "init", "password"))
	cl := kafkatest.NewClient(t, cluster, kgo.SASL(plain.Auth{User: "init", Pass: "password"}.AsMechanism()))
	admin := kadm.NewClient(cl)
	for _, user := range []string{"User:votes", "User:somebody"} {
		made, err := admin.CreateACLs(t.Context(), kadm.NewACLs().Topics(election.ElectionTopic).Allow(user).Operations(kadm.OpWrite))
		if err != nil || made[0].Err != nil {
			t.Fatal(err, made)
		}
	}
	for range 2 {
		if err := principals.Grant(t.Context(), cl, folder); err != nil {
			t.Fatal(err)
		}
	}
	mayWrite := make(map[string]bool)
	described, err := admin.DescribeACLs(t.Context(), kadm.NewACLs().AnyResource().Allow().AllowHosts().Operations(kadm.OpAny).ResourcePatternType(kadm.ACLPatternAny))
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range described {
		for _, acl := range result.Described {
			if acl.Operation == kadm.OpWrite {
				mayWrite[acl.Principal+" "+acl.Name] = true
			}
		}
		err = errors.Join(err, result.Err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]bool{
		"User:votes votes_topic": true, "User:votes election": false, "User:somebody election": true, "User:submit election": false, "User:submit runs": true, "User:query runs": false,
	} {
		if mayWrite[what] != want {
			t.Errorf("%s: %t, want %t (%v)", what, mayWrite[what], want, mayWrite)
		}
	}
}
