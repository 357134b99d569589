package web_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"realtime-election/dashboard/live"
	"realtime-election/dashboard/web"
	"realtime-election/dashboard/web/webtest"
	"realtime-election/election"
)

// hour is how long the certificates here are valid, before and after now.
const hour = time.Hour

// issue writes a valid certificate with a serial number, and its key.
func issue(t *testing.T, folder string, serial int64) (certificate, key string) {
	t.Helper()
	return webtest.Certificate(t, folder, serial, time.Now().Add(-hour), time.Now().Add(hour))
}

func TestCertificateThatIsOfNoUseIsNamed(t *testing.T) {
	t.Parallel()
	certificate, key := issue(t, t.TempDir(), 1)
	_, otherKey := issue(t, t.TempDir(), 2)
	past, pastKey := webtest.Certificate(t, t.TempDir(), 3, time.Now().Add(-2*hour), time.Now().Add(-hour))
	future, futureKey := webtest.Certificate(t, t.TempDir(), 4, time.Now().Add(hour), time.Now().Add(2*hour))
	for name, c := range map[string]struct{ certificate, key, says string }{
		"no key":          {certificate, "", "tls-key is missing"},
		"no certificate":  {"", key, "tls-certificate is missing"},
		"missing file":    {certificate + ".x", key, `tls-certificate is "` + certificate + `.x"; it cannot be read: open `},
		"missing key":     {certificate, key + ".x", `tls-key is "` + key + `.x"; it cannot be read: open `},
		"key of another":  {certificate, otherKey, "private key does not match public key"},
		"key for both":    {key, key, "it must be a PEM file of a certificate"},
		"certificate too": {certificate, certificate, "tls-key one of its private key"},
		"expired":         {past, pastKey, "renew it"},
		"not valid yet":   {future, futureKey, "is valid from"},
	} {
		_, err := web.ReadCertificate(c.certificate, c.key, nil)
		if _, input := errors.AsType[*election.InputError](err); !input || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if c, err := web.ReadCertificate("", "", nil); c != nil || err != nil {
		t.Errorf("without files: %v, %v", c, err)
	}
}

// secured serves the site by TLS as the dashboard does.
func secured(t *testing.T, handler http.Handler, certificate *web.Certificate) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Listener = web.Site{}.Door(server.Listener, certificate)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// shake connects as a browser does, which would rather speak HTTP/2.
func shake(t *testing.T, server *httptest.Server) *tls.Conn {
	t.Helper()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err := conn.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestRenewedCertificateIsTaken(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var log bytes.Buffer
	certificate, key := issue(t, folder, 1)
	read, err := web.ReadCertificate(certificate, key, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	server := secured(t, http.NotFoundHandler(), read)
	expect := func(when string, serial int64, warnings int) {
		t.Helper()
		for range 2 {
			got := shake(t, server).ConnectionState().PeerCertificates[0].SerialNumber
			if !got.IsInt64() || got.Int64() != serial {
				t.Errorf("%s: certificate %v, want %d", when, got, serial)
			}
		}
		if got := strings.Count(log.String(), "level=WARN"); got != warnings {
			t.Errorf("%s: %d warnings, want %d:\n%s", when, got, warnings, &log)
		}
	}
	expect("at first", 1, 0)
	issue(t, folder, 2)
	expect("renewed", 2, 0)
	if err := os.WriteFile(certificate, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect("half written", 2, 1)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	expect("no key", 2, 2)
	webtest.Certificate(t, folder, 3, time.Now().Add(-2*hour), time.Now().Add(-hour))
	expect("expired", 2, 3)
	issue(t, folder, 4)
	expect("renewed again", 4, 3)
}

// TestSlowReaderIsCutOffOverTLS asks for the document, and does not read it.
func TestSlowReaderIsCutOffOverTLS(t *testing.T) {
	t.Parallel()
	read, err := web.ReadCertificate(issueFor(t))
	if err != nil {
		t.Fatal(err)
	}
	hub := live.NewHub(web.Portraits{}.Event, time.Now)
	hub.Publish(large(1000))
	handler, ended := web.Site{Hub: hub, DownloadTimeout: 50 * time.Millisecond}.Handler(), make(chan struct{})
	conn := shake(t, secured(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		context.AfterFunc(r.Context(), func() { close(ended) }) // the handler ends 5 s later, for TLS still tries to say so
		handler.ServeHTTP(w, r)
	}), read))
	if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Fatalf("the server speaks %q, in which a reader that does not read is not cut off", got)
	}
	if _, err := io.WriteString(conn, "GET /api/v1/results HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(testTimeout):
		t.Error("the slow reader is still served")
	}
}

// issueFor is what ReadCertificate takes.
func issueFor(t *testing.T) (certificate, key string, log *slog.Logger) {
	t.Helper()
	certificate, key = issue(t, t.TempDir(), 1)
	return certificate, key, slog.New(slog.NewTextHandler(t.Output(), nil))
}

// TestRefusalByTLSIsAnEnd checks that a client that expects TLS hears nothing else.
func TestRefusalByTLSIsAnEnd(t *testing.T) {
	t.Parallel()
	read, err := web.ReadCertificate(issueFor(t))
	if err != nil {
		t.Fatal(err)
	}
	e := newEntrance(t, func(l net.Listener) net.Listener { return web.Site{MaxViewers: 1}.Door(l, read) })
	for range 2 {
		if in, said := e.arrive(t, "192.0.2.7"); in == nil {
			t.Fatalf("refused, %q", said)
		}
	}
	if in, said := e.arrive(t, "192.0.2.7"); in != nil || said != "" {
		t.Errorf("let in %t, said %q", in != nil, said)
	}
}

// TestCertificateIsTrustedByTheMachine has the authority of Go's own test certificate, of 127.0.0.1, in SSL_CERT_FILE.
func TestCertificateIsTrustedByTheMachine(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	folder := t.TempDir()
	known := server.TLS.Certificates[0]
	authority := filepath.Join(folder, "authority.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: known.Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", authority)
	read, err := web.ReadCertificate(authority, webtest.Key(t, folder, known.PrivateKey), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := read.TrustedAs("127.0.0.1"); err != nil {
		t.Error(err)
	}
	err = read.TrustedAs("results.example.org")
	if _, input := errors.AsType[*election.InputError](err); !input || !strings.Contains(err.Error(), "results.example.org") {
		t.Errorf("for another name: %v", err)
	}
	unknown, err := web.ReadCertificate(issueFor(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := unknown.TrustedAs("127.0.0.1"); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("of an unknown authority: %v", err)
	}
}
