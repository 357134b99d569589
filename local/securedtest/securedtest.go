// Package securedtest starts a real Kafka that asks its clients who they are, in each way that client properties can say.
//
//	k := securedtest.New(t)
//	login := securedtest.Login("SASL_SSL", "PLAIN", securedtest.PlainModule, "votes", "hunter2")
//	cluster := k.Cluster(t, "PLAIN", k.Trust("ca.pem", login...)...)
package securedtest

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

	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/kafkatest"
	"realtime-election/local/localtest"
	"realtime-election/local/maven"
)

// Java's login modules.
const (
	ScramModule = "org.apache.kafka.common.security.scram.ScramLoginModule"
	PlainModule = "org.apache.kafka.common.security.plain.PlainLoginModule"
	OAuthModule = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
)

// authority signs certificates in PEM form.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{}
	a.certificate = &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	a.pem, _ = a.sign(t, a.certificate, time.Hour)
	return a
}

// sign makes a certificate of the template, and its private key.
func (a *authority) sign(t testing.TB, template *x509.Certificate, valid time.Duration) (certificate, privateKey string) {
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

func (a *authority) server(t testing.TB, valid time.Duration, names ...net.IP) (certificate, key string) {
	t.Helper()
	return a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "kafka"}, IPAddresses: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, valid)
}

func (a *authority) client(t testing.TB, name string) (certificate, key string) {
	t.Helper()
	return a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, time.Hour)
}

// tokens gives OAuth tokens to the client "votes", and the key that proves them.
func tokens(t testing.TB) *httptest.Server {
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

// Kafka is a real broker with a listener for each way to log in. Its users are votes, with every right, and guest, with none.
type Kafka struct {
	Address map[string]string // by listener: SCRAM, PLAIN, MUTUAL, OAUTH, and two with wrong certificates, EXPIRED and ELSEWHERE
	tokens  string            // URL of the server of tokens
	folder  string            // certificates in PEM form: ca.pem, other.pem, and those of clients with their keys
}

// New starts the broker, which ends with the test, and returns once it lets votes in.
func New(t testing.TB) *Kafka {
	t.Helper()
	k := &Kafka{Address: make(map[string]string), tokens: tokens(t).URL, folder: t.TempDir()}
	ca, other := newAuthority(t, "ours"), newAuthority(t, "another")
	k.store(t, "ca.pem", ca.pem)
	k.store(t, "other.pem", other.pem)
	certificate, key := ca.client(t, "votes")
	k.store(t, "votes.pem", key, certificate)
	certificate, key = other.client(t, "votes")
	k.store(t, "stranger.pem", key, certificate)
	k.store(t, "server.properties", k.properties(t, ca))
	args := []string{"format", "--cluster-id", "ClusterOfManyLogins000", "--config", "server.properties"}
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		for user, password := range map[string]string{"broker": "secret", "votes": "hunter2", "guest": "guest"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, password))
		}
	}
	k.store(t, "format.args", strings.Join(args, "\n"))
	k.start(t)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	votes := k.Cluster(t, "SCRAM", Login("SASL_PLAINTEXT", "SCRAM-SHA-512", ScramModule, "votes", "hunter2")...)
	for ticks := time.Tick(100 * time.Millisecond); ; <-ticks {
		_, err := votes.Election(ctx)
		if errors.Is(err, kafka.ErrNoElection) {
			return k
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// store writes a file of the parts into the broker's folder.
func (k *Kafka) store(t testing.TB, name string, parts ...string) (path string) {
	t.Helper()
	path = filepath.Join(k.folder, name)
	if err := os.WriteFile(path, []byte(strings.Join(parts, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// properties are the broker's own, with a listener for each way to log in. It chooses their addresses.
func (k *Kafka) properties(t testing.TB, ca *authority) string {
	t.Helper()
	lines := []string{
		"process.roles=broker,controller", "node.id=1", "controller.listener.names=CONTROLLER", "inter.broker.listener.name=SCRAM",
		"sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512", "log.dirs=data", "auto.create.topics.enable=false",
		"offsets.topic.replication.factor=1", "transaction.state.log.replication.factor=1",
		"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users=User:ANONYMOUS;User:broker;User:votes;User:CN=votes", // ANONYMOUS is the controller's own listener
	}
	var listeners, protocols []string
	listen := func(name, protocol string, settings ...string) {
		address := "127.0.0.1:" + localtest.FreePort(t)
		k.Address[name] = address
		listeners, protocols = append(listeners, name+"://"+address), append(protocols, name+":"+protocol)
		for _, setting := range settings {
			lines = append(lines, "listener.name."+strings.ToLower(name)+"."+setting)
		}
	}
	certified := func(name string, valid time.Duration, ip net.IP) []string {
		certificate, key := ca.server(t, valid, ip)
		return []string{
			"ssl.keystore.type=PEM", "ssl.keystore.location=" + k.store(t, name, key, certificate),
			"ssl.truststore.type=PEM", "ssl.truststore.location=" + filepath.Join(k.folder, "ca.pem"),
		}
	}
	jaas := func(mechanism, module, users string) string {
		return fmt.Sprintf(`%s.sasl.jaas.config=%s required username="broker" password="secret"%s;`, mechanism, module, users)
	}
	loopback := net.IPv4(127, 0, 0, 1)
	listen("CONTROLLER", "PLAINTEXT")
	listen("SCRAM", "SASL_PLAINTEXT", "sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512",
		jaas("scram-sha-256", ScramModule, ""), jaas("scram-sha-512", ScramModule, ""))
	listen("PLAIN", "SASL_SSL", append(certified("plain.pem", time.Hour, loopback), "sasl.enabled.mechanisms=PLAIN",
		jaas("plain", PlainModule, ` user_votes="hunter2" user_guest="guest"`))...)
	listen("MUTUAL", "SSL", append(certified("mutual.pem", time.Hour, loopback), "ssl.client.auth=required")...)
	listen("EXPIRED", "SSL", certified("expired.pem", -time.Minute, loopback)...)
	listen("ELSEWHERE", "SSL", certified("elsewhere.pem", time.Hour, net.IPv4(192, 0, 2, 1))...)
	listen("OAUTH", "SASL_PLAINTEXT", "sasl.enabled.mechanisms=OAUTHBEARER",
		"oauthbearer.sasl.jaas.config="+OAuthModule+" required;",
		"oauthbearer.sasl.oauthbearer.jwks.endpoint.url="+k.tokens+"/keys",
		"oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler")
	lines = append(lines, "listeners="+strings.Join(listeners, ","), "advertised.listeners="+strings.Join(listeners[1:], ","),
		"listener.security.protocol.map="+strings.Join(protocols, ","), "controller.quorum.voters=1@"+k.Address["CONTROLLER"])
	return strings.Join(lines, "\n")
}

func (k *Kafka) start(t testing.TB) {
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

// Login is the lines of a login by SASL.
func Login(protocol, mechanism, module, user, password string) []string {
	return []string{
		"security.protocol=" + protocol, "sasl.mechanism=" + mechanism,
		fmt.Sprintf(`sasl.jaas.config=%s required username="%s" password="%s";`, module, user, password),
	}
}

// OAuth is the lines of a login as votes by OAUTHBEARER.
func (k *Kafka) OAuth(secret string) []string {
	return []string{
		"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url=" + k.tokens + "/token",
		"sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
		fmt.Sprintf(`sasl.jaas.config=%s required clientId="votes" clientSecret="%s";`, OAuthModule, secret),
	}
}

// Trust adds the lines of a truststore: ca.pem is the broker's authority, other.pem another.
func (k *Kafka) Trust(name string, lines ...string) []string {
	return append(lines, "ssl.truststore.type=PEM", "ssl.truststore.location="+filepath.Join(k.folder, name))
}

// Keys adds the lines of a keystore: votes.pem is that of votes, stranger.pem has the same name and is signed by the other authority.
func (k *Kafka) Keys(name string, lines ...string) []string {
	return append(lines, "ssl.keystore.type=PEM", "ssl.keystore.location="+filepath.Join(k.folder, name))
}

// Properties writes a file of client properties.
func Properties(t testing.TB, lines ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Cluster is how to reach a listener with client properties.
func (k *Kafka) Cluster(t testing.TB, listener string, lines ...string) kafka.Cluster {
	t.Helper()
	cluster := kafkatest.Cluster(t, []string{k.Address[listener]})
	if len(lines) > 0 {
		var err error
		if cluster.Security, err = kafka.ReadSecurity(Properties(t, lines...)); err != nil {
			t.Fatal(err)
		}
	}
	return cluster
}
