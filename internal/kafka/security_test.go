package kafka_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/local/securedtest"
)

func TestClientPropertiesThatAreWrongAreRefused(t *testing.T) {
	t.Parallel()
	scram := []string{"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=SCRAM-SHA-512"}
	oauth := []string{
		"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=OAUTHBEARER",
		"sasl.jaas.config=" + securedtest.OAuthModule + ` required clientId="c" clientSecret="hunter2";`,
	}
	for says, lines := range map[string][]string{
		`security.protocol is ""`:                             {},
		`security.protocol is "TLS"`:                          {"security.protocol=TLS"},
		"bootstrap.servers is not one of those":               {"security.protocol=PLAINTEXT", "bootstrap.servers=x:1"},
		"sasl.oauthbearer.scope is not one of those":          append(oauth, "sasl.oauthbearer.scope=votes"),
		"sasl.mechanism has no meaning":                       {"security.protocol=SSL", "sasl.mechanism=PLAIN"},
		"ssl.truststore.location has no meaning":              {"security.protocol=PLAINTEXT", "ssl.truststore.location=/x"},
		`sasl.mechanism is "GSSAPI"`:                          {"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=GSSAPI"},
		"with the semicolon":                                  append(scram, "sasl.jaas.config="+securedtest.ScramModule+` required username="v" password="hunter2"`),
		"names " + securedtest.PlainModule:                    append(scram, "sasl.jaas.config="+securedtest.PlainModule+` required username="v" password="hunter2";`),
		"has no password":                                     append(scram, "sasl.jaas.config="+securedtest.ScramModule+` required username="v";`),
		"the option tokenauth, which is not":                  append(scram, "sasl.jaas.config="+securedtest.ScramModule+` required username="v" password="hunter2" tokenauth=true;`),
		"token.endpoint.url must be":                          oauth,
		"callback.handler.class must be":                      append(oauth, "sasl.oauthbearer.token.endpoint.url=https://login/token"),
		"ssl.truststore.type must be PEM":                     {"security.protocol=SSL", "ssl.truststore.location=/x.jks"},
		"ssl.keystore.type must be PEM":                       {"security.protocol=SSL", "ssl.keystore.type=JKS"},
		"ssl.truststore.location: open /nowhere":              {"security.protocol=SSL", "ssl.truststore.type=PEM", "ssl.truststore.location=/nowhere"},
		"holds no certificate":                                {"security.protocol=SSL", "ssl.truststore.type=PEM", "ssl.truststore.certificates=x"},
		"must hold a certificate and its private key":         {"security.protocol=SSL", "ssl.keystore.type=PEM", "ssl.keystore.certificate.chain=x"},
		"ssl.endpoint.identification.algorithm must be https": {"security.protocol=SSL", "ssl.endpoint.identification.algorithm="},
	} {
		path := securedtest.Properties(t, lines...)
		_, err := kafka.ReadSecurity(path)
		var input *election.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want an InputError that names the file and says %q", err, says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error tells the password: %v", err)
		}
	}

	path := securedtest.Properties(t, "security.protocol=PLAINTEXT")
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	if _, err := kafka.ReadSecurity(path); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
		t.Errorf("a file that everybody may read: %v", err)
	}
	for says, path := range map[string]string{"no such file": path + ".not", "it is no file": t.TempDir()} {
		if _, err := kafka.ReadSecurity(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}

// TestSparkGetsNoSecret compares the options of Spark's source and sink.
func TestSparkGetsNoSecret(t *testing.T) {
	t.Parallel()
	s, err := kafka.ReadSecurity(securedtest.Properties(t, "# Spark's own", "security.protocol = SASL_PLAINTEXT", "sasl.mechanism=SCRAM-SHA-512",
		`sasl.jaas.config=`+securedtest.ScramModule+` required \`, `  username="spark" password="hunter2\\"2";`))
	if err != nil {
		t.Fatal(err)
	}
	if s.Principal() != "spark" {
		t.Errorf("the principal is %s", s.Principal())
	}
	want := map[string]string{
		"kafka.security.protocol":           "${file:/secrets/kafka:security.protocol}",
		"kafka.sasl.mechanism":              "${file:/secrets/kafka:sasl.mechanism}",
		"kafka.sasl.jaas.config":            "${file:/secrets/kafka:sasl.jaas.config}",
		"kafka.config.providers":            "file",
		"kafka.config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
	}
	if diff := cmp.Diff(want, s.SparkOptions("/secrets/kafka")); diff != "" {
		t.Errorf("Spark's options, - want, + got:\n%s", diff)
	}
}
