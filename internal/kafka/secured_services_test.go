//go:build services

package kafka_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/local/localtest"
	"realtime-election/local/maven"
)

// authority signs certificates in PEM form.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{}
	a.certificate = &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	a.pem, _ = a.sign(t, a.certificate, time.Hour)
	return a
}

// sign makes a certificate of the template, and its private key.
func (a *authority) sign(t *testing.T, template *x509.Certificate, valid time.Duration) (certificate, privateKey string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if a.key == nil {
		a.key = key
	}
	template.SerialNumber, template.BasicConstraintsValid = big.NewInt(time.Now().UnixNano()), true
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(valid)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, bytes []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
	}
	return block("CERTIFICATE", der), block("PRIVATE KEY", encoded)
}

func (a *authority) server(t *testing.T, valid time.Duration, names ...net.IP) (certificate, key string) {
	t.Helper()
	return a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "kafka"}, IPAddresses: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, valid)
}

func (a *authority) client(t *testing.T, name string) (certificate, key string) {
	t.Helper()
	return a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, time.Hour)
}

// tokens gives OAuth tokens to the client "votes", and the key that proves them.
func tokens(t *testing.T) *httptest.Server {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	mux := http.NewServeMux()
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"RSA","kid":"1","alg":"RS256","use":"sig","n":%q,"e":%q}]}`, text(key.N.Bytes()), text(big.NewInt(int64(key.E)).Bytes()))
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		if id, secret, _ := r.BasicAuth(); id != "votes" || secret != "hunter2" {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
			return
		}
		claims, err := json.Marshal(map[string]any{"sub": "votes", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()})
		if err != nil {
			t.Error(err)
		}
		signed := text([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + text(claims)
		sum := sha256.Sum256([]byte(signed))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, signed+"."+text(signature))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// securedKafka is a real broker with a listener for each way to log in.
type securedKafka struct {
	address map[string]string // by listener
	tokens  string            // URL of the server of tokens
	folder  string            // ca.pem, other.pem, and the certificates and keys of clients
}

func newSecuredKafka(t *testing.T) *securedKafka {
	t.Helper()
	k := &securedKafka{address: make(map[string]string), tokens: tokens(t).URL, folder: t.TempDir()}
	ca, other := newAuthority(t, "ours"), newAuthority(t, "another")
	loopback := net.IPv4(127, 0, 0, 1)
	store := func(name string, parts ...string) string {
		path := filepath.Join(k.folder, name)
		if err := os.WriteFile(path, []byte(strings.Join(parts, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pair := func(name string, certificate, key string) string { return store(name, key, certificate) }
	store("ca.pem", ca.pem)
	store("other.pem", other.pem)
	certificate, key := ca.client(t, "votes")
	pair("votes.pem", certificate, key)
	certificate, key = other.client(t, "votes")
	pair("stranger.pem", certificate, key)

	const loginModule = `org.apache.kafka.common.security.%s required username="broker" password="secret"%s;`
	lines := []string{
		"process.roles=broker,controller", "node.id=1", "controller.listener.names=CONTROLLER", "inter.broker.listener.name=SCRAM",
		"sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512", "log.dirs=data", "auto.create.topics.enable=false",
		"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users=User:ANONYMOUS;User:broker;User:votes;User:CN=votes", // ANONYMOUS is the controller's own listener
	}
	var listeners, protocols []string
	listen := func(name, protocol string, settings ...string) {
		address := "127.0.0.1:" + localtest.FreePort(t)
		k.address[name] = address
		listeners, protocols = append(listeners, name+"://"+address), append(protocols, name+":"+protocol)
		for _, setting := range settings {
			lines = append(lines, "listener.name."+strings.ToLower(name)+"."+setting)
		}
	}
	tls := func(name string, valid time.Duration, ip net.IP) []string {
		certificate, key := ca.server(t, valid, ip)
		return []string{
			"ssl.keystore.type=PEM", "ssl.keystore.location=" + pair(name, certificate, key),
			"ssl.truststore.type=PEM", "ssl.truststore.location=" + filepath.Join(k.folder, "ca.pem"),
		}
	}
	listen("CONTROLLER", "PLAINTEXT")
	listen("SCRAM", "SASL_PLAINTEXT", "sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512",
		"scram-sha-256.sasl.jaas.config="+fmt.Sprintf(loginModule, "scram.ScramLoginModule", ""),
		"scram-sha-512.sasl.jaas.config="+fmt.Sprintf(loginModule, "scram.ScramLoginModule", ""))
	listen("PLAIN", "SASL_SSL", append(tls("plain.pem", time.Hour, loopback), "sasl.enabled.mechanisms=PLAIN",
		"plain.sasl.jaas.config="+fmt.Sprintf(loginModule, "plain.PlainLoginModule", ` user_votes="hunter2" user_guest="guest"`))...)
	listen("MUTUAL", "SSL", append(tls("mutual.pem", time.Hour, loopback), "ssl.client.auth=required")...)
	listen("EXPIRED", "SSL", tls("expired.pem", -time.Minute, loopback)...)
	listen("ELSEWHERE", "SSL", tls("elsewhere.pem", time.Hour, net.IPv4(192, 0, 2, 1))...)
	listen("OAUTH", "SASL_PLAINTEXT", "sasl.enabled.mechanisms=OAUTHBEARER",
		"oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
		"oauthbearer.sasl.oauthbearer.jwks.endpoint.url="+k.tokens+"/keys",
		"oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler")
	lines = append(lines, "listeners="+strings.Join(listeners, ","), "advertised.listeners="+strings.Join(listeners[1:], ","),
		"listener.security.protocol.map="+strings.Join(protocols, ","), "controller.quorum.voters=1@"+k.address["CONTROLLER"])
	for _, topic := range []string{"offsets.topic", "transaction.state.log"} {
		lines = append(lines, topic+".replication.factor=1")
	}
	store("server.properties", strings.Join(lines, "\n"))
	args := []string{"format", "--cluster-id", "ClusterOfManyLogins000", "--config", "server.properties"}
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		for user, password := range map[string]string{"broker": "secret", "votes": "hunter2", "guest": "guest"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, password))
		}
	}
	store("format.args", strings.Join(args, "\n"))
	k.start(t)
	return k
}

func (k *securedKafka) start(t *testing.T) {
	t.Helper()
	jars, err := maven.Fetch(t.Context(), kafkatest.Log(t), maven.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	java := func(ctx context.Context, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "java", append([]string{"-cp", filepath.Join(jars, "*"), "-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + k.tokens + "/keys"}, args...)...)
		cmd.Dir = k.folder
		return cmd
	}
	if output, err := java(t.Context(), "kafka.tools.StorageTool", "@format.args").CombinedOutput(); err != nil {
		t.Fatalf("format: %v: %s", err, output)
	}
	ctx, stop := context.WithCancel(context.Background())
	var output bytes.Buffer
	broker := java(ctx, "-Xmx512m", "kafka.Kafka", "server.properties")
	broker.Stdout, broker.Stderr = &output, &output
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = broker.Wait() // it was killed
		if t.Failed() {
			text := output.String()
			t.Log(text[max(0, len(text)-4000):])
		}
	})
}

// properties writes a file of client properties. CA, KEYSTORE and TOKENS stand for what the listener has.
func (k *securedKafka) properties(t *testing.T, lines ...string) *kafka.Security {
	t.Helper()
	s, err := kafka.ReadSecurity(writeProperties(t, lines...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEachWayToLogInAndItsWrongTwin logs in to a real Kafka in each way that client properties can say.
func TestEachWayToLogInAndItsWrongTwin(t *testing.T) {
	k := newSecuredKafka(t)
	file := func(name string) string { return filepath.Join(k.folder, name) }
	sasl := func(protocol, mechanism, module, user, password string) []string {
		return []string{
			"security.protocol=" + protocol, "sasl.mechanism=" + mechanism,
			fmt.Sprintf(`sasl.jaas.config=%s required username="%s" password="%s";`, module, user, password),
		}
	}
	trust := func(name string, lines ...string) []string {
		return append(lines, "ssl.truststore.type=PEM", "ssl.truststore.location="+file(name))
	}
	keys := func(name string, lines ...string) []string {
		return append(lines, "ssl.keystore.type=PEM", "ssl.keystore.location="+file(name))
	}
	oauth := func(secret string) []string {
		return []string{
			"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url=" + k.tokens + "/token",
			"sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
			fmt.Sprintf(`sasl.jaas.config=%s required clientId="votes" clientSecret="%s";`, oauthModule, secret),
		}
	}
	ask := func(ctx context.Context, listener string, lines []string) error {
		cluster := kafkatest.Cluster(t, []string{k.address[listener]})
		if len(lines) > 0 {
			cluster.Security = k.properties(t, lines...)
		}
		_, err := cluster.Election(ctx)
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ; ; <-time.After(100 * time.Millisecond) { // until Kafka runs
		err := ask(ctx, "SCRAM", sasl("SASL_PLAINTEXT", "SCRAM-SHA-512", scramModule, "votes", "hunter2"))
		if errors.Is(err, kafka.ErrNoElection) {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	for _, login := range []struct {
		name, listener string
		lines          []string
		says           string // empty where the login is right
	}{
		{"SCRAM-SHA-256", "SCRAM", sasl("SASL_PLAINTEXT", "SCRAM-SHA-256", scramModule, "votes", "hunter2"), ""},
		{"PLAIN by TLS", "PLAIN", trust("ca.pem", sasl("SASL_SSL", "PLAIN", plainModule, "votes", "hunter2")...), ""},
		{"mutual TLS", "MUTUAL", keys("votes.pem", trust("ca.pem", "security.protocol=SSL")...), ""},
		{"OAUTHBEARER", "OAUTH", oauth("hunter2"), ""},

		{"SCRAM, wrong password", "SCRAM", sasl("SASL_PLAINTEXT", "SCRAM-SHA-512", scramModule, "votes", "wrong"), "does not know the user votes with the password"},
		{"SCRAM, unknown user", "SCRAM", sasl("SASL_PLAINTEXT", "SCRAM-SHA-512", scramModule, "nobody", "hunter2"), "does not know the user nobody"},
		{"PLAIN, wrong password", "PLAIN", trust("ca.pem", sasl("SASL_SSL", "PLAIN", plainModule, "votes", "wrong")...), "does not know the user votes"},
		{"a mechanism that is not offered", "SCRAM", sasl("SASL_PLAINTEXT", "PLAIN", plainModule, "votes", "hunter2"), "does not offer sasl.mechanism=PLAIN"},
		{"a principal without rights", "SCRAM", sasl("SASL_PLAINTEXT", "SCRAM-SHA-512", scramModule, "guest", "guest"), "guest may not"},
		{"no login", "SCRAM", nil, "may want TLS or a login, or neither; name a file"},
		{"no TLS", "PLAIN", sasl("SASL_PLAINTEXT", "PLAIN", plainModule, "votes", "hunter2"), "it speaks TLS there; correct security.protocol in "},
		{"TLS where there is none", "SCRAM", trust("ca.pem", "security.protocol=SSL"), "may want TLS or a login, or neither; correct security.protocol in "},
		{"another authority", "PLAIN", trust("other.pem", sasl("SASL_SSL", "PLAIN", plainModule, "votes", "hunter2")...), "is signed by an authority that"},
		{"an expired certificate", "EXPIRED", trust("ca.pem", "security.protocol=SSL"), "its certificate has expired"},
		{"another's name", "ELSEWHERE", trust("ca.pem", "security.protocol=SSL"), "its certificate is for another name"},
		{"no certificate of the client", "MUTUAL", trust("ca.pem", "security.protocol=SSL"), "it refuses the certificate of this client"},
		{"a stranger's certificate", "MUTUAL", keys("stranger.pem", trust("ca.pem", "security.protocol=SSL")...), "it refuses the certificate of this client"},
		{"OAUTHBEARER, wrong secret", "OAUTH", oauth("wrong"), "/token gives no token for the client votes"},
	} {
		t.Run(login.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := ask(ctx, login.listener, login.lines)
			var input *election.InputError
			switch {
			case login.says == "" && !errors.Is(err, kafka.ErrNoElection):
				t.Errorf("got %v, want %v", err, kafka.ErrNoElection)
			case login.says != "" && (!errors.As(err, &input) || !strings.Contains(err.Error(), login.says)):
				t.Errorf("got %v, want an InputError that says %q", err, login.says)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "wrong\"")) {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}
