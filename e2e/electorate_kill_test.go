//go:build e2e

package e2e

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"realtime-election/election"
	"realtime-election/internal/postgres"
	"realtime-election/local"
)

// TestKilledElectorateCostsNoVote kills voters, votes, ledger and PostgreSQL, each while it is at work, with second
// copies of votes and ledger beside them, and expects an audit that agrees.
func TestKilledElectorateCostsNoVote(t *testing.T) {
	data := newData(t)
	perSecond := max(*rate, int(*voters/60))
	s := up(t, data, "--once", "--voters", fmt.Sprint(*voters), "--rate", fmt.Sprint(perSecond))

	atWork := func(producers ...string) func() bool {
		return func() bool {
			next, size := progress(t, data, producers...)
			return next > 0 && next < size
		}
	}
	kill := func(name string) {
		pid := s.kill(t, name)
		killed := time.Now()
		await(t, name+" runs again", func() bool {
			record, running := local.Running(data, name)
			return running && record.PID != pid
		})
		t.Logf("%-10s killed, and running again after %.1f s", name, time.Since(killed).Seconds())
	}

	awaitFast(t, "voters is in the middle of the register", atWork(election.VotersProducer))
	kill("voters")

	votes := votesProducers(installationOf(t, data))
	awaitFast(t, "votes is in the middle of the ballots", atWork(votes...))
	second := func(name string, env string, flags ...string) {
		cmd := exec.Command(binary, append([]string{name, "--brokers", recordOf(t, data, local.Kafka).Address, "--kafka-config", filepath.Join(data, "secrets")}, flags...)...)
		cmd.Env = append(os.Environ(), env)
		out := &output{}
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Signal(os.Interrupt) // it may have ended
			_ = cmd.Wait()
			if t.Failed() {
				t.Logf("the second %s:\n%s", name, tailOf(out.String()))
			}
		})
	}
	second("votes", "", "--ballot-key", filepath.Join(data, "secrets", "ballot-key"), "--rate", fmt.Sprint(perSecond))
	second("ledger", "ELECTION_POSTGRES="+ledgerURL(t, data))

	for i, name := range []string{"ledger", "votes", "postgresql"} {
		var at, size int64
		awaitFast(t, "it is time to kill "+name, func() bool {
			at, size = progress(t, data, votes...)
			return at*5 > size*int64(i+1) // at 20, 40 and 60 % of the ballots
		})
		if at >= size {
			t.Fatalf("%s would be killed after the last of %d ballots: lower -rate", name, size)
		}
		kill(name)
		awaitFast(t, "ballots go on after "+name+" was killed", func() bool {
			next, _ := progress(t, data, votes...)
			return next > at
		})
		t.Logf("%-10s killed at %d of %d ballots (%d %%)", name, at, size, 100*at/size)
	}
	if code := s.exit(t, 5*time.Minute); code != 0 {
		t.Fatalf("up --once exits %d", code)
	}
	t.Logf("\n%s", tailOf(s.out.String()))
}

// ledgerURL is PostgreSQL's URL for the role of the ledger.
func ledgerURL(t *testing.T, data string) string {
	t.Helper()
	address := serverURL(t, data, local.PostgreSQL)
	password, err := os.ReadFile(filepath.Join(data, "secrets", "postgresql-"+string(postgres.LedgerRole)))
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword(string(postgres.LedgerRole), string(password))
	return address.String()
}
