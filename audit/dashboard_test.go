package audit_test

import (
	"context"
	"net"
	"testing"

	"realtime-election/dashboard"
	"realtime-election/internal/kafka/kafkatest"
)

// TestAuditAgreesWithTheDashboard runs the real dashboard, for a replay, for an electorate and for results written by
// hand.
func TestAuditAgreesWithTheDashboard(t *testing.T) {
	t.Parallel()
	replayed := newFixture(t, cast(1, "ana", "N1"), cast(2, "bo", "nowhere"))
	replayed.config.Expect = votes + 1
	voted, d := newElectorateFixture(t, 24)
	voted.closeRegister(t, d, 24)
	for n := range 7 {
		kafkatest.Produce(t, voted.cluster, castIn(d, n))
	}
	voted.recount(t, d)
	voted.config.Expect = 7
	replayed.publish(t)
	voted.publish(t)
	written := newByHand(t)
	written.publishLines(t, byHand)
	for name, f := range map[string]*fixture{"replayed": replayed, "voted": voted, "written by hand": written} {
		t.Run(name, func(t *testing.T) {
			serveDashboard(t, f)
			if printed, err := f.audit(t); err != nil {
				t.Errorf("ended with %v:\n%s", err, printed)
			}
		})
	}
}

func serveDashboard(t *testing.T, f *fixture) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- dashboard.Run(ctx, dashboard.Config{
			Kafka: kafkatest.Cluster(t, f.cluster.ListenAddrs()), Listen: "127.0.0.1:0", Log: kafkatest.Log(t), Ready: func(at net.Addr) { ready <- at },
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the dashboard ended with %v", err)
		}
	})
	select {
	case at := <-ready:
		f.config.Page = "http://" + at.String()
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
}
