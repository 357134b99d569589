package principals

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"realtime-election/internal/secret"
)

// FormatArgs is the file, in a folder of logins, with arguments for Kafka's StorageTool: the passwords that Kafka has from its
// start. The tool takes them as @FILE.
const FormatArgs = "kafka-format.args"

// Login is the file with the principal's client properties in a folder of logins.
func (p Principal) Login(folder string) string {
	return filepath.Join(folder, p.secret()+".properties")
}

// mechanism of SASL for all but the controller's listener.
const mechanism = "SCRAM-SHA-512"

// all are the principals, sorted.
func all() []Principal {
	return slices.Sorted(slices.Values(slices.AppendSeq([]Principal{Broker, Controller, Init}, maps.Keys(granted()))))
}

// Files are the names of all files that Logins.Make makes.
func Files() []string {
	files := []string{FormatArgs}
	for _, p := range all() {
		files = append(files, p.secret(), filepath.Base(p.Login("")))
	}
	return files
}

// Known reports whether there is a principal of that name.
func Known(p Principal) bool { return slices.Contains(all(), p) }

// Logins are the files of a folder by which the principals log in.
type Logins struct {
	Folder string
	// CA is the PEM file of the authority that Kafka's certificate is from, as the clients reach it; empty where Kafka has no TLS.
	// The controller's listener has none, and is for the broker beside it.
	CA           string
	AdviceIfLost string // what to do where a password is lost
	// Allow lets a service read the login of a principal; it may be nil. Broker's, Controller's and FormatArgs are for Kafka, and
	// allowed as Broker's.
	Allow func(Principal) func(path string) error
}

// Make makes the files, and FormatArgs. It makes a password where there is none, and keeps those that there are.
func (l Logins) Make() error {
	allow := l.Allow
	if allow == nil {
		allow = func(Principal) func(string) error { return nil }
	}
	var format []string
	for _, p := range all() {
		password, err := p.password(l.Folder, l.AdviceIfLost)
		if err != nil {
			return err
		}
		if err := secret.Replace(p.Login(l.Folder), l.properties(p, password), allow(p)); err != nil {
			return err
		}
		if p == Broker || p == Init || p == Health {
			format = append(format, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, p, password))
		}
	}
	return secret.Replace(filepath.Join(l.Folder, FormatArgs), strings.Join(format, "\n"), allow(Broker))
}

// password is the principal's, made if there is none.
func (p Principal) password(folder, adviceIfLost string) (string, error) {
	return secret.OpenOrMake(filepath.Join(folder, p.secret()), adviceIfLost, nil)
}

// secret is the file with the principal's password alone.
func (p Principal) secret() string { return "kafka-" + string(p) }

// properties are those of a client that logs in as the principal.
func (l Logins) properties(p Principal, password string) string {
	protocol, name, module, others := "SASL_PLAINTEXT", mechanism, "scram.ScramLoginModule", ""
	if l.CA != "" && p != Controller {
		protocol = "SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location=" + strings.ReplaceAll(l.CA, `\`, `\\`)
	}
	if p == Controller { // it is also whom the listener lets in
		name, module, others = "PLAIN", "plain.PlainLoginModule", fmt.Sprintf(" user_%s=%q", p, password)
	}
	return fmt.Sprintf("security.protocol=%s\nsasl.mechanism=%s\nsasl.jaas.config=org.apache.kafka.common.security.%s required username=%q password=%q%s;\n",
		protocol, name, module, string(p), password, others)
}
