package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/oauth2"

	"realtime-election/election"
)

// explain turns the error of a Kafka that refuses the client, or that the client refuses, into an *election.InputError that
// says what to correct. Other errors stay as they are.
func (c Cluster) explain(err error) error {
	if text := c.Security.explain(err); text != "" {
		return &election.InputError{Text: fmt.Sprintf("Kafka at %s: %s (%v)", c, text, err)}
	}
	return err
}

func (s *Security) explain(err error) string {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		host      x509.HostnameError
		record    tls.RecordHeaderError
		remote    *net.OpError
		token     *oauth2.RetrieveError
		early     *kgo.ErrFirstReadEOF
	)
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return fmt.Sprintf("it does not know the user %s with the password in %s; correct %s there", s.Principal(), s.path, jaasProperty)
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return fmt.Sprintf("it does not offer %s=%s; correct it in %s", mechanismProperty, s.properties[mechanismProperty], s.path)
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.GroupAuthorizationFailed),
		errors.Is(err, kerr.ClusterAuthorizationFailed), errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return fmt.Sprintf("%s may not do this; let its operator grant what docs/security.md lists for this service", s.Principal())
	case errors.As(err, &token):
		return fmt.Sprintf("%s gives no token for the client %s; correct %s in %s", s.properties[tokenURLProperty], s.Principal(), jaasProperty, s.path)
	case errors.As(err, &authority):
		return fmt.Sprintf("its certificate is signed by an authority that ssl.truststore.location in %s does not hold; put that authority's certificate there", s.path)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired, or the clock of this machine is wrong; let its operator renew it"
	case errors.As(err, &host):
		return "its certificate is for another name; write in {brokers} the name that it is for"
	case errors.As(err, &remote) && remote.Op == "remote error": // an alert of TLS, whose type is not exported
		return fmt.Sprintf("it refuses the certificate of this client; correct ssl.keystore.location in %s", s.path)
	case strings.Contains(err.Error(), "tls alert record"): // franz-go exports no type for it
		return "it speaks TLS there; " + s.otherProtocol()
	case errors.As(err, &record):
		return fmt.Sprintf("it does not speak TLS there; %s, or the port in {brokers}", s.otherProtocol())
	case errors.As(err, &early):
		return "it hangs up, and may want TLS or a login, or neither; " + s.otherProtocol()
	}
	return ""
}

func (s *Security) otherProtocol() string {
	if s == nil {
		return "name a file of Kafka's client properties with {kafka-config}"
	}
	return fmt.Sprintf("correct %s in %s", protocolProperty, s.path)
}
