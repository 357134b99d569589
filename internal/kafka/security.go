package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/magiconair/properties"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"golang.org/x/oauth2/clientcredentials"

	"realtime-election/election"
)

// Security is how a client proves to Kafka who it is, and Kafka to the client: a file of Kafka's own client properties, the
// same one that Java's clients read. The nil Security is that of a Kafka that asks nobody.
type Security struct {
	path       string
	properties map[string]string
	login      login
}

// Names of Kafka's client properties.
const (
	protocolProperty  = "security.protocol"
	mechanismProperty = "sasl.mechanism"
	jaasProperty      = "sasl.jaas.config"
	handlerProperty   = "sasl.login.callback.handler.class"
	tokenURLProperty  = "sasl.oauthbearer.token.endpoint.url"
)

// mechanisms are the login modules that SASL's mechanisms have in Java.
var mechanisms = map[string]string{
	"PLAIN":         "org.apache.kafka.common.security.plain.PlainLoginModule",
	"SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
	"SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
	"OAUTHBEARER":   "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule",
}

// tokenHandler gets Java's clients a token by client credentials.
const tokenHandler = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"

// ReadSecurity reads and checks a file of client properties. What is wrong with it is an *election.InputError.
func ReadSecurity(path string) (*Security, error) {
	refuse := func(format string, args ...any) (*Security, error) {
		return nil, &election.InputError{Text: fmt.Sprintf("Kafka's client properties in %s: ", path) + fmt.Sprintf(format, args...)}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse("there is no such file")
	case err != nil:
		return nil, fmt.Errorf("read Kafka's client properties: %w", err)
	case !info.Mode().IsRegular():
		return refuse("it is no file")
	case info.Mode().Perm()&0o007 != 0:
		return refuse("everybody on this machine may read or write it (mode %04o), and it may hold a password; run: chmod 600 %s", info.Mode().Perm(), path)
	}
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	loaded, err := loader.LoadFile(path)
	if err != nil {
		return refuse("it is no file of properties: %v", err)
	}
	s := &Security{path: path, properties: make(map[string]string)}
	for _, name := range loaded.Keys() {
		value, _ := loaded.Get(name)
		if !slices.Contains(knownProperties, name) {
			return refuse("the property %s is not one of those that are understood: %s", name, strings.Join(knownProperties, ", "))
		}
		s.properties[name] = strings.TrimSpace(value)
	}
	if err := s.check(); err != nil {
		return refuse("%v", err)
	}
	return s, nil
}

var knownProperties = []string{
	protocolProperty, mechanismProperty, jaasProperty, handlerProperty, tokenURLProperty,
	"ssl.truststore.type", "ssl.truststore.location", "ssl.truststore.certificates",
	"ssl.keystore.type", "ssl.keystore.location", "ssl.keystore.key", "ssl.keystore.certificate.chain",
	"ssl.endpoint.identification.algorithm",
}

func (s *Security) check() (err error) {
	protocol := s.properties[protocolProperty]
	if !slices.Contains([]string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}, protocol) {
		return fmt.Errorf("%s is %q; it is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL", protocolProperty, protocol)
	}
	for _, name := range slices.Sorted(maps.Keys(s.properties)) {
		if strings.HasPrefix(name, "sasl.") && !s.usesSASL() || strings.HasPrefix(name, "ssl.") && !s.usesTLS() {
			return fmt.Errorf("%s has no meaning with %s=%s; leave it out, or choose another protocol", name, protocolProperty, protocol)
		}
	}
	if s.usesTLS() {
		if err := s.checkTLS(); err != nil {
			return err
		}
	}
	if s.usesSASL() {
		s.login, err = s.readLogin()
	}
	return err
}

func (s *Security) usesTLS() bool { return strings.HasSuffix(s.properties[protocolProperty], "SSL") }

func (s *Security) usesSASL() bool { return strings.HasPrefix(s.properties[protocolProperty], "SASL_") }

// Principal is who the client says it is, for messages: the user of a login, or the file whose certificate names it.
func (s *Security) Principal() string {
	switch {
	case s == nil:
		return "nobody"
	case s.usesSASL():
		return s.login.user
	}
	return "the certificate of " + s.path
}

// options make a franz-go client that proves who it is.
func (s *Security) options() []kgo.Opt {
	if s == nil {
		return nil
	}
	var options []kgo.Opt
	if s.usesTLS() {
		options = append(options, kgo.Dialer(s.dial))
	}
	if s.usesSASL() {
		options = append(options, kgo.SASL(s.mechanism()))
	}
	return options
}

// dial makes a connection with the certificates that the files hold by now, which may have been renewed.
func (s *Security) dial(ctx context.Context, network, address string) (net.Conn, error) {
	config, err := s.tlsConfig()
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: config}).DialContext(ctx, network, address)
}

func (s *Security) mechanism() sasl.Mechanism {
	switch name := s.properties[mechanismProperty]; name {
	case "PLAIN":
		return plain.Auth{User: s.login.user, Pass: s.login.password}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: s.login.user, Pass: s.login.password}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: s.login.user, Pass: s.login.password}.AsSha512Mechanism()
	}
	credentials := clientcredentials.Config{ClientID: s.login.user, ClientSecret: s.login.password, TokenURL: s.properties[tokenURLProperty]}
	if scope := s.login.scope; scope != "" {
		credentials.Scopes = strings.Fields(scope)
	}
	tokens := credentials.TokenSource(context.Background()) // it asks for another when one is about to expire
	return oauth.Oauth(func(context.Context) (oauth.Auth, error) {
		token, err := tokens.Token()
		if err != nil {
			return oauth.Auth{}, fmt.Errorf("get a token for Kafka: %w", err)
		}
		return oauth.Auth{Token: token.AccessToken}, nil
	})
}

// SparkOptions are the options of Spark's source and sink for the same Kafka. No value of a property is among them: Spark's
// processes read them from a file that has the same properties, with Spark's own login. It is at path on their machines, by
// default where this one is here.
func (s *Security) SparkOptions(path string) map[string]string {
	if s == nil {
		return nil
	}
	options := map[string]string{
		"kafka.config.providers":            "file",
		"kafka.config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
	}
	for name := range s.properties {
		options["kafka."+name] = fmt.Sprintf("${file:%s:%s}", cmp.Or(path, s.path), name)
	}
	return options
}
