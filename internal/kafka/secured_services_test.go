//go:build services

package kafka_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/kafka/securedtest"
)

// TestEachWayToLogInAndItsWrongTwin logs in to a real Kafka in each way that client properties can say.
func TestEachWayToLogInAndItsWrongTwin(t *testing.T) {
	k := securedtest.New(t)
	for _, login := range []struct {
		name, listener string
		lines          []string
		says           string // empty where the login is right
	}{
		{"SCRAM-SHA-256", "SCRAM", securedtest.Login("SASL_PLAINTEXT", "SCRAM-SHA-256", securedtest.ScramModule, "votes", "hunter2"), ""},
		{"PLAIN by TLS", "PLAIN", k.Trust("ca.pem", securedtest.Login("SASL_SSL", "PLAIN", securedtest.PlainModule, "votes", "hunter2")...), ""},
		{"mutual TLS", "MUTUAL", k.Keys("votes.pem", k.Trust("ca.pem", "security.protocol=SSL")...), ""},
		{"OAUTHBEARER", "OAUTH", k.OAuth("hunter2"), ""},

		{"SCRAM, wrong password", "SCRAM", securedtest.Login("SASL_PLAINTEXT", "SCRAM-SHA-512", securedtest.ScramModule, "votes", "wrong"), "does not know the user votes with the password"},
		{"SCRAM, unknown user", "SCRAM", securedtest.Login("SASL_PLAINTEXT", "SCRAM-SHA-512", securedtest.ScramModule, "nobody", "hunter2"), "does not know the user nobody"},
		{"PLAIN, wrong password", "PLAIN", k.Trust("ca.pem", securedtest.Login("SASL_SSL", "PLAIN", securedtest.PlainModule, "votes", "wrong")...), "does not know the user votes"},
		{"a mechanism that is not offered", "SCRAM", securedtest.Login("SASL_PLAINTEXT", "PLAIN", securedtest.PlainModule, "votes", "hunter2"), "does not offer sasl.mechanism=PLAIN"},
		{"a principal without rights", "SCRAM", securedtest.Login("SASL_PLAINTEXT", "SCRAM-SHA-512", securedtest.ScramModule, "guest", "guest"), "guest may not"},
		{"no login", "SCRAM", nil, "may want TLS or a login, or neither; name a file"},
		{"no TLS", "PLAIN", securedtest.Login("SASL_PLAINTEXT", "PLAIN", securedtest.PlainModule, "votes", "hunter2"), "it speaks TLS there; correct security.protocol in "},
		{"TLS where there is none", "SCRAM", k.Trust("ca.pem", "security.protocol=SSL"), "may want TLS or a login, or neither; correct security.protocol in "},
		{"another authority", "PLAIN", k.Trust("other.pem", securedtest.Login("SASL_SSL", "PLAIN", securedtest.PlainModule, "votes", "hunter2")...), "is signed by an authority that"},
		{"an expired certificate", "EXPIRED", k.Trust("ca.pem", "security.protocol=SSL"), "its certificate has expired"},
		{"another's name", "ELSEWHERE", k.Trust("ca.pem", "security.protocol=SSL"), "its certificate is for another name"},
		{"no certificate of the client", "MUTUAL", k.Trust("ca.pem", "security.protocol=SSL"), "it refuses the certificate of this client"},
		{"a stranger's certificate", "MUTUAL", k.Keys("stranger.pem", k.Trust("ca.pem", "security.protocol=SSL")...), "it refuses the certificate of this client"},
		{"OAUTHBEARER, wrong secret", "OAUTH", k.OAuth("wrong"), "/token gives no token for the client votes"},
	} {
		t.Run(login.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := k.Cluster(t, login.listener, login.lines...).Election(ctx)
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
