package postgres_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"realtime-election/election"
	"realtime-election/internal/certificates"
	"realtime-election/internal/postgres"
)

// server is the beginning of a PostgreSQL: it takes TLS if it has a certificate, and then refuses everybody with a code.
func server(t *testing.T, certificate, code string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go refuse(conn, certificate, code)
		}
	}()
	return listener.Addr().String()
}

func refuse(conn net.Conn, certificate, code string) {
	defer conn.Close()
	const tlsRequest = 8 // bytes
	if _, err := io.CopyN(io.Discard, conn, tlsRequest); err != nil {
		return
	}
	answer := "N"
	if certificate != "" {
		answer = "S"
	}
	if _, err := conn.Write([]byte(answer)); err != nil || certificate == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(certificate, certificate)
	if err != nil {
		return
	}
	secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}})
	backend := pgproto3.NewBackend(bufio.NewReader(secured), secured)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: "no entry for this host"})
	_ = backend.Flush() // the client may have hung up
	_ = secured.Close()
}

// TestRefusalSaysWhatToCorrect connects where PostgreSQL refuses the client, or the client PostgreSQL.
func TestRefusalSaysWhatToCorrect(t *testing.T) {
	folder := t.TempDir()
	ca, certificate := filepath.Join(folder, "ours", certificates.File), filepath.Join(folder, "ours", "server.pem")
	ours, err := certificates.OpenOrMake(filepath.Dir(ca), nil)
	if err == nil {
		err = ours.Issue(certificate, []string{"127.0.0.1"}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := certificates.OpenOrMake(filepath.Join(folder, "another"), nil); err != nil {
		t.Fatal(err)
	}
	another := filepath.Join(folder, "another", certificates.File)
	none := filepath.Join(folder, "none.pem")
	for name, of := range map[string]struct {
		host, trust, certificate, code string
		says                           string // empty where another attempt may succeed
	}{
		"password":  {"127.0.0.1", ca, certificate, "28P01", "which does not know the user votes with this password"},
		"no entry":  {"127.0.0.1", ca, certificate, "28000", "which does not let in the user votes (no entry for this host)"},
		"authority": {"127.0.0.1", another, certificate, "", "of an authority that is not trusted; put that authority's certificate into the file that sslrootcert names"},
		"name":      {"localhost", ca, certificate, "", "which has a certificate for another name (x509: certificate is not valid for any names, but wanted to match localhost); write the name"},
		"no TLS":    {"127.0.0.1", ca, "", "", "which has no TLS"},
		"no file":   {"127.0.0.1", none, certificate, "", "postgres names a file that cannot be read: open " + none},
		"crowd":     {"127.0.0.1", ca, certificate, "53300", ""},
		"starting":  {"127.0.0.1", ca, certificate, "57P03", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, port, err := net.SplitHostPort(server(t, of.certificate, of.code))
			if err != nil {
				t.Fatal(err)
			}
			conn, err := postgres.Connect(context.Background(), "postgres://votes:hunter2@"+of.host+":"+port+"/election?sslmode=verify-full&sslrootcert="+url.QueryEscape(of.trust))
			if err == nil {
				conn.Close(context.Background())
				t.Fatal("it was let in")
			}
			explained := postgres.Explain(err)
			if of.says == "" {
				if explained != nil {
					t.Errorf("%v is explained as %v", err, explained)
				}
				return
			}
			var input *election.InputError
			if !errors.As(explained, &input) || !strings.Contains(explained.Error(), of.says) || strings.ContainsAny(explained.Error(), "\n") || strings.Contains(explained.Error(), "hunter2") {
				t.Errorf("%v is explained as %v", err, explained)
			}
		})
	}
}

func TestURLIsCheckedAndNotRepeated(t *testing.T) {
	for address, says := range map[string]string{
		"postgres://votes:hunter2@127.0.0.1/election":                                               "",
		"postgres://votes:hunter2@127.0.0.1:x/election":                                             "postgres is not a PostgreSQL URL",
		"postgres://votes:hunter2@127.0.0.1/election?sslmode=verify-full&sslrootcert=/no/where.pem": "postgres names a file that cannot be read: open /no/where.pem",
	} {
		err := postgres.CheckURL(address)
		if says == "" && err == nil {
			continue
		}
		var input *election.InputError
		if !errors.As(err, &input) || !strings.HasPrefix(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}
