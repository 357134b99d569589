package protocol_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
)

// TestMistakesWithTLSFailAtOnce and say what to do.
func TestMistakesWithTLSFailAtOnce(t *testing.T) {
	secure, old := httptest.NewUnstartedServer(nil), httptest.NewTLSServer(nil)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	defer old.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	secureURL := "sc://" + secure.Listener.Addr().String() + "/;use_ssl=true"
	for name, of := range map[string]struct {
		url    string
		config *tls.Config
		says   []string
	}{
		"unknown authority": {secureURL, &tls.Config{}, []string{"is not trusted", "RootCAs"}},
		"another name":      {secureURL, &tls.Config{RootCAs: trusted, ServerName: "spark.test"}, []string{"another name", "ServerName"}},
		"out of date": {
			secureURL, &tls.Config{RootCAs: trusted, Time: func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }},
			[]string{"is not valid", "clocks"},
		},
		"HTTP/1.1": {"sc://" + old.Listener.Addr().String(), &tls.Config{RootCAs: trusted}, []string{"no Spark Connect", "port"}},
		"no TLS":   {sparktest.New(t).URL() + "/;use_ssl=true", &tls.Config{}, []string{"does not speak TLS", "use_ssl=false"}},
	} {
		t.Run(name, func(t *testing.T) {
			clock := new(scripted.Clock)
			_, err := spark.Dial(t.Context(), of.url, spark.WithTLS(of.config), spark.WithRetry(clock.Policy()))
			if err == nil || spark.Retryable(err) || len(clock.Waits) != 0 {
				t.Fatalf("got %v after %d retries, expected it at once", err, len(clock.Waits))
			}
			for _, says := range of.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%v does not say %q", err, says)
				}
			}
		})
	}
}
