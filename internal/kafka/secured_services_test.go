//go:build services

package kafka_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"realtime-election/election"
	"realtime-election/internal/inspect"
	"realtime-election/internal/kafka"
	"realtime-election/local/securedtest"
)

// TestEachWayToLogInAndItsWrongTwin logs in to a real Kafka in each way that client properties can say.
func TestEachWayToLogInAndItsWrongTwin(t *testing.T) {
	k := securedtest.New(t)
	for _, login := range []struct {
		name, listener string
		lines          []string
		says           string // empty where the login is right
		uncertain      bool   // a hint, and no mistake for sure
	}{
		{"SCRAM-SHA-256", "SCRAM", securedtest.Login("SASL_PLAINTEXT", "SCRAM-SHA-256", securedtest.ScramModule, "votes", "hunter2"), "", false},
		{"PLAIN by TLS", "PLAIN", k.Trust("ca.pem", securedtest.Login("SASL_SSL", "PLAIN", securedtest.PlainModule, "votes", "hunter2")...), "", false},
		{"mutual TLS", "MUTUAL", k.Keys("votes.pem", k.Trust("ca.pem", "security.protocol=SSL")...), "", false},
		{"OAUTHBEARER", "OAUTH", k.OAuth("hunter2"), "", false},

		{"SCRAM, wrong password", "SCRAM", securedtest.Login("SASL_PLAINTEXT", "SCRAM-SHA-512", securedtest.ScramModule, "votes", "wrong"), "does not know the user votes with this password", false},
		{"SCRAM, unknown user", "SCRAM", securedtest.Login("SASL_PLAINTEXT", "SCRAM-SHA-512", securedtest.ScramModule, "nobody", "hunter2"), "does not know the user nobody", false},
		{"PLAIN, wrong password", "PLAIN", k.Trust("ca.pem", securedtest.Login("SASL_SSL", "PLAIN", securedtest.PlainModule, "votes", "wrong")...), "does not know the user votes", false},
		{"a mechanism that is not offered", "SCRAM", securedtest.Login("SASL_PLAINTEXT", "PLAIN", securedtest.PlainModule, "votes", "hunter2"), "does not offer PLAIN", false},
		{"a principal without rights", "SCRAM", securedtest.Login("SASL_PLAINTEXT", "SCRAM-SHA-512", securedtest.ScramModule, "guest", "guest"), "does not let guest do this", false},
		{"no login", "SCRAM", nil, "may want TLS or a login, or neither", true},
		{"no TLS", "PLAIN", securedtest.Login("SASL_PLAINTEXT", "PLAIN", securedtest.PlainModule, "votes", "hunter2"), "speaks TLS; correct security.protocol", false},
		{"TLS where there is none", "SCRAM", k.Trust("ca.pem", "security.protocol=SSL"), "may want TLS or a login, or neither", true},
		{"another authority", "PLAIN", k.Trust("other.pem", securedtest.Login("SASL_SSL", "PLAIN", securedtest.PlainModule, "votes", "hunter2")...), "has a certificate of an authority that is not trusted", false},
		{"an expired certificate", "EXPIRED", k.Trust("ca.pem", "security.protocol=SSL"), "has a certificate that has expired", false},
		{"another's name", "ELSEWHERE", k.Trust("ca.pem", "security.protocol=SSL"), "has a certificate for another name", false},
		{"no certificate of the client", "MUTUAL", k.Trust("ca.pem", "security.protocol=SSL"), "refuses the certificate of this client", false},
		{"a stranger's certificate", "MUTUAL", k.Keys("stranger.pem", k.Trust("ca.pem", "security.protocol=SSL")...), "refuses the certificate of this client", false},
		{"OAUTHBEARER, wrong secret", "OAUTH", k.OAuth("wrong"), "/token gives none to the client votes", false},
	} {
		t.Run(login.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := k.Cluster(t, login.listener, login.lines...).Election(ctx)
			var input *election.InputError
			switch {
			case login.says == "" && !errors.Is(err, kafka.ErrNoElection):
				t.Errorf("got %v, want %v", err, kafka.ErrNoElection)
			case login.says != "" && (errors.As(err, &input) == login.uncertain || !strings.Contains(err.Error(), login.says)):
				t.Errorf("got %v (an InputError: %t), want one that says %q", err, !login.uncertain, login.says)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "wrong\"")) {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
	wrong := securedtest.Login("SASL_PLAINTEXT", "SCRAM-SHA-512", securedtest.ScramModule, "votes", "wrong")
	var input *election.InputError
	if _, err := inspect.Topics(t.Context(), k.Cluster(t, "SCRAM", wrong...)); !errors.As(err, &input) || !strings.Contains(err.Error(), "does not know the user votes") {
		t.Errorf("the list of topics, with a wrong password: %v", err)
	}
}
