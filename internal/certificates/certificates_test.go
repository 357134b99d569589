package certificates_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"realtime-election/election"
	"realtime-election/internal/certificates"
)

// issue opens the authority in a folder, and lets it issue a certificate for server.test and 127.0.0.1.
func issue(t *testing.T, folder string) tls.Certificate {
	t.Helper()
	path := filepath.Join(folder, "server.pem")
	authority, err := certificates.OpenOrMake(folder, nil)
	if err == nil {
		err = authority.Issue(path, []string{"server.test", "127.0.0.1"}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(path, path)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// trust is the authority in a folder as a client trusts it.
func trust(t *testing.T, folder string) *x509.CertPool {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, certificates.File))
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(content) {
		t.Fatalf("no certificates, %v", err)
	}
	return pool
}

func TestClientsTrustAServerByItsNamesOnly(t *testing.T) {
	folder, other := t.TempDir(), t.TempDir()
	server := issue(t, folder).Leaf
	issue(t, other)
	for name, good := range map[string]bool{"server.test": true, "127.0.0.1": true, "other.test": false, "127.0.0.2": false} {
		if _, err := server.Verify(x509.VerifyOptions{DNSName: name, Roots: trust(t, folder)}); (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
	unknown := x509.UnknownAuthorityError{}
	if _, err := server.Verify(x509.VerifyOptions{DNSName: "server.test", Roots: trust(t, other)}); !errors.As(err, &unknown) {
		t.Errorf("with the authority of another election: %v", err)
	}
	if _, err := server.Verify(x509.VerifyOptions{Roots: trust(t, folder), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err == nil {
		t.Error("the certificate of a server is good for a client")
	}
}

func TestServerCannotSignForAnother(t *testing.T) {
	folder := t.TempDir()
	if server := issue(t, folder).Leaf; server.IsCA || server.KeyUsage&x509.KeyUsageCertSign != 0 {
		t.Error("a server may sign certificates")
	}
}

func TestAuthorityStaysAndItsKeyIsItsOwners(t *testing.T) {
	folder := t.TempDir()
	before := issue(t, folder).Leaf
	trusted := trust(t, folder)
	after := issue(t, folder).Leaf
	if before.Equal(after) {
		t.Error("the server's certificate is not renewed")
	}
	if _, err := after.Verify(x509.VerifyOptions{DNSName: "server.test", Roots: trusted}); err != nil {
		t.Errorf("who trusted the authority before it was opened again does not trust the new certificate: %v", err)
	}
	for name, want := range map[string]fs.FileMode{certificates.KeyFile: 0o600, "server.pem": 0o600, certificates.File: 0o600} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want mode %v", name, info, err, want)
		}
	}
}

func TestAuthorityWithADamagedKeyIsRefused(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, certificates.KeyFile), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := certificates.OpenOrMake(folder, nil); err == nil {
		t.Error("a damaged key is used")
	} else if _, ok := errors.AsType[*election.InputError](err); !ok {
		t.Errorf("%T: %v", err, err)
	}
}
