//go:build services

package sparkjob_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"realtime-election/local"
	"realtime-election/spark"
)

// TestEveryIdleSessionExpires lets one session expire, and then another: Spark expires them in one task, which stops for good
// once something in it fails.
func TestEveryIdleSessionExpires(t *testing.T) {
	remote, data := impatientSpark(t, 2*time.Second)
	for _, which := range []string{"first", "second"} {
		session, err := spark.Dial(t.Context(), remote)
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		// The first question opens the session. Each question keeps it alive, so the pauses between them grow.
		for pause := time.Duration(0); ; pause = max(4*time.Second, 2*pause) {
			if pause > 20*time.Second {
				t.Errorf("the %s session has not expired", which)
				break
			}
			<-time.After(pause)
			_, err := session.Version(t.Context())
			if errors.Is(err, spark.ErrSessionClosed) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	log, err := os.ReadFile(filepath.Join(data, "logs", "spark.log"))
	if err != nil || strings.Contains(string(log), "NoClassDefFoundError") {
		t.Errorf("Spark's log (%v):\n%s", err, log)
	}
}

// impatientSpark is a Spark of the test's own, in which sessions time out after a while without a call, and its folder.
func impatientSpark(t *testing.T, timeout time.Duration) (remote, data string) {
	t.Helper()
	// Java reads options from this variable as well, and Spark its settings from Java's properties.
	t.Setenv("JDK_JAVA_OPTIONS", fmt.Sprintf("-Dspark.connect.session.manager.defaultSessionTimeout=%dms -Dspark.connect.session.manager.maintenanceInterval=%dms",
		timeout.Milliseconds(), timeout.Milliseconds()/6))
	data = t.TempDir()
	server, err := local.StartSpark(t.Context(), local.Config{Data: data, SparkMemory: "1g"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		server.Stop(ctx) // kills it at the end of ctx
	})
	return server.Address(), data
}
