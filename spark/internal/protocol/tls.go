package protocol

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"google.golang.org/grpc/credentials"
)

// handshakes records what was wrong with the latest TLS handshake: gRPC passes on only the text of its error, and takes every such error
// for one that may pass.
type handshakes struct {
	mu     sync.Mutex
	latest string // what is wrong with the set-up; empty when nothing is
}

func (h *handshakes) mistake() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.latest
}

func (h *handshakes) record(mistake string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.latest = mistake
}

// watchedTLS records the handshakes that it makes.
type watchedTLS struct {
	credentials.TransportCredentials
	handshakes *handshakes
}

// ClientHandshake secures a connection that gRPC makes.
func (w *watchedTLS) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secured, info, err := w.TransportCredentials.ClientHandshake(ctx, authority, conn)
	w.handshakes.record(tlsMistake(authority, err))
	return secured, info, err
}

// Clone copies the credentials; the copy records its handshakes in the same place.
func (w *watchedTLS) Clone() credentials.TransportCredentials {
	return &watchedTLS{TransportCredentials: w.TransportCredentials.Clone(), handshakes: w.handshakes}
}

// tlsMistake says what to do about a handshake that fails each time; empty for one that may succeed the next time.
func tlsMistake(server string, err error) string {
	var (
		plain     tls.RecordHeaderError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &plain):
		return fmt.Sprintf("%s does not speak TLS (%v): set it up there, or say use_ssl=false, and WithTokenInPlainText if it wants a token", server, plain)
	case errors.As(err, &authority):
		return fmt.Sprintf("the certificate of %s is not trusted (%v): trust the authority that signed it, in the file that SSL_CERT_FILE names or with WithTLS(&tls.Config{RootCAs: …})", server, authority)
	case errors.As(err, &name):
		return fmt.Sprintf("the certificate of %s is of another name (%v): dial a name that it is for, or give one with WithTLS(&tls.Config{ServerName: …})", server, name)
	case errors.As(err, &invalid):
		return fmt.Sprintf("the certificate of %s is not valid (%v): give the server another, and see that the clocks are right", server, invalid)
	case err != nil && strings.Contains(err.Error(), "no application protocol"):
		return fmt.Sprintf("%s speaks TLS and not HTTP/2 (%v), so that it is no Spark Connect: dial its port, 15002 unless it was set", server, err)
	}
	return ""
}
