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

// Explain adds to the error of a Kafka that refuses the client, or that the client refuses, what to correct. It returns an
// *election.Wrong, or an *election.Hint where the reason is not certain. It returns nil for other errors.
func (c Cluster) Explain(err error) error {
	var early *kgo.ErrFirstReadEOF
	wrong := &election.Wrong{Setting: "kafka-config"}
	switch text := c.Security.reasonOf(err); {
	case errors.As(err, &early): // or Kafka was stopped at this moment
		return &election.Hint{Err: fmt.Errorf("no answer from Kafka at %s, which hangs up: %w", c, err), Text: "it may want TLS or a login, or neither; see {kafka-config}"}
	case text == "":
		return nil
	case c.Security == nil:
		wrong.Text = fmt.Sprintf("is missing: Kafka at %s %s (%v)", c, text, err)
	default:
		wrong.Text = fmt.Sprintf("is %s: Kafka at %s %s (%v)", c.Security.path, c, text, err)
	}
	return wrong
}

// reasonOf says what Kafka does, and what to correct for it. It is empty where the error is no refusal.
func (s *Security) reasonOf(err error) string {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		host      x509.HostnameError
		record    tls.RecordHeaderError
		remote    *net.OpError
		token     *oauth2.RetrieveError
	)
	switch {
	case strings.Contains(err.Error(), "tls alert record"): // franz-go exports no type for it
		return "speaks TLS; correct " + protocolProperty
	case s == nil:
		return ""
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return fmt.Sprintf("does not know the user %s with this password; correct %s", s.Principal(), jaasProperty)
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return fmt.Sprintf("does not offer %s; correct %s", s.properties[mechanismProperty], mechanismProperty)
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.GroupAuthorizationFailed),
		errors.Is(err, kerr.ClusterAuthorizationFailed), errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return fmt.Sprintf("does not let %s do this; let its operator grant it", s.Principal())
	case errors.As(err, &token):
		return fmt.Sprintf("wants a token, and %s gives none to the client %s; correct %s", s.properties[tokenURLProperty], s.Principal(), jaasProperty)
	case errors.As(err, &authority):
		return "has a certificate of an authority that is not trusted; put that authority's certificate into ssl.truststore.location"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "has a certificate that has expired, or the clock of this machine is wrong; let its operator renew it"
	case errors.As(err, &host):
		return "has a certificate for another name; write in {brokers} the name that it is for"
	case errors.As(err, &remote) && remote.Op == "remote error": // an alert of TLS, whose type is not exported
		return "refuses the certificate of this client; correct ssl.keystore.location"
	case errors.As(err, &record):
		return "does not speak TLS there; correct " + protocolProperty + ", or the port in {brokers}"
	}
	return ""
}
