//go:build attack

package e2e

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"realtime-election/internal/peer/peertest"
	"realtime-election/local"
)

// TestAttackByTakingPortsLearnsNothing listens, as another user, where servers were that have just died. It waits until clients
// and `up` have called it, and goes. Then it tries the same with the page.
func TestAttackByTakingPortsLearnsNothing(t *testing.T) {
	data := newData(t)
	s := up(t, data, "--voters", "6000", "--rate", "50")
	s.await(t, "votes are counted", func(f figures) bool { return f.TotalVotes > 0 })
	attacks := []struct {
		server string
		answer func(asked []byte) string
		wants  func(heard string) bool // what a client may say before it knows who answers
		called bool                    // clients call it, whoever answers
	}{
		{
			server: local.Kafka, called: true,
			// The client asks which versions the broker knows (ApiVersions is 18). In the login that follows, both sides have to
			// prove that they know the password.
			wants: func(heard string) bool { return len(heard) > 6 && heard[4:6] == "\x00\x12" },
		},
		{
			server: local.PostgreSQL, called: true,
			answer: func([]byte) string { return "N" + "R\x00\x00\x00\x08\x00\x00\x00\x03" },       // no TLS; your password, please
			wants:  func(heard string) bool { return heard == "\x00\x00\x00\x08\x04\xd2\x16\x2f" }, // TLS?
		},
		{
			server: local.Spark,
			answer: func([]byte) string { return "\x00\x00\x00\x04\x00\x00\x00\x00\x00" }, // HTTP/2
			wants:  func(string) bool { return false },
		},
	}
	taken := make([]*peertest.Listener, len(attacks))
	for i, attack := range attacks {
		taken[i] = s.take(t, attack.server, attack.answer)
	}
	for i, attack := range attacks {
		await(t, "up says that the port is taken", func() bool {
			return strings.Contains(s.out.String(), "of "+attack.server+", which clients use")
		})
		if attack.called {
			await(t, "clients call", func() bool { return len(taken[i].Heard()) > 0 })
		}
	}
	if record, runs := local.Running(data, local.Kafka); runs { // a login could be passed on to it
		t.Errorf("Kafka runs at %s, where its clients do not look", record.Address)
	}
	counted, _ := s.figures()
	for i, attack := range attacks {
		taken[i].Close()
		heard := taken[i].Heard()
		for _, said := range heard {
			if !attack.wants(said) {
				t.Errorf("%s: whoever takes its port hears %.200q", attack.server, said)
			}
		}
		t.Logf("%s's port was taken: %d connections, which learnt nothing", attack.server, len(heard))
	}
	s.await(t, "the count goes on", func(f figures) bool { return f.TotalVotes > counted.TotalVotes })

	page, err := url.Parse(s.page())
	if err != nil {
		t.Fatal(err)
	}
	stop, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		for tried := 0; ; tried++ {
			if l, err := peertest.TryListen(page.Host, nil); err == nil {
				l.Close()
				t.Error("the page's port can be taken")
			}
			select {
			case <-stop:
				t.Logf("the page's port: %d attempts to take it failed", tried)
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	before := s.kill(t, "dashboard")
	await(t, "the page is served again", func() bool {
		record, running := local.Running(data, "dashboard")
		return running && record.PID != before
	})
	close(stop)
	<-ended
	out, code := run(t, "audit", "--data", data, "--wait")
	if code != 0 || !strings.Contains(out, "Everything agrees.") {
		t.Errorf("after the attacks the audit exits %d\n%s", code, out)
	}
}

// take kills a server, and listens where it did before it is started again.
func (s *system) take(t *testing.T, server string, answer func([]byte) string) *peertest.Listener {
	t.Helper()
	address := addressOf(t, s.data, server)
	s.kill(t, server)
	for deadline := time.Now().Add(10 * time.Second); ; {
		taken, err := peertest.TryListen(address, answer)
		if err == nil {
			t.Cleanup(func() { taken.Close() })
			return taken
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s of %s was not to be had: %v", address, server, err)
		}
	}
}

// addressOf is the host:port of a server.
func addressOf(t *testing.T, data, server string) string {
	t.Helper()
	if server == local.Kafka {
		return recordOf(t, data, server).Address
	}
	return serverURL(t, data, server).Host
}
